"""Which data files there are, and what a good copy of one is.

`registry.json` names each file, the SHA-256 of its *unpacked* content, so that
any compression will do, and its homes on the network.
"""

import functools
import gzip
import hashlib
import importlib.resources
import io
import json
import zipfile
import zlib
from dataclasses import dataclass


class Damaged(ValueError):
    """Content that is not what the registry promises."""


@dataclass(frozen=True)
class Record:
    """One file of the registry.

    `contents` maps each accepted SHA-256 of the unpacked file to its size in bytes.
    """

    name: str
    folder: str
    contents: dict
    mirrors: tuple


@functools.cache
def records(dataset):
    """Return ``{file name: Record}`` for the data set "airfoil" or "fashion-mnist"."""
    text = (importlib.resources.files("gdutils") / "registry.json").read_text("utf-8")
    entry = json.loads(text)[dataset]
    return {
        name: Record(
            name=name,
            folder=entry["folder"],
            contents={content["sha256"]: content["bytes"] for content in file["contents"]},
            mirrors=tuple(file["mirrors"]),
        )
        for name, file in entry["files"].items()
    }


def unpack(raw, record):
    """Return the content of a plain, gzip or zip file after checking its SHA-256."""
    limit = max(record.contents.values()) + 1  # no need to unpack what is too long anyway
    try:
        if raw[:2] == b"\x1f\x8b":
            content = gzip.GzipFile(fileobj=io.BytesIO(raw)).read(limit)
        elif raw[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(raw)) as archive, archive.open(record.name) as member:
                content = member.read(limit)
        else:
            content = raw
    except (EOFError, KeyError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise Damaged(f"is truncated or altered: it cannot be unpacked ({error})") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest not in record.contents:
        sizes = " or ".join(f"{size:,}" for size in record.contents.values())
        raise Damaged(
            f"is truncated or altered: {len(content):,} bytes with SHA-256 {digest[:12]}..., "
            f"expected {sizes} bytes with " + " or ".join(f"{h[:12]}..." for h in record.contents)
        )
    return content
