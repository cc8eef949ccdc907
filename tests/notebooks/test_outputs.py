"""The stored outputs: complete, in order, free of errors and of traces of a machine."""

import base64
import gzip
import json
import re

from normalise import dumps, normalise

# Absolute paths of the usual homes of files on Linux, macOS and Windows.
MACHINE_PATH = re.compile(r"(?<![\w.:/~-])/(?:home|Users|root|work|opt|tmp|private)/|[A-Z]:\\Users")
UNCOMPARED = {"nbval-ignore-output", "nbval-skip"}
MOST_UNCOMPARED = 2  # cells a chapter whose output nbval may ignore: wall-clock, devices
MOST_LINES = 15
MOST_EXPLORER_BYTES = 150_000  # gzipped, all explorers of a page


def test_every_code_cell_was_run_in_order(chapter):
    counts = [cell.execution_count for cell in chapter.code]
    unrun = [chapter.where(cell) for cell in chapter.code if cell.execution_count is None]
    assert not unrun, f"never run; `make outputs` runs them: {unrun}"
    assert counts == list(range(1, len(counts) + 1)), f"not run top to bottom: {counts}"


def test_no_cell_failed_unless_it_says_that_it_will(chapter):
    failed = [
        chapter.where(cell)
        for cell in chapter.code
        if any(output.output_type == "error" for output in cell.outputs)
        and "raises-exception" not in chapter.tags(cell)
    ]
    assert not failed, f"stored errors without the tag raises-exception: {failed}"


def test_nothing_was_written_to_stderr(chapter):
    for cell in chapter.code:
        stderr = [o.text for o in cell.outputs if o.get("name") == "stderr"]
        assert not stderr, f"{chapter.where(cell)} wrote to stderr: {stderr[0][:200]}"


def test_outputs_name_no_path_of_a_machine(chapter):
    for cell in chapter.code:
        found = MACHINE_PATH.search(json.dumps(cell.outputs))
        assert not found, f"{chapter.where(cell)} shows a path of the machine it ran on: {found[0]}"


def test_code_cells_have_at_most_15_lines(chapter):
    for cell in chapter.code:
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= MOST_LINES, f"{chapter.where(cell)} has {len(lines)} lines"


def test_few_outputs_are_not_compared_and_each_says_why(chapter):
    commented = re.compile(r"^\s*#\s*(NBVAL_|PYTEST_VALIDATE)", re.MULTILINE)
    for cell in chapter.code:
        assert not commented.search(cell.source), f"{chapter.where(cell)}: use tags, not comments"
    ignored = [cell for cell in chapter.code if chapter.tags(cell) & UNCOMPARED]
    where = [chapter.where(cell) for cell in ignored]
    assert len(ignored) <= MOST_UNCOMPARED, f"more than {MOST_UNCOMPARED} cells ignored: {where}"
    silent = [chapter.where(c) for c in ignored if not re.search(r"# Not compared: \w", c.source)]
    assert not silent, f"without a comment `# Not compared: <reason>`: {silent}"


def test_file_is_in_normal_form(chapter):
    same = dumps(normalise(chapter.notebook)) == chapter.text
    assert same, f"{chapter.path.name} was not written by `make outputs`; run it"


def test_vector_figures_carry_no_date(chapter):
    for cell in chapter.code:
        for mime, content in chapter.images(cell):
            dated = mime == "image/svg+xml" and "<dc:date>" in content
            assert not dated, f"{chapter.where(cell)}: call gdutils.plots.use_style() first"


def test_there_is_an_explorer_and_each_has_its_state(chapter):
    views = chapter.views()
    assert views, f"{chapter.path.name} shows no explorer"
    missing = [view for view in views if view not in chapter.widgets]
    assert not missing, f"no stored state for {missing}; run `make outputs`"


def test_explorers_carry_the_present_module(chapter, root):
    module = (root / "gdutils/explore.js").read_text(encoding="utf-8")
    for view in chapter.views():
        stored = chapter.widgets[view]["state"].get("_esm")
        assert stored == module, f"{view} is older than gdutils/explore.js; run `make outputs`"


def test_explorers_of_a_page_are_small(chapter):
    total = 0
    for view in chapter.views():
        widget = chapter.widgets[view]
        total += len(gzip.compress(json.dumps(widget["state"].get("spec")).encode(), mtime=0))
        for buffer in widget.get("buffers", []):
            total += len(gzip.compress(base64.b64decode(buffer["data"]), mtime=0))
    assert total <= MOST_EXPLORER_BYTES, (
        f"{chapter.path.name}: explorers take {total} bytes gzipped"
    )
