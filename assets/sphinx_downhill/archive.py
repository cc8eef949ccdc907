"""Put the whole site into one file that plays from a disk, without a server."""

import re
import zipfile
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole
from sphinx.util.osutil import relative_uri

from . import address

NAME = "downhill.zip"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that the format knows: the same site, the same bytes
STORED = {".png", ".pdf", ".woff2"}  # compressed already
# What Sphinx keeps for other builds, and the cards, which only other sites show.
LEFT_OUT = (".buildinfo", "objects.inv", "_static/cards/*", NAME)


def pack(app: Sphinx) -> None:
    """Write ``downhill.zip`` into the site, with everything else in it."""
    out = Path(app.outdir)
    files = [path for path in sorted(out.rglob("*")) if path.is_file()]
    # The file is not in itself: what was unpacked links to where it was published.
    to_itself = re.compile(rf'href="(?:\.\./)*{NAME}"'.encode())
    published = f'href="{address.of_the_site(app.config)}{NAME}"'.encode()
    with zipfile.ZipFile(out / NAME, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in files:
            place = path.relative_to(out)
            if any(place.match(pattern) for pattern in LEFT_OUT):
                continue
            entry = zipfile.ZipInfo(f"downhill/{place.as_posix()}", EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = (
                zipfile.ZIP_STORED if path.suffix in STORED else zipfile.ZIP_DEFLATED
            )
            content = path.read_bytes()
            if path.suffix == ".html":
                content = to_itself.sub(published, content)
            archive.writestr(entry, content)


class DownloadSite(SphinxRole):
    """A link to the file, which is written after the pages: ``{download-site}`this site` ``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link as seen from the page."""
        page = self.env.docname + ".html"
        link = nodes.reference("", self.text, refuri=relative_uri(page, NAME))
        return [link], []
