"""What an executed chapter shows that the stored one does not: outputs and explorers.

Other versions of NumPy or PyTorch round elsewhere, and other versions of ipywidgets store a widget
in other words. Neither is a difference that a reader could see, and neither is reported.
"""

import base64
import re
from itertools import zip_longest
from pathlib import Path

import numpy as np

from normalise import STATE, VIEW

ROOT = Path(__file__).resolve().parents[1]

# What chapter 8 prints where the script that it runs is not there.
WITHOUT_CHECKOUT = (
    "Clone the repository to run this section; nothing else needs it.",
    "not run here",
)
NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")
CHECKSUM = re.compile(r"(?<= positions), [0-9a-f]{8}\)$")  # of an explorer's sentences
CURVES = 0.01  # of a curve's own range: a few pixels, and what another torch may change


def compare(stored, executed, row):
    """Note in `row` where the executed chapter shows something else than the stored one."""
    models = [
        n.metadata.get("widgets", {}).get(STATE, {}).get("state", {}) for n in (stored, executed)
    ]
    for number, (old, new) in enumerate(zip(stored.cells, executed.cells, strict=True), start=1):
        if old.cell_type != "code":
            continue
        where = f"cell {number}"
        views = [
            [o.data[VIEW]["model_id"] for o in c.outputs if VIEW in o.get("data", {})]
            for c in (old, new)
        ]
        row["explorers"] += len(views[1])
        if len(views[0]) != len(views[1]):
            row["problems"].append(
                f"{where} shows {len(views[1])} explorers, stored {len(views[0])}"
            )
            continue
        for before, after in zip(*views, strict=True):
            note(row, where, explorer_differences(models[0][before], models[1].get(after)))
        if "nbval-ignore-output" not in old.metadata.get("tags", []):
            note(row, where, output_differences(old.outputs, new.outputs))


def note(row, where, found):
    for is_expected, text in found:
        row["notes" if is_expected else "problems"].append(f"{where}: {text}")


def output_differences(old, new):
    """Yield ``(is expected, description)`` where the outputs of a cell differ."""
    old, new = ([facet for o in outputs for facet in facets(o)] for outputs in (old, new))
    if [kind for kind, _ in old] != [kind for kind, _ in new]:
        yield False, f"shows {[k for k, _ in new]}, stored {[k for k, _ in old]}: {new}"
        return
    for (kind, before), (_, after) in zip(old, new, strict=True):
        yield from text_differences(kind, before, after)


def facets(output):
    """Return what there is to compare in an output: ``(kind, text)``, pictures by kind alone."""
    if output.output_type == "stream":
        return [(output.name, output.text)]
    if output.output_type == "error":
        return [("error", f"{output.ename}: {output.evalue}")]
    pictures = [(kind, "") for kind in sorted(output.data) if kind.startswith("image/")]
    return [("value", CHECKSUM.sub(")", output.data.get("text/plain", ""))), *pictures]


def text_differences(what, old, new):
    """Yield the difference of two texts.

    Two are expected: a last digit that is another by one, since the sums behind it were rounded
    elsewhere; and what a cell prints where there is no checkout.
    """
    if old == new:
        return
    if new.strip() in WITHOUT_CHECKOUT:
        yield True, f"{what}: {new.strip()!r}"
        return
    if NUMBER.sub("#", old) == NUMBER.sub("#", new):
        pairs = list(zip(NUMBER.findall(old), NUMBER.findall(new), strict=True))
        pairs = [(a, b) for a, b in pairs if a != b]
        if all(last_digit(a, b) for a, b in pairs):
            yield True, f"{what}: " + ", ".join(f"{b} (stored {a})" for a, b in pairs)
            return
    lines = zip_longest(old.splitlines(), new.splitlines())
    before, after = next(((a, b) for a, b in lines if a != b), (old, new))
    yield False, f"{what}: {after!r}, stored {before!r}"


