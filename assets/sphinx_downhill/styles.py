"""Make one style sheet of all, without the rules and the icons that no page uses.

The theme's own sheet is 397 kB, with 1,900 icon rules, three icon fonts and all of Bootstrap, and
nothing is painted before it has come. KaTeX brings twenty fonts; the formulas of the book need few
of their glyphs.
"""

import base64
import hashlib
import json
import re
from io import BytesIO
from pathlib import Path

from bs4 import BeautifulSoup
from fontTools import subset

from . import address

# Classes that scripts put together from pieces, so that they are not found as whole words.
MADE_BY_SCRIPTS = re.compile(r"bs-|tooltip|dropdown|popover|copybtn|gd-")
ICON_RULE = re.compile(r'((?:\.fa-[a-z0-9-]+::?before,?)+)\{content:"\\?([^"]+)"\}')
FONT_FACE = re.compile(r"@font-face\{[^}]*vendor/fontawesome/webfonts/([a-z0-9-]+)\.ttf[^}]*\}")

FORMULA_FONT = re.compile(r'url\((katex/fonts/[\w-]+\.ttf)\) format\("truetype"\)')

# The classes by which KaTeX chooses its two large fonts, apart from the upright one.
FONTS = {
    "mathnormal": "KaTeX_Math-Italic",
    "amsrm": "KaTeX_AMS-Regular",
    "mathbb": "KaTeX_AMS-Regular",
    "textbb": "KaTeX_AMS-Regular",
}
# The innermost of these decides; what has none of them is upright, or of a font with few glyphs.
OF_ONE_FONT = re.compile(r"^(mathnormal|amsrm|(math|text)(bb|bf|it|rm|cal|sf|tt|scr|frak)|mainrm)$")

# Set in a fallback until they come, a first paragraph would take another line, and the page jump.
EARLY = ("KaTeX_Main-Regular", "KaTeX_Math-Italic")
FORMULA_FONTS = "_static/katex/fonts"
# As links in the page they would be errors where it is opened from a disk.
FETCH_EARLY = """
if (location.protocol !== "file:") for (const href of %s) {
  const link = { rel: "preload", as: "font", type: "font/woff2", crossOrigin: "", href };
  document.head.append(Object.assign(document.createElement("link"), link));
}
"""

END_OF_PRELUDE = re.compile(r"/\*.*?\*/|[;{]", re.DOTALL)
BRACE_OR_TEXT = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|/\*.*?\*/|[{}]", re.DOTALL)
IN_PARENTHESES = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"  # up to three deep


def bundle_style_sheets(out: Path, soups: dict[Path, BeautifulSoup]) -> None:
    """Give every page one style sheet in place of its own."""
    words = used_words(soups.values(), out.rglob("*.js"))
    signs = used_signs(soups.values())
    bundles: dict[tuple, str] = {}
    for path, soup in soups.items():
        links = soup.select('link[rel="stylesheet"]')
        sheets = tuple((path.parent / link["href"].split("?")[0]).resolve() for link in links)
        if sheets not in bundles:
            bundles[sheets] = write_bundle(sheets, out / "_static", words, signs)
        up = address.way_up(path, out)
        links[0]["href"] = f"{up}_static/{bundles[sheets]}"
        for link in links[1:]:
            link.decompose()
        if soup.select_one(".katex"):
            names = [next((out / FORMULA_FONTS).glob(f"{font}-*.woff2")).name for font in EARLY]
            script = soup.new_tag("script")
            script.string = FETCH_EARLY % json.dumps([f"{up}{FORMULA_FONTS}/{n}" for n in names])
            links[0].insert_before(script)


def used_words(soups, scripts) -> set[str]:
    """Return every class of the pages, and every word of the scripts, which may set classes."""
    words = {name for soup in soups for tag in soup.find_all(class_=True) for name in tag["class"]}
    for script in scripts:
        words.update(re.findall(r"[A-Za-z_][\w-]*", script.read_text(encoding="utf-8")))
    return words


def used_signs(soups) -> dict[str, set[int]]:
    """Return the code points that formulas set in each of KaTeX's fonts; "" for any other font."""
    signs: dict[str, set[int]] = {}
    for soup in soups:
        for text in soup.select_one("body").find_all(string=True):
            if text.find_parent(class_="katex-html"):
                own = text.find_parent(class_=OF_ONE_FONT)
                font = next(filter(None, map(FONTS.get, own["class"] if own else ())), "")
                signs.setdefault(font, set()).update(map(ord, text))
    return signs


def write_bundle(
    sheets: tuple[Path, ...], static: Path, words: set[str], signs: dict[str, set[int]]
) -> str:
    """Write the joined, pruned sheets under a name made from their content, and return the name."""
    css = "\n".join(rebased(sheet, static) for sheet in sheets)
    css = re.sub(r"/\*(?!!).*?\*/", "", css, flags=re.DOTALL)  # licences begin with /*! and stay
    css = subset_icons(css, static, words)

    def formula_font(match: re.Match) -> str:
        font = static / match[1]
        name = _subset_font(font, signs.get(font.stem, signs.get("", set())))
        return f'url(katex/fonts/{name}) format("woff2")'

    css = FORMULA_FONT.sub(formula_font, css)
    css = pruned(css, words)
    name = f"book-{hashlib.sha256(css.encode()).hexdigest()[:10]}.css"
    (static / name).write_text(css, encoding="utf-8")
    return name


