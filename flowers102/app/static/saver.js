function render({ model, el }) {
  const buttons = model.get("kinds").map(([kind, text]) => make("button",
    {type: "button", className: "f102-save", onclick: () => model.send({save: kind})}, text))
  const draw = () => { for (const button of buttons) button.disabled = !model.get("ready") }
  model.on("change:ready", draw)
  model.on("msg:custom", (message, buffers) => {
    const href = URL.createObjectURL(new Blob([buffers[0]], {type: message.type}))
    make("a", {href, download: message.name}).click()
    setTimeout(() => URL.revokeObjectURL(href), 10000)
  })
  draw()
  el.append(...buttons)
}
export default { render }
