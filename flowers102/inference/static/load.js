// Files of the page: the model and the runtime, with progress, checked by their hashes, and kept for the next visit

const kept = async name => { // a store for files; none in a private window, or without https
  try { return await caches.open(name) } catch { return null }
}

async function hashed(bytes) { // as in a `script` element's integrity
  const digest = await crypto.subtle.digest("SHA-384", bytes)
  return "sha384-" + btoa(String.fromCharCode(...new Uint8Array(digest)))
}

async function received(answer, file, tell) { // the bytes of a response, piece by piece
  const parts = []
  let n = 0
  for (const reader = answer.body.getReader(); ;) {
    const {done, value} = await reader.read()
    if (done) break
    parts.push(value)
    tell(n += value.length)
  }
  const bytes = new Uint8Array(n)
  n = 0
  for (const part of parts) { bytes.set(part, n); n += part.length }
  return bytes
}

async function loaded(file, version, store, tell) { // of {url, bytes, integrity}
  const name = file.url.split("/").pop(), own = new URL(file.url, location.href).origin == location.origin
  const address = own ? `${file.url}?v=${version}` : file.url, canHash = Boolean(globalThis.crypto?.subtle)
  const before = await store?.match(file.url)
  if (before) {
    const bytes = new Uint8Array(await before.arrayBuffer())
    if (await hashed(bytes) == file.integrity) { tell(file.bytes); return bytes }
    await store.delete(file.url)
  }
  let answer
  try { answer = await fetch(address, canHash ? {} : {integrity: file.integrity}) }
  catch { throw new Error(`${name} can't be loaded${own ? "" : ` from ${new URL(file.url).host}`}; is there a connection?`) }
  if (!answer.ok) throw new Error(`${name} can't be loaded: the server says ${answer.status} ${answer.statusText}`)
  const bytes = await received(answer, file, tell).catch(() => { throw new Error(`${name}: the connection broke off`) })
  if (canHash && await hashed(bytes) != file.integrity) throw new Error(`${name} is not the file that was exported: its hash differs`)
  try { await store?.put(file.url, new Response(bytes, {headers: {"Content-Length": bytes.length}})) } catch { /* no room: it is loaded again next time */ }
  return bytes
}
