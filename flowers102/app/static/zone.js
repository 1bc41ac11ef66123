function dropZone(model, line, title, hint, everywhere) { // everywhere: a drop on any part of the page counts
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
  const zone = make("label", {htmlFor: id, className: "f102-zone"}, make("strong", {}, title), make("span", {}, hint))
  const area = everywhere ? document : zone
  const over = event => {
    event.preventDefault()
    if (!everywhere) event.stopPropagation() // a drop on this zone is for no other one
    zone.classList.toggle("f102-over", event.type == "dragover")
    if (event.type == "drop") take([...event.dataTransfer.files])
  }
  const kinds = ["dragover", "dragleave", "drop"]
  for (const kind of kinds) area.addEventListener(kind, over)
  return {parts: [input, zone], say, stop: () => { for (const kind of kinds) area.removeEventListener(kind, over) }}
}

const stays = model => `up to ${Math.round(model.get("limit")/2**20)} MB each; they stay on the machine that runs this page`
