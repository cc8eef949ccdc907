"""Serve the built book on this machine alone, and open it where there is a browser to open."""

import argparse
import functools
import os
import sys
import webbrowser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, default=8000, help="0 takes any free port")
    options = parser.parse_args(arguments)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=options.folder)
    try:
        server = ThreadingHTTPServer(("127.0.0.1", options.port), handler)
    except (OSError, OverflowError) as error:
        parser.exit(1, f"port {options.port}: {error}; try another: make serve PORT=8001\n")
    address = f"http://127.0.0.1:{server.server_port}/"
    print(f"The book is at {address} until you press Ctrl-C.", flush=True)
    if has_desktop():
        webbrowser.open(address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    return 0


def has_desktop():
    """Whether a browser can open: without a desktop, Python would start one in the terminal."""
    desktop = "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    return desktop or sys.platform in ("darwin", "win32")


if __name__ == "__main__":
    sys.exit(main())
