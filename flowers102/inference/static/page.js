// What the visitor sees: choosing photos, the answer, the heat map, saving. Everything stays in the browser

const $ = id => document.getElementById(id)
const MOST = 24 // number of photos to remember; the oldest are forgotten first
const VERSION = document.body.dataset.version
const photos = [], waiting = [], complaints = []
let about, words, files, worker, current = -1, busy = null, count = 0, shots = 0

function make(tag, fields = {}, ...children) {
  const node = document.createElement(tag)
  for (const [key, value] of Object.entries(fields)) if (key in node) node[key] = value; else node.setAttribute(key, value)
  node.append(...children)
  return node
}

const upper = text => text[0].toUpperCase() + text.slice(1)

function say(text, working = false) {
  $("status").textContent = text
  $("status").className = working ? "f102-busy" : "f102-quiet"
}

function complain(text, most = 5) {
  if (!complaints.includes(text)) complaints.push(text)
  const more = complaints.length - most, lines = complaints.slice(0, most)
  if (more > 0) lines.push(`and ${more} more`)
  $("wrong").replaceChildren(...lines.map(line => make("p", {className: "f102-wrong"}, line)))
}

function forgive() {
  complaints.length = 0
  $("wrong").replaceChildren()
}

// ---- the model

async function start() {
  for (const [what, there] of [["WebAssembly", globalThis.WebAssembly], ["OffscreenCanvas", globalThis.OffscreenCanvas], ["Worker", globalThis.Worker]])
    if (!there) throw new Error(`this browser has no ${what}; a newer one is needed`)
  about = await fetch(`bundle.json?v=${VERSION}`).then(answer => answer.json())
    .catch(() => { throw new Error("bundle.json can't be loaded; is the folder of this page complete?") })
  words = about.words
  $("examples").replaceChildren(...about.examples.map(example => chip({name: example.name, src: example.url}, () => takeExample(example))))
  $("examples").parentNode.hidden = !about.examples.length
  rove($("examples"), 0)
  const store = await kept(`flowers102 ${new URL(".", location.href)} ${VERSION}`)
  const parts = {script: about.runtime.script, binary: about.runtime.binary, model: about.model, worker: null}
  const done = {}, whole = about.runtime.script.bytes + about.runtime.binary.bytes + about.model.bytes
  const tell = key => n => {
    if (document.body.dataset.state != "loading") return // another file could not be loaded
    done[key] = n
    const so_far = sum(Object.values(done))
    $("bar").value = so_far/whole
    $("loading").textContent = `Loading the network: ${(so_far/1e6).toFixed(1)} of ${(whole/1e6).toFixed(1)} MB`
  }
  const get = async key => new Blob([await loaded(parts[key], VERSION, store, tell(key))], {type: key == "script" ? "text/javascript" : ""})
  const code = fetch(`worker.js?v=${VERSION}`).then(answer => answer.blob())
  const [script, binary, model, own] = await Promise.all([get("script"), get("binary"), get("model"), code])
  files = {script: URL.createObjectURL(script), binary, model, own: URL.createObjectURL(new Blob([own], {type: "text/javascript"}))}
  $("loading").textContent = "Starting the network"
  $("bar").removeAttribute("value")
  await startWorker()
  $("load").hidden = true
  document.body.dataset.state = "ready"
  for (const text of document.querySelectorAll("[data-ready]")) text.textContent = text.dataset.ready
}

async function startWorker() { // its code comes from a blob, so that the rules of this page about addresses hold in it, too
  worker?.terminate()
  worker = new Worker(files.own, {type: "module"})
  worker.answers = new Map()
  worker.onmessage = ({data}) => worker.answers.get(data.id)?.done(data)
  worker.onerror = event => { for (const {lost} of worker.answers.values()) lost(new Error(event.message || "the worker has ended")) }
  const [binary, model] = await Promise.all([files.binary.arrayBuffer(), files.model.arrayBuffer()])
  const {problem, broken} = await ask({kind: "prepare", script: files.script, binary, model, about}, [binary, model])
  if (problem || broken) throw new Error(`the network can't be started (${problem || broken})`)
}

