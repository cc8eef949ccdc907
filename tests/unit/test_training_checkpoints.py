"""A run that is killed and started again ends as if nothing had happened, to the last digit."""

import os
import random
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch import nn

from gdutils import _checkpoints, _run
from gdutils.images import flip, standardise
from gdutils.training import train

N, BATCH, EPOCHS = 44, 10, 3  # the last batch of an epoch has 4 rows
STEPS = 5 * EPOCHS


class Killed(Exception):
    pass


def pictures(seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (N, 6, 6), dtype=np.uint8), np.arange(N) % 3


class Remembering(nn.Module):
    """Has a buffer that state_dict leaves out, and that training changes."""

    def __init__(self):
        super().__init__()
        self.register_buffer("largest", torch.zeros(()), persistent=False)

    def forward(self, x):
        if self.training:
            self.largest.copy_(torch.maximum(self.largest, x.detach().abs().max()))
        return x / (1 + self.largest)


def start(seed=0, optimiser="SGD", width=4):
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(1, width, 3),
        nn.BatchNorm2d(width),
        nn.Dropout(0.2),
        Remembering(),
        nn.Flatten(),
        nn.Linear(16 * width, 3),
    )
    own = {"SGD": {"momentum": 0.9, "nesterov": True}, "Adam": {}}[optimiser]
    return model, getattr(torch.optim, optimiser)(model.parameters(), lr=0.05, **own)


GENERATORS = {
    "torch": lambda: torch.Generator().manual_seed(1),
    "numpy": lambda: np.random.default_rng(1),
    "Mersenne": lambda: np.random.Generator(np.random.MT19937(1)),
    "global": lambda: None,
}


def run(path=None, *, stop_at=None, kind="torch", optimiser="SGD", started=None, **options):
    """Train; raise Killed in the schedule of a step if asked to. Return all that must agree."""

    def schedule(t):
        if t == stop_at:
            raise Killed
        return 0.05 / (1 + t / 10)

    model, optimiser = start(optimiser=optimiser) if started is None else started
    options = {
        "data": pictures(),
        "batch": BATCH,
        "epochs": EPOCHS,
        "schedule": schedule,
        "loss": nn.functional.cross_entropy,
        "label_smoothing": 0.1,
        "evaluate_on": {"a": pictures(), "b": pictures(7)},
        "evaluate_every": 25,
    } | options
    generator = options.pop("generator", GENERATORS[kind]())
    history = train(
        model,
        options.pop("data"),
        optimiser=optimiser,
        generator=generator,
        augment=flip,
        prepare=standardise,
        checkpoint=path,
        device="cpu",
        progress=False,
        **options,
    )
    drawn = torch.rand(3)  # whoever draws next gets the same, too
    return model, optimiser, history, drawn


