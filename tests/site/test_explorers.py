"""Explorers on the built page: a hand on the slider changes figure, sentence and description."""

import re

import pytest

DRAWN = """(root) => ({
    marks: [...root.querySelectorAll("svg :is(path, circle, rect)")].map((e) => e.outerHTML).join(),
    sentence: root.querySelector(".gd-sentence").textContent,
    spoken: [...root.querySelectorAll("svg")].map((e) => e.getAttribute("aria-label")).join(),
})"""

# The slot's own height is the larger of what was set aside and what is needed.
HEIGHT_BEYOND_ITS_PLACE = """(root) =>
    root.parentElement.offsetHeight - parseFloat(getComputedStyle(root.parentElement).minHeight)"""
SHIFT = """() => new Promise((done) => {
    let sum = 0;
    const add = (list) => list.getEntries().forEach((entry) => { sum += entry.value; });
    new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(sum), 300);
})"""

SET = "(e, value) => { e.value = value; e.dispatchEvent(new Event('input')); }"


def explorers(page):
    """Return the explorers of a page, each ready to be used; skip the page if it has none."""
    slots = page.locator(".gd-slot")
    if slots.count() == 0:
        pytest.skip("no explorer on this page")
    slots.last.locator(".gd-explorer svg").first.wait_for()
    assert page.locator(".gd-slot > .gd-explorer").count() == slots.count()
    return [slots.nth(i).locator(".gd-explorer") for i in range(slots.count())]


def sliders(page):
    """Yield each explorer with each of its sliders, the others where the page put them."""
    for explorer in explorers(page):
        for slider in explorer.locator("input[type=range]").all():
            start = slider.input_value()
            yield explorer, slider
            # Back to the start: without noise, say, no other slider has an effect.
            slider.evaluate(SET, start)


def assert_all_changed(before, after):
    unchanged = [key for key in before if before[key] == after[key]]
    assert not unchanged, f"{unchanged} stayed as they were: {before['sentence']}"
    assert len(after["sentence"]) > 10
    assert after["sentence"] in after["spoken"]


def ends(slider):
    """Return the places on the page of the thumb now and at the far end."""
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    value, low, high = slider.evaluate("(e) => [e.value, e.min, e.max].map(Number)")
    share = (value - low) / (high - low)
    thumb = 16
    at = lambda part: box["x"] + thumb / 2 + part * (box["width"] - thumb)  # noqa: E731
    return (at(share), at(0 if share > 0.5 else 1)), box["y"] + box["height"] / 2


def test_dragging_with_the_mouse(name, address, visit):
    seen = visit(f"{address}/{name}")
    for explorer, slider in sliders(seen.page):
        before = explorer.evaluate(DRAWN)
        (start, end), y = ends(slider)
        seen.page.mouse.move(start, y)
        seen.page.mouse.down()
        seen.page.mouse.move(end, y, steps=8)
        seen.page.mouse.up()
        assert_all_changed(before, explorer.evaluate(DRAWN))
    assert not seen.sockets
    assert seen.complaints == []


def test_arrow_keys(name, address, visit):
    page = visit(f"{address}/{name}").page
    for explorer, slider in sliders(page):
        slider.focus()
        before = slider.input_value()
        page.keyboard.press("ArrowLeft" if int(before) > 0 else "ArrowRight")
        assert abs(int(slider.input_value()) - int(before)) == 1
        page.keyboard.press("Home")
        first = explorer.evaluate(DRAWN)
        for _ in range(int(slider.get_attribute("max"))):
            page.keyboard.press("ArrowRight")
        assert slider.input_value() == slider.get_attribute("max")
        assert_all_changed(first, explorer.evaluate(DRAWN))