function ask(message, moved = []) {
  const id = ++count
  return new Promise((done, lost) => {
    worker.answers.set(id, {done, lost})
    worker.postMessage({id, ...message}, moved)
  }).finally(() => worker.answers.delete(id))
}

async function begin() {
  $("again").hidden = true
  document.body.dataset.state = "loading"
  try { await start() }
  catch (problem) {
    $("loading").textContent = upper(`${problem.message}.`)
    $("bar").value = 0
    $("again").hidden = false
    document.body.dataset.state = "failed"
    return
  }
  next()
}

// ---- photos come in

function take(chosen) {
  forgive()
  const some = [...chosen]
  if (!some.length) return
  if (!words) return complain("The page is not ready yet; choose the photos again in a moment.")
  if (some.length > MOST) complain(filled(words.many, {n: some.length, most: MOST}))
  for (const file of some.slice(-MOST)) {
    const limit = about.limits.megabytes
    if (file.size > limit*2**20) complain(`${file.name}: ${filled(words.too_large, {size: (file.size/2**20).toFixed(1), limit})}`)
    else waiting.push({name: file.name, file, note: ""})
  }
  next()
}

async function takeExample({name, url}) {
  try {
    const answer = await fetch(`${url}?v=${VERSION}`)
    if (!answer.ok) throw 0
    take([new File([await answer.blob()], name)])
  } catch { complain(`${name}: this example can't be loaded; is there a connection?`) }
}

async function next() { // one photo after the other
  if (busy || document.body.dataset.state != "ready" || !waiting.length) return
  busy = waiting.shift()
  const more = waiting.length ? `, ${waiting.length} more` : ""
  say(filled(words.looking, {name: busy.name}) + more, true)
  try {
    const asked = performance.now(), {answer, problem, broken} = await ask({kind: "photo", file: busy.file})
    if (problem) complain(`${busy.name}: ${problem}`)
    else if (broken) throw new Error(broken)
    else add(busy, answer, performance.now() - asked)
  } catch (problem) { // the runtime may be broken: a new one
    const scarce = /memory|alloc|abort|unreachable|bounds/i.test(problem.message)
    complain(`${busy.name}: ${scarce ? "needs more memory than this browser gives to a page; make it smaller first" : filled(words.wrong, {what: problem.message})}`)
    try { await startWorker() } catch (end) { complain(upper(`${end.message}; reload the page.`)) }
  }
  busy = null
  if (waiting.length) return next()
  const photo = photos[current]
  say(photo ? `${photo.name}: ${verdictOf(photo.answer)}` : "")
}

function add({name, file, note}, {small, width, height, maps, ms, ...out}, whole) {
  const answer = answered(about, out)
  photos.push({name, note, width, height, small, maps, answer, src: URL.createObjectURL(small), layers: new Map(), ms: {...ms, whole}, target: answer.label, against: null})
  while (photos.length > MOST) URL.revokeObjectURL(photos.shift().src)
  select(photos.length - 1)
}

// ---- the answer

function verdictOf({known, name, confidence}) {
  return known === false ? filled(words.none, {n: about.class_names.length}) : `${name}, ${percent(confidence)}`
}

