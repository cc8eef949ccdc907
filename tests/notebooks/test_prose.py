"""What stands between the code cells: headings, figures, captions, mathematics, setup."""

import itertools
import re

import nbformat

import gdutils
from set_address import address_of

SETUP = """\
# Setup: installs gdutils only where it is missing, and nothing else.
import importlib.util

if importlib.util.find_spec("gdutils") is None:
    %pip install -q --no-deps git+{address}

import gdutils

gdutils.require("{version}")"""
VERSION = re.compile(r'gdutils\.require\("(\d+\.\d+\.\d+)"\)')
CAPTION = re.compile(r"\*Figure (\d+)\.(\d+)\. [^*]+[.?]\*(?!\*)")
SHORTEST_ALT = 20
FILE_NAME = re.compile(r"\.(png|svg|jpe?g|gif|ipynb)\b|^_images|^chapters/", re.IGNORECASE)
EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2b55\ufe0f]")
MATHS = re.compile(r"\$\$.*?\$\$|(?<![\\$])\$[^$]+?\$", re.DOTALL)
FOREIGN_IMAGE = re.compile(r"!\[[^\]]*\]\(\s*(?:https?:)?//|<img[^>]+src=[\"'](?:https?:)?//")
BARE_IMAGE = re.compile(r"!\[\s*\]\(|<img(?![^>]*\salt=[\"'][^\"'])")


def test_name_of_the_file_is_a_number_and_words(chapter):
    assert re.fullmatch(r"\d\d(-[a-z0-9]+)+\.ipynb", chapter.path.name), chapter.path.name


def test_setup_cell_stands_second_and_is_the_same_everywhere(chapter, book, root):
    setup = chapter.cells[1]
    found = VERSION.search(setup.source)
    assert setup.cell_type == "code" and found, f"{chapter.where(setup)} is not the setup cell"
    expected = SETUP.format(address=address_of(root), version=found[1])
    assert setup.source == expected, f"{chapter.path.name}: the setup cell must be:\n{expected}"
    different = [c.path.name for c in book if c.cells[1].source != setup.source]
    assert not different, f"setup cell of {chapter.path.name} differs from that of {different}"


def test_setup_cell_asks_for_no_newer_gdutils_than_there_is(chapter):
    gdutils.require(VERSION.search(chapter.cells[1].source)[1])


def test_one_title_numbered_as_the_file_and_no_level_skipped(chapter):
    number = int(chapter.path.name[:2])
    levels = [level for level, _, _ in chapter.headings()]
    assert re.match(rf"# {number}\. \S", chapter.cells[0].source), (
        f"{chapter.path.name} must begin with '# {number}. ', got {chapter.cells[0].source[:40]!r}"
    )
    assert levels.count(1) == 1, f"{chapter.path.name} has {levels.count(1)} headings of level 1"
    for (before, _, _), (after, text, cell) in itertools.pairwise(chapter.headings()):
        assert after <= before + 1, f"{chapter.where(cell)}: {text!r} skips a level of heading"


def test_every_figure_has_an_alternative_text_of_its_own(chapter, book):
    for cell in chapter.code:
        images = chapter.images(cell)
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        where = chapter.where(cell)
        if not images:
            assert not alt, f"{where} has an alternative text and no figure"
            continue
        assert len(images) == 1, f"{where} shows {len(images)} figures with one alternative text"
        assert len(alt.strip()) >= SHORTEST_ALT, f"{where}: metadata mystnb.image.alt is {alt!r}"
        assert not FILE_NAME.search(alt), f"{where}: alternative text is a file name: {alt!r}"
        uses = [c for other in book for c in other.code if alternative(c) == alt]
        assert len(uses) == 1, f"{where}: {len(uses)} figures have this alternative text: {alt!r}"


def alternative(cell):
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt")


def test_every_figure_is_followed_by_its_numbered_caption(chapter):
    number, count = int(chapter.path.name[:2]), 0
    for cell, after in zip(chapter.cells, [*chapter.cells[1:], None], strict=True):
        if cell.cell_type != "code" or not chapter.images(cell):
            continue
        count += 1
        caption = CAPTION.match(after.source) if after and after.cell_type == "markdown" else None
        wanted = f"*Figure {number}.{count}. A sentence.*"
        assert caption, f"{chapter.where(cell)}: the next cell must begin with {wanted}"
        got = (int(caption[1]), int(caption[2]))
        assert got == (number, count), f"{chapter.where(after)}: expected {wanted}"


def test_images_in_the_text_are_local_and_have_an_alternative_text(chapter):
    for cell in chapter.markdown:
        text = chapter.prose(cell)
        assert not FOREIGN_IMAGE.search(text), f"{chapter.where(cell)} loads an image from afar"
        assert not BARE_IMAGE.search(text), f"{chapter.where(cell)} has an image without alt text"


def test_prose_has_no_exclamation_marks_and_no_emoji(chapter):
    for cell in chapter.markdown:
        text = MATHS.sub("", chapter.prose(cell)).replace("![", "[")
        assert "!" not in text, f"{chapter.where(cell)} has an exclamation mark"
        assert not EMOJI.search(text), f"{chapter.where(cell)} has an emoji"


def test_dollars_of_mathematics_are_balanced(chapter):
    for cell in chapter.markdown:
        text = chapter.prose(cell).replace(r"\$", "")
        assert text.count("$$") % 2 == 0, f"{chapter.where(cell)}: a $$ is not closed"
        for paragraph in re.split(r"\n\s*\n", re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)):
            odd = paragraph.count("$") % 2
            assert not odd, f"{chapter.where(cell)}: a $ is not closed in {paragraph[:60]!r}"


def test_every_numbered_equation_and_figure_is_referred_to(book, root):
    borne, named = set(), set()
    cells = [cell for chapter in book for cell in chapter.cells]
    for path in sorted((root / "exercises").glob("*.ipynb")):
        cells += nbformat.read(path, as_version=4).cells
    for cell in cells:
        text = cell.source
        if cell.cell_type == "markdown":
            borne |= set(re.findall(r"\\tag\{(\d+\.\d+)\}", text))
            borne |= {f"figure {n}" for n in re.findall(r"(?m)^\*Figure (\d+\.\d+)\.", text)}
            text = re.sub(r"(?m)^\*Figure \d+\.\d+\.|^#+ .*$", "", MATHS.sub("", text))
        named |= set(re.findall(r"\((\d+\.\d+)\)", text))
        pairs = re.findall(r"[Ff]igures? (\d+\.\d+)(?:(?:,| and| to) (\d+\.\d+))?", text)
        named |= {f"figure {n}" for pair in pairs for n in pair if n}
        for chapter, low, high in re.findall(r"\((\d+)\.(\d+)\) to \(\d+\.(\d+)\)", text):
            named |= {f"{chapter}.{n}" for n in range(int(low), int(high) + 1)}
    assert len(borne) > 200
    assert sorted(borne - named) == [], "give it a sentence that needs it, or take the number away"
