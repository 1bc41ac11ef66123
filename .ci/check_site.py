"""Check a rendered site: no literal Markdown in its text, no dead link or anchor, words for every image, no page wider than a phone.

    python .ci/check_site.py _docs

Widths are measured where Playwright and a Chromium or Chrome (on the path, or in $CHROME) are present. Each fault is one line.
"""
import os
import re
import shutil
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

PHONE = 390 # pixels
HOME = "https://flowers102.github.io/flowers102/"
BROWSERS = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"


class Page(HTMLParser):
    "Links, anchors, images and text of one page"
    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.faults, self.inside = [], set(), [], {tag: 0 for tag in ("script", "style", "main", "code", "pre")}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag in self.inside: self.inside[tag] += 1
        self.ids |= {attrs[key] for key in ("id", "name") if attrs.get(key)}
        if tag == "a" and attrs.get("href"): self.links.append(attrs["href"])
        if tag == "img" and "alt" not in attrs: self.faults.append(f"an image without alternative text: {(attrs.get('src') or '')[:60]}")

    def handle_endtag(self, tag):
        if tag in self.inside: self.inside[tag] -= 1

    def handle_data(self, data):
        if not self.inside["main"] or self.inside["script"] or self.inside["style"]: return
        code = self.inside["code"] or self.inside["pre"] # may show Markdown, but none that links to this site
        if found := re.search(rf".{{0,40}}\]\({re.escape(HOME) if code else 'https?:'}\S{{0,40}}", data): self.faults.append(f"literal Markdown: {found[0]}")


def site_faults(folder):
    "Literal Markdown, images without words, links to pages or anchors that the site lacks"
    made = {path.relative_to(folder).as_posix(): Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    if "404.html" not in made: yield "404.html", "is missing: a mistyped address would lead to the host's page"
    for name, page in made.items():
        yield from ((name, text) for text in page.faults)
        for link in dict.fromkeys(page.links):
            if link.startswith(HOME): link = "/" + link.removeprefix(HOME)
            elif name == "404.html": link = re.sub(r"^/flowers102/", "/", link) # its links hold from any folder
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link == "#": continue
            path = unquote(parts.path)
            at = folder/path.lstrip("/") if path.startswith("/") else (folder/name).parent/path if path else folder/name
            if at.is_dir(): at /= "index.html"
            target, anchor = Path(os.path.relpath(at, folder)).as_posix(), unquote(parts.fragment)
            if not at.exists(): yield name, f"dead link: {link}"
            elif anchor and target in made and anchor not in made[target].ids: yield name, f"dead anchor: {link}"


def wide_pages(folder, names=None):
    "Pages that slide sideways on a phone; a reason why nothing was measured, without a browser"
    browser = os.environ.get("CHROME") or next(filter(None, map(shutil.which, BROWSERS)), None)
    try: from playwright.sync_api import sync_playwright
    except ImportError: browser = None
    if not browser: return print("no Playwright or no browser: widths were not measured")
    with sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chrome.new_page(viewport={"width": PHONE, "height": 844})
        page.route("**/*", lambda route: route.continue_() if route.request.url.startswith("file:") or "mathjax" in route.request.url.lower() else route.abort())
        for path in sorted(folder.rglob("*.html")):
            if "site_libs" in path.parts or "http-equiv=\"refresh\"" in path.read_text(encoding="utf-8")[:2000]: continue
            page.goto(path.resolve().as_uri(), wait_until="load")
            if (width := page.evaluate("document.documentElement.scrollWidth")) > PHONE:
                widest = page.evaluate("""w => { const e = [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > w + 1 && !e.closest('pre, table'))[0];
                                               return e ? `${e.tagName.toLowerCase()}: ${e.textContent.trim().slice(0, 60)}` : '' }""", PHONE)
                yield path.relative_to(folder).as_posix(), f"{width} px wide on a phone of {PHONE} px: {widest}"
        chrome.close()


def check_checks():
    "Plant each fault in a site of two pages; a line for each that is not found"
    good = f'<main id="m"><h2 id="a">A</h2><a href="b.html#b">b</a><a href="{HOME}b.html"></a><img src="x.png" alt="a rose"><pre>"[a](https://b)"</pre></main><script>"[a](https://b)"</script>'
    bad = {"literal Markdown: see": "<p>see [a](https://b.de)</p>", "literal Markdown: # as": f"<pre><code># as [a]({HOME}b.html)</code></pre>", "dead link": '<a href="c.html"></a>', "dead anchor": f'<a href="{HOME}b.html#_b"></a>', "without alternative text": '<img src="x.png">'}
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        (site/"b.html").write_text('<main><p id="b">b</p></main>', encoding="utf-8")
        (site/"a.html").write_text(good, encoding="utf-8")
        if [name for name, _ in site_faults(site)] != ["404.html"]: yield "a missing 404.html should be the only fault"
        (site/"404.html").write_text('<a href="/flowers102/a.html#a">A</a>', encoding="utf-8")
        for text in site_faults(site): yield f"finds what is no fault: {text}"
        for what, part in bad.items():
            (site/"a.html").write_text(good.replace("</main>", f"{part}</main>"), encoding="utf-8")
            if not any(what in text for _, text in site_faults(site)): yield f"misses a planted fault: {what}"


def main(folder):
    faults = [f"{name}: {text}" for name, text in (*site_faults(folder), *(wide_pages(folder) or ()))]
    print("\n".join(faults) if faults else f"site: {len(list(folder.rglob('*.html')))} files are fine")
    if faults: sys.exit(1)


if __name__ == "__main__": main(Path(sys.argv[1]))
