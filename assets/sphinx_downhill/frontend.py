"""Make the files that the pages load, from the sources where they stand."""

import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinxcontrib import katex

ASSETS = Path(__file__).resolve().parent.parent

# The default of five seconds is short for a cold Node on a busy machine.
katex.STARTUP_TIMEOUT = 60.0
katex.RENDER_TIMEOUT = 30.0
# Over a Unix socket the extension connects as soon as the socket's file exists, which may be before
# Node listens on it, and the build dies of ConnectionRefusedError. Over TCP it tries again.
katex.KaTeXServer.start_server_process = katex.KaTeXServer.start_network_socket


def make_static_files(app: Sphinx) -> None:
    """Fill a folder beside the doctrees and hand it to Sphinx as a static path."""
    if app.builder.format != "html":
        return
    static = Path(app.doctreedir).parent / "static"
    shutil.rmtree(static, ignore_errors=True)
    copy_katex(Path(app.srcdir) / "node_modules/katex/dist", static / "katex")
    shutil.copy(ASSETS / "downhill.css", static)
    module = Path(app.srcdir, "gdutils/explore.js").read_text(encoding="utf-8")
    loader = Path(ASSETS, "explorer-loader.js").read_text(encoding="utf-8")
    (static / "explorer.js").write_text(classic_script(module, loader), encoding="utf-8")
    app.config.html_static_path.append(str(static))


def copy_katex(dist: Path, target: Path) -> None:
    """Copy KaTeX's style sheet and its fonts as WOFF2, which every current browser reads."""
    if not dist.is_dir():
        raise ExtensionError("KaTeX is not installed: run `npm ci` (or `make book`, which does)")
    (target / "fonts").mkdir(parents=True)
    css = (dist / "katex.min.css").read_text(encoding="utf-8")
    css = re.sub(r',url\([^)]*\.(?:woff|ttf)\) format\("[a-z]+"\)', "", css)
    (target / "katex.min.css").write_text(css, encoding="utf-8")
    for font in (dist / "fonts").glob("*.woff2"):
        shutil.copy(font, target / "fonts")


def classic_script(module: str, loader: str) -> str:
    """Join the explorers' ES module and the loader into one script without imports.

    Browsers refuse modules from ``file://``; a page that was saved or unzipped must still play.
    """
    body, exports = re.subn(r"(?m)^export default ", "const explorer = ", module)
    if exports != 1 or re.search(r"(?m)^\s*(import|export)\b", body):
        raise ExtensionError(
            "gdutils/explore.js must have exactly one `export default` at the start of a line "
            f"and neither import nor other exports; found {exports} default exports"
        )
    return f"(() => {{\n{body}\n{loader}\n}})();\n"