def last_digit(old, new):
    """Say whether two printed numbers differ by at most one in the last digit that is printed."""
    units = []
    for text in (old, new):
        mantissa, _, exponent = text.partition("e")
        decimals = len(mantissa.partition(".")[2])
        units.append(10.0 ** (int(exponent or 0) - decimals))
    before, after = (float(t.replace("−", "-").replace(",", "")) for t in (old, new))
    return abs(before - after) <= 1.001 * max(units)


def explorer_differences(old, new):
    """Yield the differences of two explorers: first whether page and Colab can draw the new one."""
    if new is None:
        yield False, "an explorer without state"
        return
    state, data = new["state"], buffer(new)
    module = (ROOT / "gdutils/explore.js").read_text(encoding="utf-8")
    if state.get("_model_module") != "anywidget" or state.get("_esm") != module:
        yield False, "an explorer without the module gdutils/explore.js"
        return
    if data is None or data.size != sum(state["spec"]["lengths"]):
        yield False, "an explorer without its numbers"
        return
    before, after = old["state"]["spec"], state["spec"]
    title = f"explorer {after['title']!r}"
    yield from text_differences(title, words(before), words(after))
    for edge in ("xlim", "ylim"):
        limits = [[panel[edge] for panel in spec["panels"]] for spec in (before, after)]
        if not np.allclose(*limits, rtol=CURVES):
            yield False, f"{title}: {edge} {limits[1]}, stored {limits[0]}"
            return
    yield from curve_differences(title, (before, buffer(old)), (after, data))


def buffer(model):
    """Return the numbers of an explorer, or None if they are not where the page looks for them."""
    buffers = model.get("buffers", [])
    if [(b["path"], b["encoding"]) for b in buffers] != [(["data"], "base64")]:
        return None
    return np.frombuffer(base64.b64decode(buffers[0]["data"]), dtype="<f4")


def words(spec):
    """Return all texts of an explorer, a line each."""
    texts = [spec["title"], *spec["sentences"]]
    for panel in spec["panels"]:
        texts += [panel["xlabel"], panel["ylabel"], *(c["name"] for c in panel["curves"])]
    for control in spec["controls"]:
        texts += [control["label"], *control["labels"]]
    return "\n".join(texts)


def curve_differences(title, old, new):
    """Yield where a curve has another shape, or is further away than `CURVES` of its panel."""
    farthest = 0.0
    for before, after in zip(arrays(*old), arrays(*new), strict=True):
        for (scale, low, high), a, b in zip(axes(old[0]), before, after, strict=True):
            if (a is None) != (b is None) or (a is not None and a.shape != b.shape):
                yield False, f"{title}: a curve of another length"
                return
            if a is None:
                continue
            a, b = (place(values, scale, low, high) for values in (a, b))
            if not np.array_equal(np.isnan(a), np.isnan(b)):
                yield False, f"{title}: a curve with other gaps"
                return
            farthest = max(farthest, np.nanmax(np.abs(a - b)))
    if farthest > CURVES:
        yield False, f"{title}: a curve {farthest:.1%} of the panel away from the stored one"
    elif farthest > 0.001:
        yield True, f"{title}: a curve {farthest:.1%} of the panel away"


def arrays(spec, data):
    """Yield, for each position of the sliders, the arrays x, y, x, y, ... of all its curves."""
    parts = np.split(data, np.cumsum(spec["lengths"])[:-1])
    for frame in spec["frames"]:
        yield [None if number < 0 else parts[number] for number in frame]


def axes(spec):
    """Return scale and limits of x, y, x, y, ... as `arrays` gives them."""
    return [
        (panel[f"{axis}scale"], *panel[f"{axis}lim"])
        for panel in spec["panels"]
        for _ in panel["curves"]
        for axis in "xy"
    ]


def place(values, scale, low, high):
    """Return where values stand between the limits of an axis, from 0 to 1."""
    if scale == "log":
        values, low, high = np.log10(np.maximum(values, low)), np.log10(low), np.log10(high)
    return np.clip((values - low) / (high - low), 0, 1)
