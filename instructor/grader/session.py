"""Talk to a child: start it, run cells in it, ask it, and start it again when it is gone."""

import contextlib
import json
import os
import secrets
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass

from instructor.grader import sandbox

GRACE = 3.0  # seconds beyond the child's own alarm, before it is killed
LONGEST_REPLY = 16 * 2**20
LONGEST_TEXT = 300  # characters of an error
BLOCK = 2**16


def _clean(reply):
    """Return a reply of the form that we expect: a submission may have written it."""
    if "error" in reply:
        line = reply.get("line")
        return {
            "error": str(reply["error"])[:LONGEST_TEXT],
            "message": str(reply.get("message", ""))[:LONGEST_TEXT],
            "line": line if isinstance(line, int) else None,
        }
    value = reply.get("value")
    return {"value": value if isinstance(value, dict) else {}}


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes
    ----------
    cell, question, total : float
        Seconds for a cell, for a hidden test, and for the whole submission.
    memory, file : int
        Bytes of address space, and of a file that it writes.
    """

    cell: float = 20.0
    question: float = 5.0
    total: float = 120.0
    memory: int = 2 * 2**30
    file: int = 16 * 2**20

    def resources(self):
        """Return the limits that the child sets for itself, by their names in `resource`."""
        return {
            "RLIMIT_AS": self.memory,
            "RLIMIT_CORE": 0,
            "RLIMIT_CPU": int(self.total) + 5,
            "RLIMIT_FSIZE": self.file,
            "RLIMIT_NOFILE": 256,
            "RLIMIT_NPROC": 256,  # without effect for root
        }


class Gone(Exception):
    """The child ended, did not answer in time, or answered nonsense. Says which."""


class OutOfTime(Exception):
    """The submission has used all its time."""


class Child:
    """One process that runs a submission. Use it as a context manager."""

    def __init__(self, way, limits, deadline):
        self.limits, self.deadline = limits, deadline
        self.folder = tempfile.mkdtemp(prefix="grader-") if way == "none" else None
        environment = dict(sandbox.ENVIRONMENT)
        if self.folder:
            environment |= dict.fromkeys(("HOME", "MPLCONFIGDIR", "TMPDIR"), self.folder)
        self.process = subprocess.Popen(
            sandbox.child_command(way),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder or "/",
            env=environment,
            start_new_session=True,
        )
        os.set_blocking(self.process.stdout.fileno(), False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.pending = b""
        first = {"rlimits": limits.resources(), "path": sandbox.search_path()}
        self._send(first)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        # The whole session: what a submission started must not outlive it. In a name space of
        # processes the rest goes with the first.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.selector.close()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def request(self, do, source="", seconds=None):
        """Return the reply to a request: {"error", "message", "line"} or {"value"}, a dict.

        Raises
        ------
        Gone
            If there is no reply that belongs to this request.
        OutOfTime
            If the time of the whole submission is over.
        """
        now = time.monotonic()
        if now >= self.deadline:
            raise OutOfTime
        seconds = min(seconds or self.limits.cell, self.deadline - now)
        token = secrets.token_hex(8)
        self._send({"do": do, "source": source, "seconds": seconds, "token": token})
        end = now + seconds + GRACE
        while True:
            try:
                reply = json.loads(self._line(end, seconds))
            except (ValueError, RecursionError):
                continue  # not ours: a submission wrote on the channel
            if isinstance(reply, dict) and reply.get("token") == token:
                return _clean(reply)

    def _send(self, message):
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except (BrokenPipeError, OSError):
            raise Gone("ended the process") from None

    def _line(self, end, seconds):
        while b"\n" not in self.pending:
            left = end - time.monotonic()
            if left <= 0 or not self.selector.select(left):
                raise Gone(f"took longer than {seconds:g} s and did not stop")
            block = os.read(self.process.stdout.fileno(), BLOCK)
            if not block:
                raise Gone("ended the process")
            self.pending += block
            if len(self.pending) > LONGEST_REPLY:
                raise Gone("gave an answer that is too long")
        line, self.pending = self.pending.split(b"\n", 1)
        return line