function select(i) {
  current = i
  const photo = photos[i], {answer} = photo, names = about.class_names, ranked = answer.order.slice(0, 5)
  const none = answer.known === false
  $("verdict").replaceChildren(...none ? [make("strong", {}, filled(words.none, {n: names.length})), words.closest]
    : [make("strong", {}, answer.name), ` ${percent(answer.confidence)}`])
  $("bars").replaceChildren(...ranked.map(label => {
    const bar = make("i")
    bar.style.width = `${(100*answer.probs[label]).toFixed(2)}%`
    return make("li", {}, make("span", {}, names[label]), make("span", {}, percent(answer.probs[label])), make("div", {}, bar))
  }))
  const others = (answer.set ?? []).filter(label => label != answer.label).map(label => names[label])
  $("others").textContent = none ? "" : answer.set?.length == 0 ? words.empty : others.length ? filled(words.also, {names: others.join(", ")}) : ""
  $("photo").src = photo.src
  $("photo").parentNode.style.setProperty("--ratio", photo.width/photo.height)
  $("photo").parentNode.style.setProperty("--pixels", photo.width)
  $("photo").alt = filled(words.photo_alt, {name: photo.name})
  offerNames(photo)
  $("why").hidden = !photo.maps
  $("result").hidden = false
  showMap()
  const focused = [...$("photos").children].findIndex(item => item.contains(document.activeElement))
  $("photos").replaceChildren(...photos.map((p, k) => chip({name: p.name, src: p.src, shown: p.answer.known === false ? verdictOf(p.answer) : p.answer.name}, () => { forgive(); select(k); say(`${p.name}: ${verdictOf(p.answer)}`) }, k == i)))
  rove($("photos"), i)
  $("photos").parentNode.hidden = false
  if (focused >= 0) $("photos").children[Math.min(focused, photos.length - 1)].firstChild.focus()
  else $("photos").children[i].scrollIntoView?.({block: "nearest", inline: "nearest"})
}

function offerNames({answer, target, against}) { // a class can't be held against itself
  const option = label => new Option(`${about.class_names[label]} (${percent(answer.probs[label])})`, label)
  $("for").replaceChildren(...answer.order.map(option))
  $("against").replaceChildren(new Option(words.any, ""), ...answer.order.filter(label => label != target).map(option))
  $("for").value = target
  $("against").value = against ?? ""
}

function shownOf({target, against}) {
  const names = about.class_names
  return filled(words.evidence, {name: names[target]}) + (against === null ? "" : filled(words.not_for, {name: names[against]}))
}

function showMap() {
  const photo = photos[current], layer = $("layer")
  layer.hidden = !photo.maps
  $("caption").textContent = ""
  if (!photo.maps) return
  const key = `${photo.target} ${photo.against}`, size = layerSize(photo.width, photo.height)
  if (!photo.layers.has(key)) photo.layers.set(key, placed(enlarged(evidence(photo.maps, photo.target, photo.against), about.maps), ...size, about.preprocess))
  paint(layer, photo.layers.get(key), ...size, {heat: HEAT(), outside: about.outside})
  layer.setAttribute("aria-label", filled(words.map_alt, {shown: shownOf(photo)}))
  $("caption").textContent = filled(words.legend, {shown: shownOf(photo)})
}

let colours = null
const HEAT = () => colours ??= Uint8Array.from(about.heat.match(/../g), pair => parseInt(pair, 16))

function fade() {
  $("layer").style.opacity = $("slider").value/100
  $("strength").textContent = `${$("slider").value}%`
}

function chip({name, src, shown}, onclick, pressed = null) { // a small photo to choose
  const image = make("img", {src, alt: shown ? "" : name, loading: "lazy"})
  const button = make("button", {type: "button", title: name, onclick}, image, ...shown ? [make("span", {}, shown), make("span", {className: "f102-quiet"}, ` ${name}`)] : [])
  if (pressed !== null) button.setAttribute("aria-pressed", pressed)
  return make("li", {}, button)
}

function rove(list, i) { // one stop of the Tab key for a strip, arrows inside
  ;[...list.children].forEach((item, k) => { item.firstChild.tabIndex = k == i ? 0 : -1 })
}

function walk(event) {
  const step = {ArrowRight: "nextSibling", ArrowLeft: "previousSibling"}[event.key]
  event.target.closest("li")?.[step]?.firstChild?.focus()
}

// ---- saving

function save(blob, name) {
  const href = URL.createObjectURL(blob)
  make("a", {href, download: name}).click()
  setTimeout(() => URL.revokeObjectURL(href), 10000)
}

const stem = name => name.replace(/\.\w{2,5}$/, "")

function saveJson() {
  const photo = photos[current], names = about.class_names
  const explained = photo.maps && {target: names[photo.target], against: photo.against === null ? null : names[photo.against], method: "cam"}
  save(new Blob([JSON.stringify(record(about, photo, explained), null, 2)], {type: "application/json"}), `${stem(photo.name)}.json`)
}

