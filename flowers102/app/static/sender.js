const PIECE = 2**20

function sender(model, say) {
  const waiting = new Map()
  model.on("msg:custom", message => waiting.get(message.id)?.(message))
  const ask = (message, part, last) => new Promise((done, lost) => {
    const clock = setTimeout(() => lost(GONE), last ? 900000 : 45000) // the last piece is answered after the prediction
    waiting.set(message.id, answer => { clearTimeout(clock); done(answer) })
    if (!tell(model, message, part)) lost(GONE)
  })
  return async function send(file) {
    const limit = model.get("limit")
    let data = file
    if (file.size > model.get("large")) {
      say(`${file.name}: making it smaller`)
      data = await smaller(file, model.get("side")).catch(() => null) ?? file
    }
    if (data.size > limit) {
      tell(model, {kind: "refused", name: file.name, size: data.size})
      return
    }
    const id = `${Date.now()} ${Math.random()}`
    for (let at = 0; at < data.size || at == 0; at += PIECE) {
      say(`${file.name}: ${Math.round(100*at/Math.max(data.size, 1))}% of ${mb(data.size)} sent`)
      const part = await data.slice(at, at + PIECE).arrayBuffer().catch(() => {
        throw "can't be read here (a folder?); choose photos" })
      const message = {kind: "piece", id, name: file.name, size: data.size, was: file.size, at}
      if ((await ask(message, part, at + PIECE >= data.size)).stop) break
    }
    waiting.delete(id)
  }
}
