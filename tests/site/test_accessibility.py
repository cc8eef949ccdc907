"""axe-core finds nothing, in light and in dark, on a desk and on a phone."""

from pathlib import Path

import pytest

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
FINDINGS = """async () => {
    const found = await axe.run(document, { resultTypes: ["violations"] });
    const places = (nodes) => nodes.slice(0, 4).map((node) => node.html.slice(0, 160)).join(" | ");
    return found.violations.map((one) => `${one.id}: ${one.help}: ${places(one.nodes)}`);
}"""


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm ci")
@pytest.mark.parametrize(
    ("viewport", "scheme"),
    [((1280, 900), "light"), ((1280, 900), "dark"), ((390, 844), "light")],
    ids=["desk-light", "desk-dark", "phone-light"],
)
def test_axe_finds_nothing(name, viewport, scheme, address, visit):
    page = visit(f"{address}/{name}", viewport=viewport, color_scheme=scheme).page
    assert page.locator("html").get_attribute("data-theme") == scheme
    page.evaluate("document.querySelectorAll('article details').forEach((d) => { d.open = true; })")
    page.wait_for_timeout(400)  # the theme gives scrolling boxes their tab stops after 300 ms
    page.add_script_tag(path=str(AXE))
    assert page.evaluate(FINDINGS) == []
