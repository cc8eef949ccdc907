"""Find a registered data file, or fetch it, and hand over its verified content.

What `read` returns was hashed in memory after it was read, so neither a damaged
file nor one that somebody is still writing can get past the check, and no lock
is needed between processes.
"""

import contextlib
import io
import os
import sys
import tempfile
import textwrap
import time
import warnings
from pathlib import Path

from gdutils._registry import Damaged, unpack

STAND_IN = "stand-in"
TIMEOUT = (10, 30)  # seconds to connect, seconds between two pieces of the answer
LEFTOVER_AGE = 3600  # seconds; a partial file older than this has no living owner


class DataError(OSError):
    """A data set can be neither found nor fetched, or not be stored. An `OSError`."""


def stand_in_wanted():
    """Return whether GDUTILS_DATA asks for the stand-ins."""
    return os.environ.get("GDUTILS_DATA") == STAND_IN


def read(record):
    """Return the unpacked content of `record` from the first place that has it.

    Raises
    ------
    DataError
        If no place and no mirror has a good copy, or the cache cannot be written.
    ValueError
        If GDUTILS_DATA names a folder that does not exist.
    """
    tried = []
    for place, folder in _own_folders(tried):
        content = _look(record, place, folder, tried)
        if content is not None:
            return content
    cache = _cache_folder()
    content = _look(record, "cache", cache, tried, set_aside=True)
    return content if content is not None else _fetch(record, cache, tried)


def _own_folders(tried):
    """Yield (label, folder) of the places that belong to the user and are never written to."""
    wanted = os.environ.get("GDUTILS_DATA")
    if wanted:
        folder = Path(os.path.expanduser(wanted))  # leaves an unknown ~name as it is
        if not folder.is_dir():
            raise ValueError(
                f"GDUTILS_DATA must be a folder that exists, or the word {STAND_IN!r}, "
                f"got {wanted!r}"
            )
        yield "GDUTILS_DATA", folder
    else:
        tried.append("GDUTILS_DATA: not set")
    root = Path(__file__).resolve().parent.parent
    if (root / "pyproject.toml").is_file():  # a checkout, not site-packages
        yield "project's data folder", root / "data"


def _cache_folder():
    import pooch

    try:
        return Path(pooch.os_cache("gdutils")).expanduser()
    except RuntimeError as error:  # an account without a home folder
        raise DataError(
            f"there is no cache folder for this user ({error}). Set XDG_CACHE_HOME to a folder "
            "that can be written, or GDUTILS_DATA to a folder with the files."
        ) from error


def _look(record, place, folder, tried, set_aside=False):
    """Return the content of a good copy in `folder`, or None and say why in `tried`."""
    found = False
    for parent in (folder / record.folder, folder):
        for path in (parent / record.name, parent / f"{record.name}.gz"):
            try:
                return unpack(path.read_bytes(), record)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                reason = f"cannot be read: {error.strerror or error}"
            except Damaged as error:
                reason = str(error)
                _warn_damaged(path, reason, set_aside)
            found = True
            tried.append(f"{place}: {path} {reason}")
    if not found:
        tried.append(f"{place}: {folder} has no {record.name} and no {record.name}.gz")
    return None


def _warn_damaged(path, reason, set_aside):
    outcome = "It is left where it is and not used."
    if set_aside:
        # Another process may have moved it, or even mended it, a moment ago. At worst a good
        # file is fetched twice.
        try:
            os.replace(path, f"{path}.bad")
            outcome = f"It is set aside as {path.name}.bad and fetched again."
        except OSError as error:
            outcome = f"It cannot be set aside ({error.strerror}) and is not used."
    warnings.warn(f"{path} {reason}. {outcome}", stacklevel=5)


def _fetch(record, cache, tried):
    """Download `record` into the cache, unpacked, and return its content."""
    target = cache / record.folder / record.name
    with _storing(target):  # first, so that a cache that cannot be written costs no download
        part = _new_part(target)
    try:
        content = _download(record, tried)
        with _storing(target):
            part.write_bytes(content)
            os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return content


@contextlib.contextmanager
def _storing(target):
    """Say what helps where `target` cannot be written."""
    try:
        yield
    except OSError as error:
        problem = DataError(
            f"cannot store {target}: {error.strerror or error}. Make room or give write access "
            "there, or set XDG_CACHE_HOME to another folder for caches, or GDUTILS_DATA to a "
            f"folder that holds the file (or to {STAND_IN}, for made-up data)."
        )
        problem.errno = error.errno
        raise problem from error


def _new_part(target):
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f".{target.name}.*.part"):  # of a download that was killed
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            if time.time() - leftover.stat().st_mtime > LEFTOVER_AGE:
                leftover.unlink()
    handle, name = tempfile.mkstemp(".part", f".{target.name}.", target.parent)
    os.close(handle)
    return Path(name)


def _download(record, tried):
    """Return the content from the first mirror that delivers it whole."""
    import pooch

    for url in record.mirrors:
        answer = io.BytesIO()
        try:
            with _progress(record) as bar:
                fetch = pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 16, timeout=TIMEOUT)
                fetch(url, answer, None)
            return unpack(answer.getvalue(), record)
        except Damaged as error:
            tried.append(f"{url} {error}")
        except OSError as error:  # the base of all errors of requests
            cause = getattr(error.args[0], "reason", error) if error.args else error
            reason = textwrap.shorten(f"{type(cause).__name__}: {cause}", 200)
            tried.append(f"{url} {reason}")
    raise DataError(
        f"no good copy of {record.name} can be found. Tried:\n"
        + "".join(f"  - {line}\n" for line in tried)
        + "Three ways out:\n"
        "  1. connect to the network and run this again;\n"
        f"  2. put {record.name} or {record.name}.gz into a folder and set GDUTILS_DATA to it;\n"
        f"  3. set GDUTILS_DATA={STAND_IN} to go on with made-up data of the same shape."
    )


def _progress(record):
    """Return a progress bar where somebody watches, else a context that holds False."""
    if not (sys.stderr.isatty() or "ipykernel" in sys.modules):
        return contextlib.nullcontext(False)
    try:
        from tqdm.auto import tqdm
    except ImportError:  # a bar is a courtesy, not a need
        return contextlib.nullcontext(False)
    # pooch asks for the bar's truth value, which tqdm refuses while the total is unknown.
    total = max(record.contents.values())
    return tqdm(desc=record.name, total=total, unit="B", unit_scale=True)
