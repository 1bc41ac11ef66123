// Keeps the files of the page for visits without a network. Above this line stand VERSION and FILES.

const SCOPE = self.registration.scope, OURS = `flowers102 ${SCOPE} `, CACHE = OURS + VERSION

self.addEventListener("install", event => event.waitUntil((async () => {
  const cache = await caches.open(CACHE)
  await cache.addAll(FILES.map(file => new Request(file, {cache: "reload"})))
})()))

self.addEventListener("activate", event => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith(OURS) && name != CACHE) await caches.delete(name)
  await self.clients.claim()
})()))

self.addEventListener("message", event => { if (event.data == "replace") self.skipWaiting() })

self.addEventListener("fetch", event => {
  if (event.request.method != "GET" || !event.request.url.startsWith(SCOPE)) return
  event.respondWith((async () => {
    const home = event.request.url.split(/[?#]/)[0] == `${SCOPE}index.html` // some hosts redirect it, and a redirect can't be kept
    const cache = await caches.open(CACHE), found = await cache.match(home ? SCOPE : event.request, {ignoreSearch: true})
    return found ?? fetch(event.request)
  })())
})
