"""A run of training in a file: written whole or not at all, read only if it is this run."""

import io
import json
import os
import zipfile
import zlib
from pathlib import Path

import torch

from gdutils import _random, _trial, _validate

FORMAT = "gdutils checkpoint 1"


class Saves:
    """When a run is written, and where; nothing is, where `path` is None.

    Parameters
    ----------
    path : path or None
    every : int or None
        Steps between writings; None for the end of each epoch.
    fingerprint : callable
        Gives the fingerprint of the run; called only where there is a path.
    team : gdutils._parallel.Team or None
    """

    def __init__(self, path, every, fingerprint, team):
        if every is not None:
            every = _validate.count("checkpoint_every", every)
            if path is None:
                raise ValueError(f"checkpoint_every needs a checkpoint, got {every} without one")
        if not (path is None or isinstance(path, (str, os.PathLike))):
            raise ValueError(f"checkpoint must be a path, got {path!r}")
        self.every, self.team = every, team
        self.file = None if path is None else Checkpoint(path, fingerprint())

    def find(self, total):
        """Return the state to go on from towards `total` samples, or None."""
        if self.file is None:
            return None
        state = self.file.read() if self.team is None else self.team.first(self.file.read)
        if state is not None and state["samples"] > total:
            raise ValueError(
                f"checkpoint {self.file.path} has seen {state['samples']} samples, more than the "
                f"{total} of so many epochs: ask for more epochs, or give another name"
            )
        return state

    def due(self, run, n, total):
        """Whether to write after this step; the end of the run is left to the caller."""
        if run.samples == total:
            return False
        return run.samples % n == 0 if self.every is None else len(run.seen) % self.every == 0

    def write(self, run):
        """Write the run, unless it has left the finite numbers."""
        if self.file is None or not run.is_sound():
            return
        if self.team is not None:
            self.team.agree_on_buffers(run.model)
        if self.team is None or self.team.rank == 0:
            self.file.write(run.state())
        run.lap()  # the time of writing counts as nothing


class Checkpoint:
    """The file at `path`, for the run that `fingerprint` describes."""

    def __init__(self, path, fingerprint):
        self.path = Path(path)
        self.fingerprint = json.loads(json.dumps(fingerprint))

    def read(self):
        """Return the state in the file, or None if there is no file.

        Raises
        ------
        OSError
            If it cannot be read, or could not be written.
        ValueError
            If it is damaged, no checkpoint, or one of another run.
        """
        folder = self.path.parent
        if not folder.is_dir():
            raise FileNotFoundError(f"checkpoint {self.path} needs the folder {folder}: make it")
        if self.path.is_dir():
            raise IsADirectoryError(f"checkpoint must be a file, got the folder {self.path}")
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"checkpoint {self.path}: cannot write in the folder {folder}")
        if not self.path.exists():
            return None
        try:
            stored = self.path.read_bytes()
        except OSError as error:
            raise OSError(f"checkpoint {self.path} cannot be read: {error}") from error
        try:
            torn = zipfile.ZipFile(io.BytesIO(stored)).testzip()  # torch does not look at checksums
            if torn is not None:
                raise zipfile.BadZipFile(f"the checksum of {torn} is wrong")
            content = torch.load(io.BytesIO(stored), map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises many kinds for a file that is not its own
            raise ValueError(self._complaint("is damaged or no checkpoint")) from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError(self._complaint("is no checkpoint of train"))
        difference = _difference(json.loads(content["fingerprint"]), self.fingerprint)
        if difference:
            raise ValueError(self._complaint(f"is of another run: {difference}"))
        return content["state"]

    def write(self, state):
        """Replace the file; whenever the process is killed, the old or the new one is there.

        Raises
        ------
        OSError
            If it cannot be written. The old file then is as it was.
        """
        content = {
            "format": FORMAT,
            "fingerprint": json.dumps(self.fingerprint),
            "state": state,
        }
        part = self.path.with_name(self.path.name + ".part")
        try:
            with open(part, "wb") as file:
                torch.save(content, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.path)
        except (OSError, RuntimeError) as error:  # torch's own for a full disk is the second
            part.unlink(missing_ok=True)
            raise OSError(f"checkpoint {self.path} cannot be written: {error}") from error
        _sync_folder(self.path.parent)

    def _complaint(self, what):
        return f"checkpoint {self.path} {what}. Move it away, or give another name"


def fingerprint(model, optimiser, loss, data, tables, generator, **settings):
    """Return what must be the same for a run to go on, as plain data.

    Parameters
    ----------
    data : (X, y)
        Checked tensors; 64 of their rows go in.
    tables : dict of str to (X, y)
    **settings : str, number, bool or None
        By the names of the arguments of `train`; of a function, whether it is given.
    """
    X, y = data
    return {
        "model": [
            [name, list(tensor.shape), str(tensor.dtype)]
            for name, tensor in (*model.named_parameters(), *model.named_buffers())
        ],
        "optimiser": type(optimiser).__name__,
        "optimiser's groups": [
            {
                "parameters": len(group["params"]),
                **{k: group[k] for k in optimiser.defaults if _is_plain(group.get(k))},
                **({"lr": "by schedule"} if settings["schedule"] else {}),
            }
            for group in optimiser.param_groups
        ],
        "loss": _trial.name_of(loss),
        "rows": len(X),
        "data": [_sum_of(X), _sum_of(y)],
        "evaluate_on": {name: [len(pair[0]), _sum_of(pair[0])] for name, pair in tables.items()},
        **settings,
        "generator": _random.kind_of(generator),
    }


def _is_plain(value):
    if isinstance(value, (tuple, list)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _sum_of(tensor):
    """Return shape, type and a checksum of 64 rows, which tells one table from another."""
    rows = tensor[:: max(1, len(tensor) // 64)].cpu().contiguous()
    content = rows.reshape(-1).view(torch.uint8).numpy() if rows.numel() else b""
    return f"{list(tensor.shape)} of {tensor.dtype}, {zlib.crc32(content):08x}"


def _difference(was, now):
    """Return in words where two fingerprints first differ, or an empty string."""
    for key in {**was, **now}:
        a, b = was.get(key), now.get(key)
        if a == b:
            continue
        if isinstance(a, list) and isinstance(b, list):
            if len(a) != len(b):
                return f"{key} had {len(a)} entries, now it has {len(b)}"
            a, b = next((x, y) for x, y in zip(a, b, strict=True) if x != y)
        return f"{key} was {a!r}, now it is {b!r}"
    return ""


def _sync_folder(folder):
    """Make the renaming last through a power cut, where folders can be synchronised."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
