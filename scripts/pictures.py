"""Take the pictures of the README from the built book: a page, and an explorer that is moved.

`make pictures` runs it. It needs Chromium on the path.
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.host import CHROMIUM, CHROMIUM_FLAGS

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "_build/html/chapters/01-when-the-loss-explodes.html"
SET = "(e, value) => { e.value = value; e.dispatchEvent(new Event('input')); }"
FRAME_MS, LAST_MS = 160, 1500
WIDTH, COLOURS, STEPS = 640, 24, 18


def main():
    if CHROMIUM is None or not PAGE.is_file():
        sys.exit("The pictures need the built book (make book) and Chromium on the path.")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800}, device_scale_factor=1.5)
        page.goto(PAGE.as_uri())
        explorer = page.locator(".gd-slot").first
        explorer.scroll_into_view_if_needed()
        explorer.locator("svg").first.wait_for()
        page.evaluate("(e) => scrollTo(0, e.offsetTop - 320)", explorer.element_handle())
        page.wait_for_timeout(500)
        save(page.screenshot(), ROOT / "assets/readme-chapter.png")
        frames = list(moved(explorer))
        browser.close()
    target = ROOT / "assets/readme-explorer.gif"
    there_and_back = frames + frames[-2:0:-1]
    durations = [LAST_MS if frame is frames[-1] else FRAME_MS for frame in there_and_back]
    there_and_back[0].save(
        target,
        save_all=True,
        append_images=there_and_back[1:],
        duration=durations,
        loop=0,
        optimize=True,
    )
    for path in (ROOT / "assets/readme-chapter.png", target):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


def moved(explorer):
    """Yield pictures of an explorer, its first slider moved from end to end."""
    slider = explorer.locator("input[type=range]").first
    last = int(slider.get_attribute("max"))
    for value in range(0, last + 1, max(1, last // STEPS)):
        slider.evaluate(SET, value)
        picture = Image.open(io.BytesIO(explorer.screenshot())).convert("RGB")
        size = (WIDTH, round(picture.height * WIDTH / picture.width))
        small = picture.resize(size, Image.Resampling.LANCZOS)
        yield small.quantize(COLOURS, dither=Image.Dither.NONE)


def save(png, path):
    """Store a screenshot in 128 colours, which is enough for a page and a third of the bytes."""
    Image.open(io.BytesIO(png)).convert("RGB").quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    main()
