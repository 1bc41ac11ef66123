function make(tag, fields = {}, ...children) {
  const node = document.createElement(tag)
  for (const [key, value] of Object.entries(fields))
    if (key in node) node[key] = value
    else node.setAttribute(key, value)
  node.append(...children)
  return node
}

const GONE = "the program behind this page has ended; reload the page"

function tell(model, message, ...parts) { // false where nobody listens any more
  try { model.send(message, undefined, parts) } catch { return false }
  return true
}

const mb = bytes => (bytes/2**20).toFixed(1) + " MB"

async function smaller(file, side) {
  const photo = await createImageBitmap(file)
  const scale = Math.min(1, side/Math.max(photo.width, photo.height))
  const canvas = make("canvas", {width: Math.max(1, Math.round(photo.width*scale)),
                                 height: Math.max(1, Math.round(photo.height*scale))})
  const pen = canvas.getContext("2d")
  pen.fillStyle = "white" // what was transparent; Python does the same
  pen.fillRect(0, 0, canvas.width, canvas.height)
  pen.drawImage(photo, 0, 0, canvas.width, canvas.height)
  photo.close()
  return await new Promise(done => canvas.toBlob(done, "image/jpeg", .95))
}