def flat(value, name=""):
    """Yield the leaves of nested dicts and lists with their names."""
    if isinstance(value, (dict, list, tuple)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from flat(inner, f"{name}.{key}")
    else:
        yield name, value


def assert_same(result, wanted):
    for (model, optimiser, history, drawn), (m, o, h, d) in [(result, wanted)]:
        parts = [
            (dict(model.named_parameters()), dict(m.named_parameters())),
            (dict(model.named_buffers()), dict(m.named_buffers())),
            (optimiser.state_dict(), o.state_dict()),
            (history.eval_losses, h.eval_losses),
            (history.eval_accuracies, h.eval_accuracies),
            (
                [history.samples, history.losses, history.eval_samples, drawn],
                [h.samples, h.losses, h.eval_samples, d],
            ),
        ]
        for got, want in parts:
            got, want = dict(flat(got)), dict(flat(want))
            assert got.keys() == want.keys() and got
            for name in got:
                a, b = (
                    v.detach() if isinstance(v, torch.Tensor) else v
                    for v in (got[name], want[name])
                )
                assert_array_equal(a, b, err_msg=name)
        assert history.stopped == h.stopped and len(history.eval_seconds) == len(h.eval_seconds)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """The killed process has one thread, and sums over two end in another last digit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def synced(monkeypatch):
    """Count what is synchronised with the disk; hundreds of times it would take too long."""
    done = []
    monkeypatch.setattr(_checkpoints.os, "fsync", done.append)
    return done


@pytest.fixture(scope="module")
def uninterrupted(one_thread):
    return {kind: run(kind=kind) for kind in GENERATORS}


def test_checkpoints_change_nothing(tmp_path, uninterrupted):
    for every in (None, 1, 4):
        result = run(tmp_path / f"{every}.pt", checkpoint_every=every)
        assert_same(result, uninterrupted["torch"])


def test_a_checkpoint_is_on_the_disk_before_it_gets_its_name(tmp_path, synced, monkeypatch):
    order = []
    replace = os.replace
    monkeypatch.setattr(_checkpoints.os, "fsync", lambda handle: order.append("fsync"))
    monkeypatch.setattr(
        _checkpoints.os, "replace", lambda *names: order.append("name") or replace(*names)
    )
    run(tmp_path / "run.pt", epochs=1)
    assert order == ["fsync", "name", "fsync"] * 2  # at the start and at the end; the last: folder


@pytest.mark.parametrize("every", [None, 1, 4])
def test_a_run_stopped_at_any_step_ends_like_one_that_was_not(every, tmp_path, uninterrupted):
    for step in (0, 1, 6, STEPS - 1) if every == 1 else range(STEPS):
        path = tmp_path / f"{step}.pt"
        with pytest.raises(Killed):
            run(path, stop_at=step, checkpoint_every=every)
        assert_same(run(path, checkpoint_every=every), uninterrupted["torch"])


@pytest.mark.parametrize("kind", GENERATORS)
def test_any_kind_of_generator_is_taken_up_again(kind, tmp_path, uninterrupted):
    for step in (0, 7, 13):
        path = tmp_path / f"{step}.pt"
        with pytest.raises(Killed):
            run(path, stop_at=step, checkpoint_every=3, kind=kind)
        assert_same(run(path, checkpoint_every=3, kind=kind), uninterrupted[kind])


def test_adam_is_taken_up_again(tmp_path):
    with pytest.raises(Killed):
        run(tmp_path / "run.pt", stop_at=8, checkpoint_every=3, optimiser="Adam")
    assert_same(
        run(tmp_path / "run.pt", checkpoint_every=3, optimiser="Adam"), run(optimiser="Adam")
    )


def test_the_same_model_can_be_given_again_after_the_interruption(tmp_path, uninterrupted):
    # In a notebook the cell is run again: model, optimiser and generator are where they were left.
    started, generator = start(), GENERATORS["torch"]()
    for step in (2, 9):
        with pytest.raises(Killed):
            run(tmp_path / "run.pt", stop_at=step, started=started, generator=generator)
    result = run(tmp_path / "run.pt", started=started, generator=generator)
    assert_same(result, uninterrupted["torch"])


def test_a_run_may_be_stopped_many_times(tmp_path, uninterrupted):
    for step in range(1, STEPS):
        with pytest.raises(Killed):
            run(tmp_path / "run.pt", stop_at=step, checkpoint_every=2)
    assert_same(run(tmp_path / "run.pt", checkpoint_every=2), uninterrupted["torch"])


@pytest.mark.parametrize("every", [25, 44, 50])
def test_more_epochs_can_be_asked_for(every, tmp_path):
    # With 25 the shorter run evaluates at its end, 88, where the longer one does not.
    path = tmp_path / "run.pt"
    run(path, epochs=2, evaluate_every=every)
    run(path, epochs=2, evaluate_every=every)
    result = run(path, epochs=4, evaluate_every=every)
    assert_same(result, run(epochs=4, evaluate_every=every))


def test_a_finished_run_returns_its_history_without_a_step(tmp_path, uninterrupted):
    path = tmp_path / "run.pt"
    first = run(path)
    before = path.read_bytes()
    result = run(path, stop_at=STEPS)
    assert_same(result, uninterrupted["torch"])
    assert path.read_bytes() == before
    for name in ("seconds_training", "seconds_evaluating"):
        assert getattr(result[2], name) == getattr(first[2], name) > 0
    assert_array_equal(result[2].eval_seconds, first[2].eval_seconds)


def test_seconds_go_on_from_those_of_the_first_part(tmp_path):
    path = tmp_path / "run.pt"
    with pytest.raises(Killed):
        run(path, stop_at=10, checkpoint_every=5)
    state = torch.load(path, weights_only=True)["state"]
    _, _, history, _ = run(path)
    assert history.seconds_training > state["seconds"][0] > 0
    assert (np.diff(history.eval_seconds) > 0).all()


def test_the_time_of_writing_is_neither_training_nor_evaluation(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(_run.time, "perf_counter", lambda: now[0])
    save = torch.save

    def slow(content, file):
        now[0] += 1000.0
        save(content, file)

    monkeypatch.setattr(_checkpoints.torch, "save", slow)
    _, _, history, _ = run(tmp_path / "run.pt")
    assert now[0] >= 3000 and history.seconds_training == history.seconds_evaluating == 0


CHILD = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import torch
torch.set_num_threads(1)
import test_training_checkpoints as t
how, path, at = sys.argv[2], sys.argv[3], int(sys.argv[4])
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
steps = []
flip = t.flip
def augment(xb, generator):
    steps.append(len(xb))
    if how == "step" and len(steps) == at + 2:  # the first call is the trial
        die()
    return flip(xb, generator)
t.flip = augment
if how == "write":
    replace = os.replace
    writes = []
    def half(part, path):
        writes.append(path)
        if len(writes) == at:
            content = open(part, "rb").read()
            open(part, "wb").write(content[: len(content) // 2])
            die()
        replace(part, path)
    os.replace = half
t.run(path, checkpoint_every=2)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a system with SIGKILL")
@pytest.mark.parametrize("how", ["step", "write"])
def test_a_process_killed_without_warning_is_taken_up_again(how, tmp_path, uninterrupted):
    at = random.randint(1, STEPS - 1) if how == "step" else random.randint(2, STEPS // 2)
    path, here = tmp_path / "run.pt", os.path.dirname(__file__)
    command = [sys.executable, "-c", CHILD, here, how, str(path), str(at)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert child.returncode == -signal.SIGKILL, child.stderr
    result = run(path, checkpoint_every=2)
    print("killed at", how, at)  # shown if the test fails
    assert_same(result, uninterrupted["torch"])
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


# Each changes one thing that a run cannot go on with.
OTHER = {
    "model was .*3.*, now it is .*": {"started": lambda: start(width=5)},
    "optimiser was 'SGD', now it is 'Adam'": {"started": lambda: start(optimiser="Adam")},
    "optimiser's groups was .*'momentum': 0.9.*now it is .*'momentum': 0.5": {
        "started": lambda: with_momentum(0.5)
    },
    "batch was 10, now it is 11": {"batch": 11},
    "label_smoothing was 0.1, now it is 0.2": {"label_smoothing": 0.2},
    "precision was 'float32', now it is 'bfloat16'": {"precision": "bfloat16"},
    "loss was 'cross_entropy', now it is 'sum_of_squares'": {"loss": lambda: sum_of_squares},
    "evaluate_every was 25, now it is 30": {"evaluate_every": 30},
    "rows was 44, now it is 43": {"data": tuple(part[:43] for part in pictures())},
    "data was .*now it is": {"data": pictures(9)},
    "evaluate_on was .*now it is": {"evaluate_on": {}},
    "schedule was True, now it is False|optimiser's groups": {"schedule": None},
    "generator was 'torch.Generator on cpu', now it is 'numpy PCG64'": {"kind": "numpy"},
    "has seen 132 samples, more than the 88": {"epochs": 2},
}


def with_momentum(momentum):
    model, _ = start()
    return model, torch.optim.SGD(model.parameters(), lr=0.05, momentum=momentum, nesterov=True)


def sum_of_squares(output, y, label_smoothing=0.0):
    return (output**2).sum(1).mean()


@pytest.mark.parametrize("message", OTHER)
def test_a_checkpoint_of_another_run_is_refused_and_nothing_changes(message, tmp_path):
    path = tmp_path / "run.pt"
    run(path)
    content = path.read_bytes()
    change = {k: v() if callable(v) else v for k, v in OTHER[message].items()}
    started = change.pop("started", None) or start()
    before = {k: v.clone() for k, v in started[0].state_dict().items()}
    with pytest.raises(ValueError, match=message) as raised:
        run(path, started=started, **change)
    assert str(path) in str(raised.value)
    assert path.read_bytes() == content
    assert all(torch.equal(v, before[k]) for k, v in started[0].state_dict().items())
    assert started[1].state_dict()["state"] == {}


def damaged(content):
    yield "empty", b""
    yield "cut off", content[: len(content) // 2]
    yield "text", b"not a checkpoint\n" * 100
    middle = content.index(b"data/1") + 2000
    yield "one bit", content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def test_a_damaged_file_is_named_and_left_alone(tmp_path):
    path = tmp_path / "run.pt"
    run(path)
    for kind, content in damaged(path.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"checkpoint .*run\.pt is damaged or no checkpoint"):
            run(path)
        assert path.read_bytes() == content, kind


def test_files_of_torch_that_hold_something_else_are_refused(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save(start()[0].state_dict(), path)
    with pytest.raises(ValueError, match=r"weights\.pt is no checkpoint of train"):
        run(path)
    torch.save(start()[0], path)  # a whole module: reading it would run its code
    with pytest.raises(ValueError, match=r"weights\.pt is damaged or no checkpoint"):
        run(path)


def test_places_that_cannot_be_written_are_named_before_the_first_step(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for path, kind, words in (
        (tmp_path / "nowhere" / "run.pt", FileNotFoundError, "needs the folder .*nowhere"),
        (tmp_path / "file" / "run.pt", FileNotFoundError, "needs the folder .*file"),
        (tmp_path, IsADirectoryError, "must be a file, got the folder"),
    ):
        with pytest.raises(kind, match=words):
            run(path, stop_at=0)
    monkeypatch.setattr(_checkpoints.os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(PermissionError, match="cannot write in the folder"):
        run(tmp_path / "run.pt", stop_at=0)


@pytest.mark.parametrize("error", [OSError(28, "No space left"), RuntimeError("unexpected pos")])
def test_a_disk_that_fills_up_leaves_the_last_good_checkpoint(
    error, tmp_path, monkeypatch, uninterrupted
):
    path = tmp_path / "run.pt"
    with pytest.raises(Killed):
        run(path, stop_at=8, checkpoint_every=4)
    content = path.read_bytes()

    def full(content, file):
        file.write(b"half of it")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(_checkpoints.torch, "save", full)
        with pytest.raises(OSError, match=r"checkpoint .*run\.pt cannot be written"):
            run(path, checkpoint_every=4)
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]
    assert_same(run(path, checkpoint_every=4), uninterrupted["torch"])


def test_a_diverged_state_does_not_replace_a_good_one(tmp_path):
    path = tmp_path / "run.pt"

    def steep(output, y, label_smoothing=0.0):
        return 1e4 * nn.functional.cross_entropy(output, y)

    rates = {"schedule": lambda t: 1e-6 if t < 7 else 1e38, "loss": steep, "checkpoint_every": 1}
    _, _, history, _ = run(path, **rates)
    assert history.stopped and not np.isfinite(history.losses[-1])
    state = torch.load(path, weights_only=True)["state"]
    # The eighth step blows the weights up, the ninth loss shows it; the file has the seventh.
    assert len(history.losses) == 9 and state["samples"] == history.samples[6]
    assert all(torch.isfinite(v).all() for v in state["model"].values())
    _, _, again, _ = run(path, **rates)
    assert again.stopped == history.stopped
    assert_array_equal(again.losses, history.losses)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"checkpoint_every": 2}, "checkpoint_every needs a checkpoint, got 2 without one"),
        ({"path": "x.pt", "checkpoint_every": 0}, "checkpoint_every must be at least 1, got 0"),
        ({"path": 3}, "checkpoint must be a path, got 3"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        run(**options)
