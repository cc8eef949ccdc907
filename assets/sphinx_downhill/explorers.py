"""Carry explorers from a notebook's stored widget state into the pages.

A notebook keeps, for each explorer, the whole widget: the JavaScript module, empty style sheets,
layout models. A page needs the description and the numbers; the module comes once, as a file.
"""

import json
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from .packing import packed

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
WITHOUT_JAVASCRIPT = "With JavaScript, this figure has sliders."
logger = logging.getLogger(__name__)


def keep_what_a_page_needs(app: Sphinx, docname: str, content: list[str]) -> None:
    """Reduce the widget state of a notebook before myst-nb embeds it (event ``source-read``)."""
    if Path(app.env.doc2path(docname)).suffix != ".ipynb":
        return
    notebook = json.loads(content[0])
    kept = models_of(notebook, docname)
    if kept:
        notebook["metadata"]["widgets"] = {STATE: _state(kept)}
        content[0] = json.dumps(notebook)
    elif notebook["metadata"].pop("widgets", None):
        content[0] = json.dumps(notebook)


def models_of(notebook: dict, docname: str) -> dict[str, dict]:
    """Return the reduced model of every explorer that a notebook shows, by the id of its view."""
    models = _models(notebook)
    return {view: reduce_model(models, view, docname) for view in _views(notebook)}


def reduce_model(models: dict, model_id: str, docname: str) -> dict:
    """Return the description and the numbers of one explorer, without module, styles and layout."""
    model = models.get(model_id)
    if model is None or "spec" not in model["state"]:
        found = "nothing" if model is None else model.get("model_name", "an unknown widget")
        raise ExtensionError(
            f"{docname}: widget {model_id} is not an explorer (its stored state holds {found}); "
            "run `make outputs`, and keep other widgets out of the outputs"
        )
    return {"state": {"spec": model["state"]["spec"]}, "buffers": model.get("buffers", [])}


def slot(model_id: str, spec: dict, images: str) -> str:
    """Return the HTML of the place that an explorer will fill, its height set aside.

    Without JavaScript it shows the explorer as `papers` has drawn it, from the folder `images`.
    """
    wide, narrow = (reserved_height(spec, width) for width in (680, 350))
    view = json.dumps({"model_id": model_id})
    stills = "".join(
        f'<img src="{images}/{still_name(model_id, i)}" alt="{escape(panel_label(spec, panel))}">'
        for i, panel in enumerate(spec["panels"])
    )
    return (
        f'<div class="gd-slot" style="--gd-wide:{wide}px;--gd-narrow:{narrow}px">'
        f'<script type="{VIEW}">{view}</script>'
        f"<noscript>{stills}<p>{WITHOUT_JAVASCRIPT}</p></noscript></div>"
    )


def still_name(model_id: str, panel: int) -> str:
    """Return the file name of a panel as it stands without JavaScript."""
    return f"explorer-{model_id}-{panel}.svg"


def state_script(kept: dict) -> str:
    """Return the script element that holds the state of the given models."""
    text = json.dumps(_state(kept), separators=(",", ":")).replace("</", "<\\/")
    return f'<script type="{STATE}">{text}</script>'


def panel_label(spec: dict, panel: dict) -> str:
    """Return what explore.js says of a panel at the first position of the sliders."""
    sentence = spec["sentences"][first_position(spec)]
    return f"{spec['title']}: {panel['ylabel']} against {panel['xlabel']}. {sentence}"


def first_position(spec: dict) -> int:
    """Return the row of the table of frames at which the sliders stand first."""
    row = 0
    for control in spec["controls"]:
        row = row * len(control["labels"]) + control["start"]
    return row


def reserved_height(spec: dict, width: int) -> int:
    """Return the height in pixels that `layout` in gdutils/explore.js gives an explorer.

    An estimate is enough: it keeps the text below from jumping when the explorer appears.
    """
    columns = min(len(spec["panels"]), 2) if width >= 560 else 1
    inner = (width - 20 * (columns - 1)) / columns - 72
    heights = []
    for panel in spec["panels"]:
        height = min(max(0.62 * inner, 170), 300)
        if panel.get("equal"):
            (x0, x1), (y0, y1) = panel["xlim"], panel["ylim"]
            height = min(max(inner * (y1 - y0) / (x1 - x0), 100), 420)
        heights.append(height + 74)
    rows = [max(heights[i : i + columns]) for i in range(0, len(heights), columns)]
    controls = len(spec["controls"]) * (30 if width > 480 else 56)
    play = 36 if spec.get("play") is not None else 0
    return round(sum(rows) + 8 * (len(rows) - 1) + controls + play + 82)


class Explorer(SphinxDirective):
    """Show an explorer of a chapter on another page: the same state, not a copy in the sources.

    The argument is a notebook without its suffix and the ordinal of the explorer in it, from 0::

        {explorer} chapters/01-when-the-loss-explodes 0
    """

    required_arguments = 2
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Read the notebook and return the slot and its state as raw HTML."""
        docname, ordinal = self.arguments
        path = Path(self.env.srcdir, docname).with_suffix(".ipynb")
        if not path.is_file():
            raise self.error(f"explorer: there is no notebook {docname}.ipynb")
        self.env.note_dependency(str(path))
        notebook = json.loads(path.read_text(encoding="utf-8"))
        views = _views(notebook)
        if not (ordinal.isdecimal() and int(ordinal) < len(views)):
            raise self.error(
                f"explorer: {docname} has {len(views)} explorers, counted from 0, got {ordinal}"
            )
        view = views[int(ordinal)]
        model = reduce_model(_models(notebook), view, docname)
        images = "../" * self.env.docname.count("/") + "_images"
        html = slot(view, model["state"]["spec"], images) + state_script({view: model})
        return [nodes.raw("", html, format="html")]


def _views(notebook: dict) -> list[str]:
    """Return the model ids of the widget views in the outputs, in order."""
    return [
        output["data"][VIEW]["model_id"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if VIEW in output.get("data", {})
    ]


def _models(notebook: dict) -> dict:
    return notebook["metadata"].get("widgets", {}).get(STATE, {}).get("state", {})


def _state(kept: dict) -> dict:
    """Return the state that a page embeds, its numbers packed."""
    models = {
        view: model | {"buffers": [{**one, **packed(one["data"])} for one in model["buffers"]]}
        for view, model in kept.items()
    }
    return {"version_major": 2, "version_minor": 0, "state": models}