def test_dragging_with_a_finger(name, address, visit):
    page = visit(f"{address}/{name}", viewport=(390, 844), has_touch=True, is_mobile=True).page
    touch = page.context.new_cdp_session(page)

    def finger(kind, *points):
        touch.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]},
        )

    for explorer, slider in sliders(page):
        before = explorer.evaluate(DRAWN)
        (start, end), y = ends(slider)
        finger("touchStart", (start, y))
        for i in range(1, 9):
            finger("touchMove", (start + (end - start) * i / 8, y))
        finger("touchEnd")
        assert_all_changed(before, explorer.evaluate(DRAWN))


def test_choosing_from_a_list(name, address, visit):
    page = visit(f"{address}/{name}").page
    for explorer in explorers(page):
        for slider in explorer.locator("input[type=range]").all():
            slider.press("End")  # where the choices differ, if they meet at the start
        for choice in explorer.locator("select").all():
            before = explorer.evaluate(DRAWN)
            choice.select_option(index=(choice.evaluate("(e) => e.selectedIndex") + 1) % 2)
            assert_all_changed(before, explorer.evaluate(DRAWN))


def test_playing_and_pausing(name, address, visit):
    page = visit(f"{address}/{name}").page
    for explorer in explorers(page):
        for button in explorer.locator("button").all():
            before = explorer.evaluate(DRAWN)
            button.click()
            page.wait_for_timeout(1500)
            button.click()
            assert before["marks"] != explorer.evaluate(DRAWN)["marks"]


def test_explorers_play_from_a_file_without_a_server(name, site, visit):
    seen = visit((site / name).as_uri())
    for explorer, slider in sliders(seen.page):
        slider.focus()
        seen.page.keyboard.press("Home")
        first = explorer.evaluate(DRAWN)
        seen.page.keyboard.press("End")
        assert_all_changed(first, explorer.evaluate(DRAWN))
    assert seen.complaints == []


def test_every_control_has_a_label_and_every_drawing_a_description(name, address, visit):
    page = visit(f"{address}/{name}").page
    for explorer in explorers(page):
        for control in explorer.locator("input, select").all():
            assert control.evaluate("(e) => e.labels.length") == 1
        for drawing in explorer.locator("svg").all():
            assert drawing.get_attribute("role") == "img"
            assert len(drawing.get_attribute("aria-label")) > 20


@pytest.mark.parametrize("viewport", [(1280, 900), (390, 844)], ids=["desk", "phone"])
def test_the_page_does_not_jump_when_an_explorer_appears(name, viewport, address, visit):
    page = visit(f"{address}/{name}", viewport, late="**/explorer.js*").page
    drawn = explorers(page)
    moved = [explorer.evaluate(HEIGHT_BEYOND_ITS_PLACE) for explorer in drawn]
    assert max(moved) <= 40, f"explorers are up to {max(moved)} px higher than the place set aside"
    assert page.evaluate(SHIFT) < 0.1, "0.1 is what readers notice"


def test_without_javascript_the_explorers_stand_still(name, site, address, visit):
    panels = len(re.findall('"yscale": ?"', (site / name).read_text(encoding="utf-8")))
    page = visit(f"{address}/{name}", java_script_enabled=False).page
    slots = page.locator(".gd-slot")
    if slots.count() == 0:
        pytest.skip("no explorer on this page")
    assert slots.locator("img").count() == panels
    for slot in slots.all():
        for drawing in slot.locator("img").all():
            drawing.scroll_into_view_if_needed()
            assert len(drawing.get_attribute("alt")) > 20
            page.wait_for_function("(e) => e.complete", arg=drawing.element_handle())
            assert drawing.bounding_box()["height"] > 150
        assert "With JavaScript" in slot.inner_text()


def test_an_explorer_far_below_is_drawn_when_the_reader_comes_near(
    chapter, address, browser, request
):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    request.addfinalizer(context.close)
    page = context.new_page()
    page.goto(f"{address}/{chapter}", wait_until="load")
    last = page.locator(".gd-slot").last
    page.wait_for_timeout(300)
    assert last.locator("svg").count() == 0
    last.scroll_into_view_if_needed()
    last.locator(".gd-explorer svg").first.wait_for()
