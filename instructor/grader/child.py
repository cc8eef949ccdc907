"""Run the cells of one submission and answer questions about it. Started by `session`.

This file runs in the sandbox, under Python alone: it imports nothing of the project. It knows the
questions that it is asked and no answer to them, so nothing that a submission does to it can
raise a score: at most it can give values, which it may do anyway.

A request and a reply are one line of JSON each, on what were stdin and stdout at the start.
"""

import builtins
import copy
import json
import os
import random
import resource
import signal
import sys
import traceback

LONGEST = 200_000  # numbers in an answer
TEXT = 300  # characters of an error that are kept


class Late(BaseException):
    """The time for a cell or a question is over."""


def main():
    requests, replies = take_channel()
    limits = json.loads(requests.readline())
    for name, value in limits["rlimits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    sys.path[:0] = limits["path"]
    random.seed(0)
    work = Work()
    for line in requests:
        request = json.loads(line)
        reply = work.do(request)
        reply["token"] = request["token"]
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


def take_channel():
    """Move stdin and stdout out of the way of the submission, which gets none."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    return requests, replies


class Work:
    """The names of a submission, and what may be done with them."""

    def __init__(self):
        # What is needed after a submission has run, taken before it can be replaced.
        self.timer, self.encode = signal.setitimer, encoder()
        self.names = self.fresh()
        self.trusted = {}
        self.hidden = {}
        signal.signal(signal.SIGALRM, late)

    @staticmethod
    def fresh():
        return {
            "__name__": "__main__",
            "__builtins__": builtins,
            "get_ipython": NoIPython,
            "display": lambda *things, **options: None,
        }

    def do(self, request):
        signal.signal(signal.SIGALRM, late)  # a submission may have changed it
        try:
            self.timer(signal.ITIMER_REAL, request["seconds"])
            try:
                return getattr(self, request["do"])(request["source"])
            finally:
                self.timer(signal.ITIMER_REAL, 0)
        except Late:
            return {"error": "Late", "message": f"took longer than {request['seconds']:g} s"}
        except BaseException as error:  # sys.exit and KeyboardInterrupt are the submission's, too
            return described(error)

    def trust(self, source):
        """Run a cell that is not the submission's, setup or numbers, before any that is."""
        exec(compile(source, "<setup>", "exec"), self.names)
        new = {k: v for k, v in self.names.items() if k not in self.fresh() | self.trusted}
        self.trusted |= {k: own(v) for k, v in new.items()}
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed(0)
        if "torch" in sys.modules:
            sys.modules["torch"].manual_seed(0)
        return {}

    def run(self, source):
        """Run a cell of the submission."""
        exec(compile(source, "<cell>", "exec"), self.names)
        return {}

    def begin(self, _):
        """Begin the hidden block of a question, with numbers that no other question has changed."""
        self.hidden = {k: own(v) for k, v in self.trusted.items() if own(v) is not v}
        return {}

    def assign(self, source):
        """Run a statement of a hidden block, out of the submission's way."""
        scope = self.names | self.trusted | self.hidden
        before = dict(scope)
        exec(compile(source, "<test>", "exec"), scope)
        self.hidden |= {k: v for k, v in scope.items() if before.get(k, scope) is not v}
        return {}

    def ask(self, source):
        """Evaluate an expression. Answers are the submission's, numbers and modules are not."""
        answers = {k: v for k, v in self.names.items() if k not in self.trusted}
        scope = self.names | self.trusted | answers | self.hidden
        return {"value": self.encode(eval(compile(source, "<test>", "eval"), scope))}


def own(value):
    """Return a copy of a list or an array, which could be changed in place; else the value."""
    changeable = isinstance(value, list) or type(value).__name__ in ("ndarray", "Tensor")
    return copy.deepcopy(value) if changeable else value


class NoIPython:
    """What a submission gets for `get_ipython()`: magics that do nothing, save run their cell."""

    input_transformers_cleanup = []  # noqa: RUF012 - a place to write to that nobody reads
    input_transformers_post = []  # noqa: RUF012
    user_ns = {}  # noqa: RUF012

    def run_cell_magic(self, name, line, cell):
        if name in ("time", "timeit", "capture", "prun"):
            exec(compile(cell, "<cell>", "exec"), sys._getframe(1).f_globals)

    def getoutput(self, *args):
        return []

    def __getattr__(self, name):
        return lambda *args, **options: None


def late(number, frame):
    raise Late


def described(error):
    """Return an error as a reply: its class, its text, and the line of the cell."""
    try:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f.lineno for f in frames if f.filename == "<cell>"]
        message = str(error)[:TEXT]
    except BaseException:  # an error of the submission's own making, with a __str__ that fails
        lines, message = [], ""
    return {
        "error": type(error).__name__[:TEXT],
        "message": message,
        "line": lines[-1] if lines else None,
    }


def encoder():
    """Return the function that turns an answer into JSON; it imports NumPy when there is one."""
    kinds = {type(None): "nothing", type(...): "nothing", str: "text"}

    def encode(value):
        kind = kinds.get(type(value))
        if kind:
            return {"kind": kind}
        if isinstance(value, bool | int | float):
            return {"kind": "numbers", "shape": [], "numbers": [float(value)]}
        import numpy

        if hasattr(value, "detach"):  # a tensor
            value = value.detach().cpu().numpy()
        try:
            array = numpy.asarray(value)
        except (TypeError, ValueError):
            array = None
        if array is None or array.dtype.kind not in "biuf":  # whole or floating-point numbers
            return {"kind": "other", "type": type(value).__name__[:TEXT]}
        if array.size > LONGEST:
            return {"kind": "other", "type": f"array of shape {array.shape}"}
        numbers = array.astype(numpy.float64).ravel().tolist()
        return {"kind": "numbers", "shape": list(array.shape), "numbers": numbers}

    return encode


if __name__ == "__main__":
    main()
