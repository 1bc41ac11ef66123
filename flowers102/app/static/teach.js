function render({ model, el }) {
  const line = make("p", {className: "f102-line", role: "status"}), problems = make("div"), note = make("p", {role: "status", className: "f102-taught"})
  const hint = `${model.get("least")} or more photos that show it in different ways; ${stays(model)}`
  const { parts, say, stop } = dropZone(model, line, "Choose photos of the new species, or drop them here", hint, false)

  const id = `f102-${Math.random().toString(36).slice(2)}`
  const name = make("input", {type: "text", id, maxLength: 80, autocomplete: "off", spellcheck: false})
  const button = make("button", {type: "submit", className: "f102-save"}, "Add the species")
  const list = make("ul", {"aria-label": "Photos of the new species"}), count = make("p", {className: "f102-line"})
  const teach = event => {
    event.preventDefault()
    if (!button.disabled && !tell(model, {kind: "teach", name: name.value})) say(GONE)
  }
  const form = make("form", {onsubmit: teach, noValidate: true}, make("label", {htmlFor: id}, "Name of the species"), name, button)

  const draw = () => {
    const photos = model.get("photos"), had = [...list.children].findIndex(item => item.contains(document.activeElement))
    list.replaceChildren(...photos.map((photo, i) => make("li", {}, make("button",
      {type: "button", title: `Remove ${photo.name}`, onclick: () => tell(model, {kind: "photos", i}) || say(GONE)},
      make("img", {src: photo.src, alt: ""}), make("span", {}, "Remove")))))
    if (had >= 0) (list.children[Math.min(had, photos.length - 1)]?.firstChild ?? parts[0]).focus()
    count.textContent = photos.length ? `${photos.length} photos; ${model.get("least")} or more are needed` : ""
  }
  const answer = () => {
    button.disabled = model.get("busy")
    line.textContent = model.get("busy") ? "fitting the new species; this takes some seconds" : ""
    problems.replaceChildren(...model.get("problems").map(text => make("p", {className: "f102-wrong", role: "alert"}, text)))
    note.textContent = model.get("note")
    if (note.textContent && !model.get("photos").length) name.value = ""
  }
  model.on("change:photos", draw)
  model.on("change:busy change:problems change:note", answer)
  draw()
  answer()
  el.classList.add("f102-picker")
  el.append(make("details", {className: "f102-teach", open: model.get("photos").length > 0},
    make("summary", {}, "Not one of them? Teach me a species"), ...parts, line, count, list, form, problems, note))
  return stop
}
export default { render }
