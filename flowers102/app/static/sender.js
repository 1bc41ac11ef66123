const PIECE = 2**20

function sender(model, say) {
  const waiting = new Map()
  model.on("msg:custom", message => waiting.get(message.id)?.(message))
  const ask = (message, part, last) => new Promise((done, lost) => {
    const patience = seconds => setTimeout(() => lost(GONE), 1000*seconds)
    let clock = patience(last ? 300 : 45) // with the last piece the kernel may have begun something else
    waiting.set(message.id, answer => {
      clearTimeout(clock)
      if (answer.got) clock = patience(900) // all has arrived, the prediction follows
      else done(answer)
    })
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