async function savePng() {
  const photo = photos[current], {answer} = photo, names = about.class_names, none = answer.known === false
  const title = none ? filled(words.none, {n: names.length}) + words.closest : `${answer.name} ${percent(answer.confidence)}`
  const bars = answer.order.slice(0, 5).map(label => [names[label], answer.probs[label], percent(answer.probs[label])])
  const foot = [...$("others").textContent ? [[$("others").textContent, 16]] : [], [`${photo.name}; ${about.arch}, bundle ${about.bundle_sha256.slice(0, 12)}`, 13]]
  save(await pictureOf(photo, photo.maps && $("layer"), $("slider").value/100, {title, caption: $("caption").textContent, bars, foot}), `${stem(photo.name)}.png`)
}

// ---- the camera

async function openCamera() { // a phone has a better program for that
  const devices = navigator.mediaDevices
  if (matchMedia("(pointer: coarse)").matches || !devices?.getUserMedia) return $("capture").click()
  forgive()
  try {
    $("video").srcObject = await devices.getUserMedia({video: {facingMode: "environment", width: {ideal: 1920}, height: {ideal: 1440}}})
    $("shot").showModal()
    await $("video").play()
  } catch (problem) {
    const why = {NotAllowedError: "the browser does not allow it; see the settings of this page in the address bar", NotFoundError: "there is none", NotReadableError: "another program uses it"}
    complain(`Camera: ${why[problem.name] ?? problem.message}.`)
    $("shot").close()
  }
}

async function shoot() {
  const {videoWidth: width, videoHeight: height} = $("video")
  if (!width) return
  const canvas = make("canvas", {width, height})
  canvas.getContext("2d").drawImage($("video"), 0, 0)
  const blob = await new Promise(done => canvas.toBlob(done, "image/png"))
  $("shot").close()
  take([new File([blob], `camera-${++shots}.png`)])
}

function closeCamera() {
  for (const track of $("video").srcObject?.getTracks() ?? []) track.stop()
  $("video").srcObject = null
}

// ---- visits without a network

async function keepPage() {
  if (!navigator.serviceWorker) return
  try {
    const kept = await navigator.serviceWorker.register("sw.js"), had = navigator.serviceWorker.controller
    const offer = () => { if (kept.waiting && had) $("update").hidden = false }
    kept.addEventListener("updatefound", () => kept.installing?.addEventListener("statechange", offer))
    offer()
    $("replace").onclick = () => {
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), {once: true})
      kept.waiting?.postMessage("replace")
    }
  } catch { /* a private window: the page works, though not without a network */ }
}

// ---- connections

$("file").onchange = $("capture").onchange = ({target}) => { take(target.files); target.value = "" }
$("again").onclick = begin
$("camera").onclick = openCamera
$("take").onclick = shoot
$("cancel").onclick = () => $("shot").close()
$("shot").onclose = closeCamera
$("slider").oninput = fade
$("png").onclick = savePng
$("json").onclick = saveJson
$("examples").onkeydown = $("photos").onkeydown = walk
for (const menu of ["for", "against"]) $(menu).onchange = () => {
  const photo = photos[current]
  photo.target = Number($("for").value)
  photo.against = $("against").value === "" || Number($("against").value) == photo.target ? null : Number($("against").value)
  if (menu == "for") offerNames(photo)
  showMap()
  say(shownOf(photo))
}
for (const kind of ["dragover", "dragleave", "drop"]) document.addEventListener(kind, event => {
  event.preventDefault()
  $("zone").classList.toggle("f102-over", event.type == "dragover")
  if (event.type != "drop") return
  if (event.dataTransfer.files.length) take(event.dataTransfer.files)
  else complain("That was no file; save the image first, then drop it here.")
})
document.addEventListener("paste", event => {
  if (event.clipboardData.files.length) take(event.clipboardData.files)
  else complain("The clipboard holds no photo; copy an image first.")
})
$("stuck").hidden = true
$("page").hidden = false
fade()
keepPage()
begin()
