// Keys of the label review: on a page of its own anywhere, in a notebook inside the review only
function render({ model, el }) {
  const alone = Boolean(document.body.dataset.voila)
  const press = event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return
    if (event.target.closest?.("input, select, textarea, [contenteditable]")) return
    if (!alone && !event.target.closest?.(".f102-review")) return
    if (!["k", "d", "r", "u", "ArrowLeft", "ArrowRight"].includes(event.key)) return
    event.preventDefault()
    event.stopPropagation() // a notebook has commands on these keys
    model.send({key: event.key})
  }
  document.addEventListener("keydown", press, true)
  model.send({shown: true}) // the kernel may have been waiting since before the last decisions
  return () => document.removeEventListener("keydown", press, true)
}
export default { render }
