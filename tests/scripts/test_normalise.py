"""The normal form depends on a chapter's content alone."""

import copy

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from normalise import STATE, VIEW, dumps, normalise


def widget_state(model_id, layout_id):
    """Return the states of one explorer, its layout, and a widget that nothing shows."""
    return {
        model_id: {"model_name": "AnyModel", "state": {"layout": f"IPY_MODEL_{layout_id}"}},
        layout_id: {"model_name": "LayoutModel", "state": {"width": None}},
        "unused": {"model_name": "StyleModel", "state": {}},
    }


def executed(model_id="m1", layout_id="l1", first=3):
    """Return a notebook as a front end would leave it, with random parts given by hand."""
    view = new_output(
        "execute_result",
        {VIEW: {"model_id": model_id}, "text/plain": "<Thing at 0x7f00aa>"},
        execution_count=first + 1,
    )
    cells = [
        new_markdown_cell("# 1. A title"),
        new_code_cell("a = 1", execution_count=first, metadata={"execution": {"busy": "12:00"}}),
        new_code_cell("show(a)", execution_count=first + 1, outputs=[view]),
        new_code_cell("a = 1", execution_count=first + 2, metadata={"tags": ["check"]}),
    ]
    state = {"state": widget_state(model_id, layout_id)}
    return new_notebook(cells=cells, metadata={"widgets": {STATE: state}, "colab": {"x": 1}})


def test_runs_that_differ_in_ids_counts_and_times_give_the_same_bytes():
    assert dumps(normalise(executed())) == dumps(normalise(executed("zz", "aa", first=17)))


def test_normal_form_of_a_normal_form_is_itself():
    once = normalise(executed())
    assert dumps(normalise(once)) == dumps(once)


def test_notebook_that_is_given_stays_as_it_was():
    notebook = executed()
    before = copy.deepcopy(notebook)
    normalise(notebook)
    assert notebook == before


def test_counts_run_from_one():
    counts = [cell.execution_count for cell in normalise(executed()).cells[1:]]
    assert counts == [1, 2, 3]


def test_cell_that_was_never_run_stays_without_a_count():
    notebook = executed()
    notebook.cells[1].execution_count = None
    counts = [cell.execution_count for cell in normalise(notebook).cells[1:]]
    assert counts == [None, 1, 2]


def test_equal_cells_get_different_ids_and_an_edit_changes_one_id():
    notebook = executed()
    ids = [cell.id for cell in normalise(notebook).cells]
    assert len(set(ids)) == len(ids)
    notebook.cells[2].source = "show(2 * a)"
    changed = [a != b for a, b in zip(ids, [c.id for c in normalise(notebook).cells], strict=True)]
    assert changed == [False, False, True, False]


def test_views_states_and_references_get_the_same_new_ids():
    notebook = normalise(executed())
    view = notebook.cells[2].outputs[0].data[VIEW]["model_id"]
    states = notebook.metadata.widgets[STATE]["state"]
    assert view == f"{notebook.cells[2].id}-widget-1"
    layout = states[view]["state"]["layout"].removeprefix("IPY_MODEL_")
    assert states[layout]["model_name"] == "LayoutModel"


def test_states_of_widgets_that_nothing_shows_are_dropped():
    states = normalise(executed()).metadata.widgets[STATE]["state"]
    assert sorted(state["model_name"] for state in states.values()) == ["AnyModel", "LayoutModel"]


@pytest.mark.parametrize("key", ["tags", "cellView", "jupyter", "mystnb"])
def test_what_the_author_wrote_into_a_cell_stays(key):
    notebook = executed()
    notebook.cells[1].metadata[key] = "kept"
    assert normalise(notebook).cells[1].metadata == {key: "kept"}
