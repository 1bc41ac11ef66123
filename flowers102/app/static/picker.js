function render({ model, el }) {
  const line = make("p", {className: "f102-line", role: "status"})
  const say = text => { line.textContent = text }
  const send = sender(model, say)
  let queue = Promise.resolve()
  const take = files => {
    if (files.length && !tell(model, {kind: "batch", n: files.length})) return say(GONE)
    for (const file of files) queue = queue.then(() => send(file)).then(() => say(""), problem => {
      say(`${problem}`)
      if (problem != GONE) tell(model, {kind: "problem", name: file.name, text: `${problem}`})
    })
  }

  const id = `f102-${Math.random().toString(36).slice(2)}`
  const input = make("input", {type: "file", id, multiple: true, accept: "image/*,.heic,.heif"})
  input.addEventListener("change", () => { take([...input.files]); input.value = "" })
  const zone = make("label", {htmlFor: id, className: "f102-zone"},
    make("strong", {}, model.get("words").choose),
    make("span", {}, `up to ${Math.round(model.get("limit")/2**20)} MB each; they stay on the machine that runs this page`))
  const area = document.body.dataset.voila ? document : zone // on a page of its own, anywhere will do
  const over = event => {
    event.preventDefault()
    zone.classList.toggle("f102-over", event.type == "dragover")
    if (event.type == "drop") take([...event.dataTransfer.files])
  }
  for (const kind of ["dragover", "dragleave", "drop"]) area.addEventListener(kind, over)

  const walk = event => { // one stop of the Tab key for a strip, arrows inside
    const step = {ArrowRight: "nextSibling", ArrowLeft: "previousSibling"}[event.key]
    event.target.closest("li")?.[step]?.firstChild.focus()
  }
  function strip(kind, title) {
    const list = make("ul", {"aria-label": title, onkeydown: walk}), box = make("div", {}, make("span", {}, title), list)
    const draw = () => {
      const had = [...list.children].findIndex(item => item.contains(document.activeElement))
      list.replaceChildren(...model.get(kind).map((photo, i) => make("li", {}, make("button",
        {type: "button", title: photo.name, "aria-pressed": kind == "photos" && i == model.get("chosen"),
         tabIndex: i == (kind == "photos" ? Math.max(0, model.get("chosen")) : 0) ? 0 : -1,
         onclick: () => tell(model, {kind, i}) || say(GONE)}, make("img", {src: photo.src, alt: photo.name}),
        ...photo.label ? [make("span", {}, photo.label)] : []))))
      list.children[had]?.firstChild.focus()
      box.hidden = !model.get(kind).length
    }
    model.on(`change:${kind} change:chosen`, draw)
    draw()
    return box
  }
  el.classList.add("f102-picker")
  el.append(input, zone, line, ...["examples", "photos"].map(kind => strip(kind, model.get("words")[kind])))
  return () => { for (const kind of ["dragover", "dragleave", "drop"]) area.removeEventListener(kind, over) }
}
export default { render }
