"""What a page says of itself: its description, its day, and the card that other sites show."""

import re
import struct
import subprocess
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]
PUBLISHED = "https://downhill-course.github.io/downhill/"


def head(site, name):
    if name == "search.html":
        pytest.skip("nobody links to the search page")
    return BeautifulSoup((site / name).read_text(encoding="utf-8"), "html.parser")


def test_every_page_has_a_description_of_its_own(site, name):
    said = head(site, name).select_one('meta[name="description"]')["content"]
    assert 40 <= len(said) <= 200, said
    others = [path for path in site.rglob("*.html") if path != site / name]
    same = [path.name for path in others if f'content="{said}"' in path.read_text(encoding="utf-8")]
    assert [other for other in same if other != "search.html"] == []


def test_the_card_of_a_page_is_a_picture_of_1200_by_630_that_exists(site, name):
    soup = head(site, name)
    card = {tag["property"]: tag["content"] for tag in soup.select('meta[property^="og:"]')}
    assert card["og:title"] == soup.title.get_text().partition(" — ")[0]
    assert card["og:description"] == soup.select_one('meta[name="description"]')["content"]
    assert card["og:url"] == PUBLISHED + name
    assert card["og:image"].startswith(PUBLISHED)
    picture = (site / card["og:image"].removeprefix(PUBLISHED)).read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (1200, 630)
    assert len(picture) < 200_000
    assert len(card["og:image:alt"]) > 10
    assert soup.select_one('meta[name="twitter:card"]')["content"] == "summary_large_image"


def test_a_chapter_says_when_it_was_last_changed(site, chapter):
    source = chapter.replace(".html", ".ipynb")
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%cs", "--", source]
    day = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
        pytest.skip("no history: not a git checkout")
    footer = BeautifulSoup((site / chapter).read_text(encoding="utf-8"), "html.parser")
    said = footer.select_one("footer .last-updated").get_text(strip=True)
    assert re.fullmatch(r"Last updated on \d{4}-\d\d-\d\d\.", said)
    if not uncommitted(source):
        assert day in said


def uncommitted(source):
    command = ["git", "-C", str(ROOT), "status", "--porcelain", "--", source]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
