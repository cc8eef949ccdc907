"""Make a PDF of every notebook beside its page."""

import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib
import typst
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from . import address, explorers, frontend
from .typeset import TEMPLATE, Paper, stills_of

# The figures name DejaVu Sans, which Matplotlib brings along and Typst does not.
FONTS = Path(matplotlib.get_data_path()) / "fonts/ttf"


def make_papers(app: Sphinx) -> None:
    """Write ``<page>.pdf`` beside the page of every notebook, and the explorers' still figures."""
    notebooks = {}
    for docname in sorted(app.env.found_docs):
        path = Path(app.env.doc2path(docname))
        if path.suffix == ".ipynb":
            notebooks[docname] = json.loads(path.read_text(encoding="utf-8"))
    models = {}
    for docname, notebook in notebooks.items():
        models |= explorers.models_of(notebook, docname)
    stills = stills_of(models, frontend.NODE, Path(app.srcdir, "gdutils/explore.js"))
    for view, still in stills.items():
        for index, panel in enumerate(still["panels"]):
            drawing = Path(app.outdir, "_images", explorers.still_name(view, index))
            drawing.write_text(panel["svg"], encoding="utf-8")

    def write(docname: str) -> None:
        target = Path(app.outdir, docname).with_suffix(".pdf")
        write_paper(app, docname, notebooks[docname], stills, target)

    with ThreadPoolExecutor() as pool:  # Pandoc is a process and Typst lets Python go
        list(pool.map(write, notebooks))


def write_paper(app: Sphinx, docname: str, notebook: dict, stills: dict, target: Path) -> None:
    """Set one notebook; what Pandoc or Typst cannot read stops the build."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = address.of_the_site(app.config)
        paper = Paper(notebook, docname, folder, site, stills, Path(app.srcdir, "references.bib"))
        shutil.copy(TEMPLATE, folder)
        source = folder / "paper.typ"
        about = {
            "course": app.config.html_title,
            "address": f"{site}{docname}.html",
            "version": address.version(app.srcdir),
        }
        try:
            source.write_text(paper.source(**about), encoding="utf-8")
            pdf = typst.compile(source, font_paths=[FONTS], ignore_system_fonts=True, timestamp=0)
        except (ValueError, typst.TypstError) as error:
            raise ExtensionError(f"{docname}.pdf cannot be set: {error}") from error
        target.write_bytes(pdf)
