"""Serve the built book, and open its pages in a real browser that records what happens."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.host import CHROMIUM, CHROMIUM_FLAGS, served

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build" / "html"
# Figures below the fold are fetched, and explorers drawn, when they come near; here they come at
# once, as for the printer.
SEE_EVERYTHING = """async () => {
    dispatchEvent(new Event("beforeprint"));
    document.querySelectorAll("img").forEach((image) => { image.loading = "eager"; });
    await Promise.all([...document.images].map((image) => image.complete
        || new Promise((done) => { image.onload = image.onerror = done; })));
    await document.fonts.ready;
}"""


def built_pages():
    """Return the pages of the book as paths below its root."""
    pages = (path.relative_to(SITE) for path in sorted(SITE.rglob("*.html")))
    return [page.as_posix() for page in pages if page.parts[0] != "_static"]


def pytest_generate_tests(metafunc):
    """Run a test that asks for `name` (a page) once for every page, or for every chapter."""
    for argument, wanted in (("name", ""), ("chapter", "chapters/")):
        if argument in metafunc.fixturenames:
            names = [page for page in built_pages() if page.startswith(wanted)]
            missing = pytest.param(None, marks=pytest.mark.skip("the book is not built: make book"))
            metafunc.parametrize(argument, names or [missing])


@pytest.fixture(scope="session")
def site():
    """The folder of the built book."""
    if not (SITE / "index.html").is_file():
        pytest.skip("the book is not built: make book")
    return SITE


@pytest.fixture(scope="session")
def address(site):
    """The address at which the book is served."""
    with served(site) as base:
        yield base


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """A page that was opened, and everything that it did."""

    page: object
    requests: list = field(default_factory=list)
    complaints: list = field(default_factory=list)
    sockets: list = field(default_factory=list)

    def sizes(self):
        """Return the bytes of each response as sent, headers and all, by address."""
        sizes = {}
        for request in self.requests:
            if not request.url.startswith("data:"):
                headers = request.response().all_headers()
                sizes[request.url] = int(headers["content-length"]) + len(str(headers))
        return sizes


@pytest.fixture
def visit(browser, request):
    """Open a page: ``visit(url, color_scheme="dark", viewport=(360, 800), has_touch=True)``.

    Files that match the pattern `late` arrive half a second after they were asked for.
    """

    def open_page(url, viewport=(1280, 900), late=None, **options):
        width, height = viewport
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        request.addfinalizer(context.close)
        page = context.new_page()
        done = Visit(page)
        page.on("request", lambda sent: done.requests.append(sent))
        page.on("websocket", lambda socket: done.sockets.append(socket.url))
        page.on("pageerror", lambda error: done.complaints.append(f"error: {error}"))
        page.on("console", lambda message: note(done, message))
        if late:
            page.route(late, lambda route: (time.sleep(0.5), route.continue_()))
        page.goto(url, wait_until="load")
        page.evaluate(SEE_EVERYTHING)
        return done

    def note(done, message):
        if message.type in ("error", "warning"):
            done.complaints.append(f"{message.type}: {message.text}")

    return open_page
