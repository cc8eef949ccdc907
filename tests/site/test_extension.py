"""The book's own Sphinx extension: the parts that need neither a browser nor a build."""

import pytest
from sphinx.errors import ExtensionError

from sphinx_downhill import explorers, frontend, pages, styles

MODULE = "const a = 1;\nexport default { render() {} };\n"


def test_the_module_becomes_a_script_without_exports():
    script = frontend.classic_script(MODULE, "explorer.render();")
    assert "const explorer = { render() {} };" in script
    assert "export" not in script


@pytest.mark.parametrize("module", ["", MODULE + MODULE, 'import x from "y";\n' + MODULE])
def test_a_module_that_a_script_cannot_hold_stops_the_build(module):
    with pytest.raises(ExtensionError, match="exactly one `export default`"):
        frontend.classic_script(module, "")


def test_a_page_gets_description_and_numbers_of_an_explorer_and_nothing_else():
    model = {"state": {"spec": {"title": "t"}, "_esm": "x", "layout": "y"}, "buffers": [1]}
    kept = explorers.reduce_model({"a": model}, "a", "chapters/01")
    assert kept == {"state": {"spec": {"title": "t"}}, "buffers": [1]}


@pytest.mark.parametrize("models", [{}, {"a": {"model_name": "HBoxModel", "state": {}}}])
def test_a_widget_that_is_no_explorer_stops_the_build(models):
    with pytest.raises(ExtensionError, match="chapters/01: widget a is not an explorer"):
        explorers.reduce_model(models, "a", "chapters/01")


def test_state_cannot_close_its_own_script_element():
    state = explorers.state_script({"a": {"state": {"spec": {"title": "</script>"}}}})
    assert state.count("</script>") == 1


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        (".used{a:b}.unused{a:b}", ".used{a:b}"),
        (".used,.unused p{a:b}", ".used{a:b}"),
        ("p:not(.unused){a:b}", "p:not(.unused){a:b}"),
        (":is(.unused,p) .used{a:b}", ":is(.unused,p) .used{a:b}"),
        ("@media print{.unused{a:b}}", ""),
        ("@media print{.used{a:b}.unused{a:b}}", "@media print{.used{a:b}}"),
        ('@charset "x";.used{a:";}"}', '@charset "x";\n.used{a:";}"}'),
        ("/*! licence */.unused{a:b}", "/*! licence */"),
        ("@font-face{src:url(x)}", "@font-face{src:url(x)}"),
    ],
)
def test_only_rules_for_classes_that_occur_stay(css, expected):
    assert styles.pruned(css, {"used"}) == expected


def test_an_open_brace_is_reported():
    with pytest.raises(ValueError, match="open brace"):
        styles.pruned(".used{a:b", {"used"})


def test_a_description_ends_with_a_sentence_or_a_word():
    assert pages.shortened("One. Two.") == "One. Two."
    assert pages.shortened("The first sentence is here. The second is much longer.", 40) == (
        "The first sentence is here."
    )
    assert pages.shortened("word " * 20, 23) == "word word word word…"
