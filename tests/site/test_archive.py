"""The whole site as one file, unpacked into an empty folder and opened without a server."""

import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest

WORDS = ("learning rate", "condition number", "saddle")


@pytest.fixture(scope="module")
def unpacked(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    with zipfile.ZipFile(site / "downhill.zip") as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder / "downhill"


def test_the_archive_holds_every_file_that_a_page_may_ask_for(site, unpacked):
    left_out = {"downhill.zip", ".buildinfo", "objects.inv"}
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    wanted = {name for name in files if not name.startswith("_static/cards/")} - left_out
    held = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert held == wanted


def test_a_chapter_from_the_archive_shows_figures_and_mathematics_and_asks_no_host(unpacked, visit):
    seen = visit((unpacked / "chapters/01-when-the-loss-explodes.html").as_uri())
    assert all(request.url.startswith(("file:", "data:")) for request in seen.requests)
    assert seen.complaints == []
    broken = "() => [...document.images].filter((i) => !i.naturalWidth).map((i) => i.src)"
    assert seen.page.evaluate(broken) == []
    fonts = "() => [...document.fonts].filter((f) => f.status === 'loaded').map((f) => f.family)"
    assert "KaTeX_Main" in seen.page.evaluate(fonts)
    assert seen.page.locator(".gd-explorer svg").count() > 0


@pytest.mark.parametrize("words", WORDS)
def test_search_works_from_the_archive(unpacked, words, visit):
    seen = visit(f"{(unpacked / 'search.html').as_uri()}?q={words.replace(' ', '+')}")
    seen.page.wait_for_selector("#search-results li a")


def test_links_from_page_to_page_lead_to_files(unpacked, visit):
    page = visit((unpacked / "index.html").as_uri()).page
    addresses = page.evaluate("""() => [...document.querySelectorAll("a[href]")]
        .map((a) => new URL(a.getAttribute("href"), location).href)
        .filter((href) => href.startsWith("file:"))""")
    assert len(addresses) > 30
    paths = {address.split("#")[0].removeprefix("file://") for address in addresses}
    assert [path for path in paths if not Path(unquote(path)).is_file()] == []
