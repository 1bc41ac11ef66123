function render({ model, el }) {
  const style = make("style"), shown = make("output")
  const slider = make("input", {type: "range", min: 0, max: 100, step: 5, id: model.get("target"),
                                oninput: () => { model.set("value", slider.value/100); model.save_changes() }})
  const draw = () => {
    slider.value = Math.round(100*model.get("value"))
    shown.textContent = `${slider.value}%`
    style.textContent = `.${model.get("target")} {opacity: ${slider.value/100}}`
  }
  model.on("change:value", draw)
  draw()
  el.classList.add("f102-fader")
  el.append(style, make("label", {htmlFor: model.get("target")}, model.get("label")), slider, shown)
}
export default { render }
