// From the outputs of the network to the answer, as flowers102.inference.predictor computes it

const sum = values => values.reduce((a, b) => a + b, 0)

function softmax(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity)
  const powers = logits.map(v => Math.exp(v - most)), whole = sum(powers)
  return powers.map(v => v/whole)
}

function oodScore(kind, logits) { // high: in-distribution
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity)
  if (kind == "max_logit") return most
  if (kind == "energy") return most + Math.log(sum(logits.map(v => Math.exp(v - most))))
  return Math.max(...softmax(logits))
}

function predictionSet(probs, order, {score, threshold}) { // labels, most probable first
  let before = 0
  return order.filter((label, rank) => {
    const p = probs[label], missing = score == "lac" ? 1 - p : rank ? before + p - p : 0
    before += p
    return Math.min(Math.max(missing, 0), 1) <= threshold
  })
}

function answered(about, {logits, known, softening}) {
  const exact = Float64Array.from(logits), softer = exact.map(v => v/(softening ?? 1)/about.temperature)
  const probs = softmax(softer)
  if (!probs.every(Number.isFinite)) throw new Error("the network gives NaN; its weights are damaged")
  const order = [...probs.keys()].sort((a, b) => probs[b] - probs[a] || a - b)
  const score = about.known ? known ?? oodScore(about.known.score, exact) : null
  return {
    probs, order, label: order[0], name: about.class_names[order[0]], confidence: probs[order[0]],
    set: about.set ? predictionSet(probs, order, about.set) : null,
    known: score === null ? null : score >= about.known.at_least,
    oodScore: score === null ? null : -score,
  }
}

function percent(p) { // never rounded to certainty
  if (p > .9995) return "> 99.9%"
  return p < .0005 ? "< 0.1%" : `${(100*p).toFixed(1)}%`
}

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (all, key) => key in values ? values[key] : all)

function record(about, photo, explained) { // the columns of every prediction record, and where the answer comes from
  const {answer} = photo, short = v => v === null ? null : Math.round(1e6*v)/1e6, names = about.class_names
  return {
    path: photo.name, predicted_label: answer.label, name: answer.name, confidence: short(answer.confidence),
    top_k: answer.order.slice(0, 5).map(label => [names[label], short(answer.probs[label])]), error: "",
    prediction_set: answer.set && answer.set.map(label => names[label]),
    known: answer.known, ood_score: short(answer.oodScore), note: photo.note, explained,
    model: about.arch, precision: about.model.precision, bundle_sha256: about.bundle_sha256,
    temperature: about.temperature, slope: about.slope, protocol: about.protocol, split_sha256: about.split_sha256,
    runtime: `onnxruntime-web ${about.runtime.version}`,
  }
}
