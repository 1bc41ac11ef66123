// Heat maps from class maps, as flowers102.explain computes them, and the picture that is saved

function evidence({data, dims}, target, against = null) { // signed, for each cell
  const [, , h, w] = dims, map = label => data.subarray(label*h*w, (label + 1)*h*w)
  const mine = map(target), other = against === null ? null : map(against)
  return other ? mine.map((v, i) => Math.min(v, v - other[i])) : mine.slice()
}

function enlarged(cells, {down, right}) { // of the crop that the network saw: [0, 1], NaN where no cell looks
  const size = down.length, n = right[0].length, whole = new Float32Array(size*size)
  const part = down.map(row => Float64Array.from({length: n}, (_, j) =>
    row[0] === null ? NaN : sum(row.map((weight, i) => weight*Math.max(0, cells[i*n + j])))))
  let most = 0
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) {
    let value = right[x][0] === null ? NaN : 0
    for (let j = 0; j < n; j++) value += right[x][j]*part[y][j]
    whole[y*size + x] = value
    if (value > most) most = value
  }
  return most > 0 ? whole.map(v => Math.min(v/most, 1)) : whole
}

const rounded = v => { // half to even, as Python does
  const low = Math.floor(v)
  return v - low == .5 ? low + low % 2 : Math.round(v)
}

function placed(crop, width, height, {size, resize}) { // a map of the photo, NaN outside the crop
  const side = size*Math.min(width, height)/resize, whole = new Float32Array(width*height).fill(NaN)
  const ends = s => {
    const first = Math.max(0, rounded((s - side)/2)), last = Math.min(s, rounded((s + side)/2))
    return [first, Math.max(last, first + 1)]
  }
  const [[left, end], [top, bottom]] = [ends(width), ends(height)]
  const at = (k, n) => {
    const place = Math.max(0, (k + .5)*size/n - .5), low = Math.min(size - 1, Math.floor(place))
    return [low, Math.min(size - 1, low + 1), place - low, Math.min(size - 1, Math.floor(k*size/n))]
  }
  const columns = Array.from({length: end - left}, (_, k) => at(k, end - left)), value = i => Number.isNaN(crop[i]) ? 0 : crop[i]
  for (let y = top; y < bottom; y++) {
    const [y0, y1, v, nearY] = at(y - top, bottom - top)
    columns.forEach(([x0, x1, u, nearX], k) => {
      if (Number.isNaN(crop[nearY*size + nearX])) return
      const over = value(y0*size + x0)*(1 - u) + value(y0*size + x1)*u
      const under = value(y1*size + x0)*(1 - u) + value(y1*size + x1)*u
      whole[y*width + left + k] = over*(1 - v) + under*v
    })
  }
  return whole
}

function paint(canvas, map, width, height, {heat, outside}) { // a map as a layer over the photo
  const image = new ImageData(width, height)
  map.forEach((value, i) => {
    const k = 3*Math.min(255, Math.floor(256*value))
    image.data.set(Number.isNaN(value) ? outside : [heat[k], heat[k + 1], heat[k + 2], 255], 4*i)
  })
  canvas.width = width
  canvas.height = height
  canvas.getContext("2d").putImageData(image, 0, 0)
}

function layerSize(width, height, side = 256) { // the browser enlarges it smoothly
  const scale = Math.min(1, side/Math.max(width, height))
  return [width, height].map(v => Math.max(1, Math.round(v*scale)))
}

function wrapped(pen, text, width) { // lines
  const lines = [""]
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim()
    if (lines.at(-1) && pen.measureText(longer).width > width) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines
}

async function pictureOf(photo, layer, strength, {title, caption, bars, foot}) { // a PNG: the photo under its map, beside its bars
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d")
  const image = await createImageBitmap(photo.small), scale = Math.min(640/image.width, 640/image.height)
  const [w, h] = [image.width, image.height].map(v => Math.round(v*scale)), left = w + 64, right = 460
  const font = (px, weight = "") => `${weight} ${px}px system-ui, sans-serif`.trim()
  const write = (text, px, colour, x, y, width, weight) => {
    pen.font = font(px, weight)
    pen.fillStyle = colour
    for (const line of wrapped(pen, text, width)) pen.fillText(line, x, y += px*1.3)
    return y
  }
  const draw = () => {
    pen.fillStyle = "#fff"
    pen.fillRect(0, 0, canvas.width, canvas.height)
    pen.drawImage(image, 24, 24, w, h)
    pen.globalAlpha = strength
    if (layer) pen.drawImage(layer, 24, 24, w, h)
    pen.globalAlpha = 1
    const under = caption ? write(caption, 15, "#555", 24, h + 30, w) : h + 24
    let y = write(title, 26, "#222", left, 20, right, "600") + 14
    for (const [name, p, shown] of bars) {
      pen.font = font(18)
      pen.textAlign = "right"
      pen.fillStyle = "#222"
      pen.fillText(shown, left + right, y + 20)
      pen.textAlign = "left"
      y = write(name, 18, "#222", left, y - 4, right - 90) + 8
      pen.fillStyle = "#eee"
      pen.fillRect(left, y, right, 9)
      pen.fillStyle = "#7a3b8f"
      pen.fillRect(left, y, Math.max(2, right*p), 9)
      y += 16
    }
    for (const [line, px] of foot) y = write(line, px, "#555", left, y + 6, right)
    return Math.max(under, y) + 28
  }
  canvas.width = left + right + 24
  canvas.height = 100
  canvas.height = Math.ceil(draw())
  draw()
  image.close()
  return await new Promise(done => canvas.toBlob(done, "image/png"))
}
