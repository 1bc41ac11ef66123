function render({ model, el }) {
  const line = make("p", {className: "f102-line", role: "status"}), words = model.get("words")
  const alone = document.body.dataset.voila // on a page of its own, a drop anywhere will do
  const { parts, say, stop } = dropZone(model, line, words.choose, stays(model), alone)

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
  el.append(...parts, line, ...["examples", "photos"].map(kind => strip(kind, words[kind])))
  return stop
}
export default { render }
