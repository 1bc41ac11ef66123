// Beside the page: decodes photos and runs the network, so that the page never freezes

let session, about, ort

const TILE = 1024

function rgbOf(image) { // raw values, row by row; no canvas ever resizes a photo for the network
  const {width, height} = image, rgb = new Uint8Array(3*width*height)
  const canvas = new OffscreenCanvas(Math.min(TILE, width), Math.min(TILE, height))
  const pen = canvas.getContext("2d", {willReadFrequently: true})
  pen.imageSmoothingEnabled = false
  for (let top = 0; top < height; top += TILE) for (let left = 0; left < width; left += TILE) {
    const w = Math.min(TILE, width - left), h = Math.min(TILE, height - top)
    pen.fillStyle = "white" // what was transparent; Python does the same
    pen.fillRect(0, 0, w, h)
    pen.drawImage(image, left, top, w, h, 0, 0, w, h)
    const {data} = pen.getImageData(0, 0, w, h)
    for (let y = 0; y < h; y++) {
      let to = 3*((top + y)*width + left), from = 4*y*w
      for (let x = 0; x < w; x++, to += 3, from += 4) {
        rgb[to] = data[from]
        rgb[to + 1] = data[from + 1]
        rgb[to + 2] = data[from + 2]
      }
    }
  }
  return rgb
}

async function reduced(image, side) { // a small copy to show
  const scale = Math.min(1, side/Math.max(image.width, image.height))
  const canvas = new OffscreenCanvas(...[image.width, image.height].map(v => Math.max(1, Math.round(v*scale))))
  const pen = canvas.getContext("2d")
  pen.imageSmoothingQuality = "high"
  pen.fillStyle = "white"
  pen.fillRect(0, 0, canvas.width, canvas.height)
  pen.drawImage(image, 0, 0, canvas.width, canvas.height)
  return await canvas.convertToBlob({type: "image/jpeg", quality: .9})
}

async function kindOf(file) { // by its first bytes, whatever its name says
  const head = new TextDecoder("latin1").decode(await file.slice(0, 12).arrayBuffer())
  if (head.slice(4, 8) != "ftyp") return ""
  if (/^avi[fs]/.test(head.slice(8))) return "AVIF"
  return /^(hei[cxms]|hev[cx]|mif1|msf1)/.test(head.slice(8)) ? "HEIC" : ""
}

async function decoded(file) {
  const {words, limits} = about
  if (!file.size) throw words.no_bytes
  const kind = await kindOf(file).catch(() => { throw words.no_file })
  const options = {imageOrientation: "from-image", colorSpaceConversion: "none"} // Pillow leaves colours alone, too
  const image = await createImageBitmap(file, options).catch(() => {
    if (kind) throw `is ${kind}, which this browser can't read; save it as JPEG first${kind == "HEIC" ? ", or open this page in Safari" : ""}`
    throw words.no_photo
  })
  const megapixels = image.width*image.height/1e6
  if (megapixels > limits.megapixels) {
    image.close()
    throw `has ${Math.round(megapixels)} megapixels; expected ${limits.megapixels} at most. Make it smaller first; the network sees a few hundred pixels.`
  }
  return image
}

async function lookAt(file) {
  const start = performance.now(), image = await decoded(file), {width, height} = image
  const rgb = rgbOf(image), small = await reduced(image, 800)
  image.close()
  const ready = performance.now(), photo = new ort.Tensor("uint8", rgb, [1, height, width, 3])
  const names = session.outputNames.filter(name => name != "probs"), out = await session.run({photos: photo}, names)
  const one = name => out[name]?.data[0] ?? null
  const answer = {
    logits: out.logits.data, known: one("known"), softening: one("softening"), width, height, small,
    maps: out.class_maps ? {data: out.class_maps.data, dims: out.class_maps.dims} : null,
    ms: {decode: ready - start, run: performance.now() - ready},
  }
  photo.dispose()
  return answer
}

async function prepare({script, binary, model, ...rest}) {
  about = rest.about
  ort = await import(script)
  ort.env.wasm.numThreads = 1 // more would need headers that a static host does not send
  ort.env.wasm.wasmBinary = binary
  ort.env.logLevel = "error"
  session = await ort.InferenceSession.create(new Uint8Array(model), {executionProviders: ["wasm"], graphOptimizationLevel: "all"})
}

self.onmessage = async ({data: {kind, id, ...rest}}) => {
  try {
    const answer = kind == "prepare" ? await prepare(rest) : await lookAt(rest.file)
    postMessage({kind, id, answer}, answer ? [answer.logits.buffer, ...answer.maps ? [answer.maps.data.buffer] : []] : [])
  } catch (problem) { // a text is for people; anything else may have left the runtime broken
    postMessage({kind, id, problem: typeof problem == "string" ? problem : null, broken: String(problem?.message ?? problem).slice(0, 200)})
  }
}
