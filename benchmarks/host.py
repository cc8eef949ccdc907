"""Serve a folder on this machine as a good host does, and find the browser to look at it with."""

import contextlib
import functools
import gzip
import http.server
import mimetypes
import shutil
import sys
import threading
from pathlib import Path
from urllib.parse import unquote, urlsplit

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# Only what a headless browser in a container needs, and nothing that calls home.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
COMPRESSED = (".html", ".css", ".js", ".svg", ".json", ".ipynb", ".txt")


class Handler(http.server.BaseHTTPRequestHandler):
    """Compressed, on connections that stay open, and silent."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # otherwise a body waits 40 ms for its headers' receipt

    def __init__(self, *arguments, folder):
        self.folder = folder
        super().__init__(*arguments)

    def do_GET(self):
        path = self.folder / unquote(urlsplit(self.path).path).lstrip("/")
        if path.is_dir():
            path = path / "index.html"
        found = path.is_file()
        body = content(path, path.stat().st_mtime_ns) if found else b"not found"
        self.send_response(200 if found else 404)
        kind = mimetypes.guess_type(path)[0] if found else None
        self.send_header("Content-Type", kind or "text/plain")
        if found and path.suffix in COMPRESSED:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Keep the report of whoever serves quiet."""


class Server(http.server.ThreadingHTTPServer):
    """A server that reports its own faults, and not that a browser was closed."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@functools.lru_cache(maxsize=2000)
def content(path, changed):
    """Return a file as it is sent; compressing it each time would make the page look slow."""
    body = path.read_bytes()
    return gzip.compress(body, 9) if path.suffix in COMPRESSED else body


@contextlib.contextmanager
def served(folder):
    """Serve `folder` while the block runs; gives the address, without a slash at its end."""
    handler = functools.partial(Handler, folder=Path(folder))
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
