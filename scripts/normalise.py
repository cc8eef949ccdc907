"""The normal form of a chapter: the same cells and results always give the same bytes.

Executing a notebook leaves behind random cell and widget ids, timestamps and the settings of
whoever opened it last. None of that is content, and all of it would fill the history of the
repository. `normalise` replaces the ids by ones that follow from the content and drops the rest.
"""

import copy
import hashlib
import re
from collections import Counter

import nbformat

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"

# What editors and Colab write into a cell and what says nothing about the chapter.
VOLATILE = {
    "ExecuteTime",
    "colab",
    "collapsed",
    "deletable",
    "editable",
    "execution",
    "id",
    "outputId",
    "scrolled",
    "trusted",
    "vscode",
}
ADDRESS = re.compile(r"\bat 0x[0-9a-f]+>")  # memory addresses in default reprs


def normalise(notebook):
    """Return a copy of `notebook` in normal form.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        A notebook of format 4, executed or not.

    Returns
    -------
    nbformat.NotebookNode
        With cell ids that follow from the source, counts 1 to n over the executed cells, widget
        ids that follow from the cell that shows the widget, and no volatile metadata.
    """
    notebook = copy.deepcopy(notebook)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    _name_cells(notebook)
    _count_cells(notebook)
    for cell in notebook.cells:
        for key in VOLATILE & set(cell.metadata):
            del cell.metadata[key]
        if cell.cell_type == "code":
            cell.outputs = [_clean_output(output) for output in cell.outputs]
    widgets = _name_widgets(notebook)
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    if widgets:
        state = {"version_major": 2, "version_minor": 0, "state": widgets}
        notebook.metadata["widgets"] = nbformat.from_dict({STATE: state})
    return notebook


def dumps(notebook):
    """Return the text of the file that holds `notebook`."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def _name_cells(notebook):
    """Number cells by content, so that an edit changes the id of the edited cell alone."""
    seen = Counter()
    for cell in notebook.cells:
        name = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[name] += 1
        cell["id"] = name if seen[name] == 1 else f"{name}-{seen[name]}"


def _count_cells(notebook):
    executed = (c for c in notebook.cells if c.cell_type == "code" and c.execution_count)
    for count, cell in enumerate(executed, start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count


def _clean_output(output):
    if output.output_type == "stream":
        output.text = ADDRESS.sub("at 0x0>", output.text)
    text = output.get("data", {}).get("text/plain")
    if text is not None:
        output.data["text/plain"] = ADDRESS.sub("at 0x0>", text)
    return output


def _name_widgets(notebook):
    """Rename the widgets that are shown after their cell; return their states, others dropped."""
    stored = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    names = {}

    def name_tree(model_id, name):
        if model_id in names or model_id not in stored:
            return
        names[model_id] = name
        children = list(_references(stored[model_id].get("state", {})))
        for number, child in enumerate(children, start=1):
            name_tree(child, f"{name}-{number}")

    for cell in notebook.cells:
        for number, output in enumerate(cell.get("outputs", []), start=1):
            view = output.get("data", {}).get(VIEW)
            if view is not None:
                name_tree(view["model_id"], f"{cell.id}-widget-{number}")
                view["model_id"] = names.get(view["model_id"], view["model_id"])
    return {name: _rename(stored[model_id], names) for model_id, name in names.items()}


def _references(value):
    """Yield the ids of the widgets that a state refers to, in an order that does not vary."""
    if isinstance(value, str) and value.startswith("IPY_MODEL_"):
        yield value.removeprefix("IPY_MODEL_")
    elif isinstance(value, dict):
        for key in sorted(value):
            yield from _references(value[key])
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _rename(value, names):
    if isinstance(value, str) and value.startswith("IPY_MODEL_"):
        model_id = value.removeprefix("IPY_MODEL_")
        return f"IPY_MODEL_{names.get(model_id, model_id)}"
    if isinstance(value, dict):
        return {key: _rename(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_rename(item, names) for item in value]
    return value
