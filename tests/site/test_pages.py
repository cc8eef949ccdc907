"""Every page of the built book, as a browser and a reader meet it."""

import re
from urllib.parse import urlsplit

import pytest

FILE_NAME = re.compile(r"\.(png|svg|jpe?g|gif)$|^[0-9a-f]{16,}|/", re.IGNORECASE)


def test_no_request_leaves_the_host(name, address, visit):
    seen = visit(f"{address}/{name}")
    home = urlsplit(address).netloc
    foreign = [r.url for r in seen.requests if urlsplit(r.url).netloc not in ("", home)]
    assert not foreign
    assert not seen.sockets


def test_every_file_that_a_page_asks_for_exists(name, address, visit):
    seen = visit(f"{address}/{name}")
    answers = [(r.url, r.response().status) for r in seen.requests if not r.url.startswith("data:")]
    assert [answer for answer in answers if answer[1] != 200] == []


def test_the_console_is_silent(name, address, visit):
    assert visit(f"{address}/{name}").complaints == []


def test_nothing_scrolls_sideways_on_a_small_screen(name, address, visit):
    page = visit(f"{address}/{name}", viewport=(360, 800), has_touch=True, is_mobile=True).page
    page.evaluate("document.querySelectorAll('article details').forEach((d) => { d.open = true; })")
    for width in (360, 390, 768):
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        beyond = page.evaluate("""() => [...document.querySelectorAll("body *")]
            .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
            .slice(0, 5).map((e) => e.outerHTML.slice(0, 120))""")
        assert wide <= width, f"the page is {wide} px wide at {width}; beyond the edge are {beyond}"


def test_every_image_has_a_human_description(name, address, visit):
    page = visit(f"{address}/{name}").page
    images = page.evaluate("""() => [...document.querySelectorAll("img")].map((i) => ({
        src: i.getAttribute("src"), alt: i.getAttribute("alt"), loaded: i.naturalWidth > 0,
        decorative: i.closest("a.logo") !== null || i.getAttribute("role") === "presentation",
    }))""")
    for image in images:
        assert image["loaded"], image
        alt = image["alt"]
        assert alt is not None, image
        if not image["decorative"]:
            assert len(alt) >= 12 or "logo" in alt, f"too short to describe anything: {image}"
            assert not FILE_NAME.search(alt), f"a file name is no description: {image}"


def test_mathematics_is_set_and_nothing_raw_is_left(name, address, visit):
    page = visit(f"{address}/{name}").page
    assert page.locator(".katex-error").count() == 0
    text = page.evaluate("""() => {
        const copy = document.querySelector("main").cloneNode(true);
        copy.querySelectorAll("pre, code, script, style, annotation").forEach((e) => e.remove());
        return copy.textContent;
    }""")
    assert "$$" not in text
    assert not re.search(r"\\(frac|top|eta|lambda|begin|mathrm)\b", text)


def test_the_head_says_what_the_page_is(name, address, visit):
    page = visit(f"{address}/{name}").page
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("link[rel=icon]").count() == 1
    assert "Downhill" in page.title()
    if name != "search.html":
        description = page.locator("meta[name=description]").get_attribute("content")
        assert 40 <= len(description) <= 160, description
    assert page.locator("h1:visible").count() == 1


def test_the_switch_leads_to_the_dark_page_and_back(address, visit):
    page = visit(f"{address}/index.html", color_scheme="light").page
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.locator(".theme-switch-button:visible").click()
    assert page.evaluate(background) != light
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.locator(".theme-switch-button:visible").click()
    page.locator(".theme-switch-button:visible").click()
    assert page.locator("html").get_attribute("data-theme") == "light"


def test_the_page_follows_the_system_before_any_script_file_has_run(address, browser, request):
    context = browser.new_context(color_scheme="dark")
    request.addfinalizer(context.close)
    context.route("**/*.js*", lambda route: route.abort())
    page = context.new_page()
    page.goto(f"{address}/index.html", wait_until="domcontentloaded")
    assert page.locator("html").get_attribute("data-theme") == "dark"


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("learning rate", "1. When the loss explodes"),
        ("condition number", "2. Ill-posed or ill-conditioned?"),
        ("saddle", "5. What makes a landscape hard"),
        ("momentum", "9. Momentum and Adam"),
    ],
)
def test_the_one_search_box_finds_the_chapter_about_it(words, title, address, visit):
    page = visit(f"{address}/index.html").page
    assert page.locator(".search-button__button:visible").count() == 1
    page.locator(".search-button__button:visible").click()
    page.locator("dialog input[name=q]").fill(words)
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    page.wait_for_timeout(1000)  # results come one by one
    assert title in page.locator("#search-results li a").all_inner_texts()[:3]


def test_a_chapter_opens_in_colab_and_can_be_downloaded(chapter, address, visit):
    page = visit(f"{address}/{chapter}").page
    notebook = chapter.replace(".html", ".ipynb")
    colab = page.locator('a[href*="colab.research.google.com"]').first.get_attribute("href")
    assert re.fullmatch(
        rf"https://colab\.research\.google\.com/github/[^/]+/[^/]+/blob/main/{notebook}", colab
    )
    file = page.locator(f'a[href$="_sources/{notebook}"]').first
    assert page.request.get(page.evaluate("(a) => a.href", file.element_handle())).ok


def test_no_equation_runs_into_its_number(name, address, visit):
    page = visit(f"{address}/{name}").page
    crowded = page.evaluate("""() => [...document.querySelectorAll(".katex-display .tag")]
        .filter((tag) => {
            const parts = [...tag.parentElement.querySelectorAll(":scope > .base")];
            const right = Math.max(...parts.map((p) => p.getBoundingClientRect().right));
            return right > tag.getBoundingClientRect().left - 4;
        }).map((tag) => tag.textContent)""")
    assert crowded == []


MARK_EACH_SIGN_ONCE = """() => {
    const seen = new Set();
    for (const element of document.querySelectorAll("article .katex-html *")) {
        const text = [...element.childNodes].filter((node) => node.nodeType === 3);
        const { fontFamily, fontStyle, fontWeight } = getComputedStyle(element);
        const key = [fontFamily, fontStyle, fontWeight, ...text.map((node) => node.data)].join();
        if (text.length && !seen.has(key)) element.dataset.sign = "";
        seen.add(key);
    }
}"""


def test_every_sign_of_a_formula_is_in_its_font(name, address, visit):
    page = visit(f"{address}/{name}").page
    page.evaluate(MARK_EACH_SIGN_ONCE)
    browser = page.context.new_cdp_session(page)
    for domain in ("DOM", "CSS"):
        browser.send(f"{domain}.enable")
    root = browser.send("DOM.getDocument")["root"]["nodeId"]
    find = {"nodeId": root, "selector": "[data-sign]"}
    nodes = browser.send("DOM.querySelectorAll", find)["nodeIds"]
    assert bool(nodes) == bool(page.locator("article .katex-html").count())
    strange = []
    for node in nodes:
        used = browser.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
        if any(not font["familyName"].startswith("KaTeX") for font in used):
            strange.append(browser.send("DOM.getOuterHTML", {"nodeId": node})["outerHTML"])
    assert not strange, "these signs are not in KaTeX's fonts as they were cut"