def rebased(sheet: Path, static: Path) -> str:
    """Return a sheet with its imports in place and its addresses as seen from the static folder."""

    def address(match: re.Match) -> str:
        target, mark, rest = match[1].strip("\"'").partition("?")
        if target.startswith(("data:", "#")):
            return match[0]
        path = (sheet.parent / target).resolve().relative_to(static.resolve())
        return f"url({path.as_posix()}{mark}{rest})"

    css = sheet.read_text(encoding="utf-8")
    css = re.sub(r"url\((\"[^\"]*\"|'[^']*'|[^)]*)\)", address, css)
    return re.sub(
        r'@import "([^"]+)";', lambda m: rebased((sheet.parent / m[1]).resolve(), static), css
    )


def subset_icons(css: str, static: Path, words: set[str]) -> str:
    """Keep the icons that pages name, or the theme's variables hold, and cut the fonts to them."""
    kept: set[int] = set()

    def rule(match: re.Match) -> str:
        names = re.findall(r"\.(fa-[a-z0-9-]+)", match[1])
        if not words.intersection(names):
            return ""
        kept.add(_code_point(match[2]))
        return match[0]

    css = ICON_RULE.sub(rule, css)
    kept.update(_code_point(text) for text in re.findall(r'--pst-icon-[a-z-]+:"\\?([^"]+)"', css))

    def face(match: re.Match) -> str:
        name = _subset_font(static / "vendor/fontawesome/webfonts" / f"{match[1]}.ttf", kept)
        content = (static / "vendor/fontawesome/webfonts" / name).read_bytes()
        (static / "vendor/fontawesome/webfonts" / name).unlink()
        data = base64.b64encode(content).decode()  # three kilobytes, not worth a request
        source = f'url(data:font/woff2;base64,{data}) format("woff2")'
        return re.sub(r"src:[^;}]*", lambda _: f"src:{source}", match[0])

    return FONT_FACE.sub(face, css)


def _code_point(text: str) -> int:
    return ord(text) if len(text) == 1 else int(text, 16)


def _subset_font(font: Path, code_points: set[int]) -> str:
    """Write the glyphs of the code points as WOFF2 beside the font, and return the file's name."""
    # Hints are for screens of long ago, and a third of a small font.
    options = subset.Options(
        flavor="woff2", hinting=False, notdef_outline=False, name_IDs=[0, 1, 2, 13, 14]
    )
    loaded = subset.load_font(str(font), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=code_points)
    cutter.subset(loaded)
    buffer = BytesIO()
    subset.save_font(loaded, buffer, options)
    digest = hashlib.sha256(",".join(map(str, sorted(code_points))).encode()).hexdigest()[:10]
    name = f"{font.stem}-{digest}.woff2"
    font.with_name(name).write_bytes(buffer.getvalue())
    return name


def pruned(css: str, words: set[str]) -> str:
    """Drop the rules whose every selector needs a class that no page and no script has."""
    kept = []
    for prelude, body in _rules(css):
        if body is None:
            kept.append(prelude)
        elif prelude.startswith(("@media", "@supports")):
            inner = pruned(body, words)
            kept.append(f"{prelude}{{{inner}}}" if inner else "")
        elif prelude.startswith("@"):
            kept.append(f"{prelude}{{{body}}}")
        else:
            live = [one for one in _split_selectors(prelude) if _is_live(one, words)]
            kept.append(f"{','.join(live)}{{{body}}}" if live else "")
    return "\n".join(filter(None, kept))


def _rules(css: str):
    """Yield ``(prelude, body)`` of each rule; a comment or a statement has no body."""
    start = 0
    while match := END_OF_PRELUDE.search(css, start):
        prelude = css[start : match.start()].strip()
        if match[0] != "{":
            yield prelude + match[0], None
            start = match.end()
            continue
        end = _closing_brace(css, match.start())
        yield prelude, css[match.end() : end]
        start = end + 1


def _closing_brace(css: str, start: int) -> int:
    depth = 0
    for match in BRACE_OR_TEXT.finditer(css, start):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.start()
    raise ValueError(f"a style sheet has an open brace at {css[start - 40 : start + 40]!r}")


def _split_selectors(text: str) -> list[str]:
    """Split at the commas outside parentheses and brackets."""
    parts = re.findall(rf"(?:{IN_PARENTHESES}|\[[^\]]*\]|[^,(\[])+", text)
    return [part.strip() for part in parts if part.strip()]


def _is_live(selector: str, words: set[str]) -> bool:
    """Tell whether all classes outside parentheses occur; :not() and :is() are not looked into."""
    bare = re.sub(rf"{IN_PARENTHESES}|\[[^\]]*\]", "", selector)
    names = re.findall(r"\.((?:\\.|[\w-])+)", bare)
    return all(name in words or MADE_BY_SCRIPTS.match(name) for name in names)
