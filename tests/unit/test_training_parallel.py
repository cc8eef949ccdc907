"""train() under torchrun: two processes on the CPU must do what one does."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.distributed as dist
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from gdutils import _parallel, training
from gdutils.training import half_mean_squared_error, train

PROCESSES = 2


def table(n=60, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, X @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=n)


class WithSpare(nn.Module):
    """A small network and a parameter that the output does not use."""

    def __init__(self, normaliser=None):
        super().__init__()
        middle = nn.Identity() if normaliser is None else normaliser(4)
        self.layers = nn.Sequential(nn.Linear(3, 4), middle, nn.Tanh(), nn.Linear(4, 1))
        self.spare = nn.Parameter(torch.ones(2))

    def forward(self, x):
        return self.layers(x)


def noisy(xb, generator):
    return xb + 0.1 * torch.randn(xb.shape, generator=generator, dtype=xb.dtype)


def run(rank=0, *, model=None, seed=0, n=60, **options):
    """Train with momentum and weight decay; every process starts from weights of its own."""
    torch.manual_seed(seed + 100 * rank)
    model = (WithSpare() if model is None else model).double()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01)
    options = {
        "loss": half_mean_squared_error,
        "batch": 10,
        "epochs": 2,
        "generator": torch.Generator().manual_seed(1 + rank),
        "evaluate_on": {"training": table(n), "single": table(1)},
        "device": "cpu",
        "progress": False,
    } | options
    history = train(model, table(n), optimiser=optimiser, **options)
    return {
        "state": {name: value.tolist() for name, value in model.state_dict().items()},
        "losses": history.losses.tolist(),
        "eval_losses": {k: v.tolist() for k, v in history.eval_losses.items()},
        "eval_samples": history.eval_samples.tolist(),
        "samples": history.samples.tolist(),
        "accuracies": {k: v.tolist() for k, v in history.eval_accuracies.items()},
        "stopped": history.stopped,
    }


def classes(rank):
    """Three classes; a single row to evaluate, which one of two processes does not see."""
    torch.manual_seed(rank)
    model = nn.Linear(3, 3, dtype=torch.float64)
    X, y = table(61)[0], np.arange(61) % 3
    history = train(
        model,
        (X, y),
        loss=nn.functional.cross_entropy,
        label_smoothing=0.1,
        optimiser=torch.optim.SGD(model.parameters(), lr=0.1),
        batch=12,
        epochs=1,
        generator=np.random.default_rng(0),
        evaluate_on={"training": (X, y), "single": (X[:1], y[:1])},
        progress=False,
        device="cpu",
    )
    return {
        "state": {name: value.tolist() for name, value in model.state_dict().items()},
        "losses": history.losses.tolist(),
        "accuracies": {k: v.tolist() for k, v in history.eval_accuracies.items()},
    }


def interrupted(rank, folder):
    """A run that is stopped at the ninth step and started again from its checkpoint."""

    def schedule(t):
        if t == 8 and not again:
            raise KeyboardInterrupt
        return 0.05

    path, again = os.path.join(folder, f"run-{dist.is_initialized()}.pt"), False
    try:
        run(rank, checkpoint=path, checkpoint_every=3, schedule=schedule)
    except KeyboardInterrupt:
        again = True
    return run(rank, checkpoint=path, checkpoint_every=3, schedule=schedule)


def refused(rank, folder):
    """The message for a checkpoint that only the first process looks at."""
    path = os.path.join(folder, "other.pt")
    if rank == 0:
        with open(path, "wb") as file:
            file.write(b"no checkpoint")
    try:
        run(rank, checkpoint=path)
    except ValueError as error:
        return str(error)


def single_row(rank, folder):
    """Batches of three give one process two rows and the other one."""
    try:
        run(rank, model=WithSpare(nn.BatchNorm1d), batch=3)
    except ValueError as error:
        return str(error)


CASES = {
    "equal shares": lambda rank, folder: run(rank),
    "unequal shares": lambda rank, folder: run(rank, batch=7),
    "a last batch of one row": lambda rank, folder: run(rank, n=61),
    "one row a batch": lambda rank, folder: run(rank, batch=1, epochs=1, n=20),
    "augmentation": lambda rank, folder: run(rank, augment=noisy),
    "an order from the global generator": lambda rank, folder: run(rank, generator=None),
    "checkpoint": interrupted,
    "classes": lambda rank, folder: classes(rank),
    "diverges": lambda rank, folder: run(rank, schedule=lambda t: 1e200),
    "normalisation": lambda rank, folder: run(rank, model=WithSpare(nn.BatchNorm1d)),
    "refused": refused,
    "single row": single_row,
    "bar": lambda rank, folder: run(rank, progress=True, epochs=1)["losses"],
}


def main(folder):
    torch.set_num_threads(1)
    rank = int(os.environ.get("RANK", 0))
    results = {name: case(rank, folder) for name, case in CASES.items()}
    with open(os.path.join(folder, f"{rank}.json"), "w", encoding="utf-8") as file:
        json.dump(results, file)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return what one process finds, then what each of two finds, and what they said."""
    if not dist.is_available():
        pytest.skip("needs torch.distributed")
    folder = tmp_path_factory.mktemp("parallel")
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={PROCESSES}"]
    launched = subprocess.run(
        [sys.executable, *launcher, __file__, str(folder)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert launched.returncode == 0, launched.stderr
    team = [json.loads((folder / f"{rank}.json").read_text()) for rank in range(PROCESSES)]
    alone = {name: case(0, str(folder)) for name, case in CASES.items()}
    return alone, team, launched.stderr, sorted(path.name for path in folder.glob("*.pt*"))


SAME_AS_ONE = [
    "equal shares",
    "unequal shares",
    "a last batch of one row",
    "one row a batch",
    "augmentation",
    "checkpoint",
    "classes",
]


def assert_close(got, wanted):
    assert got.keys() == wanted.keys()
    for key, value in wanted.items():
        if isinstance(value, dict):
            assert_close(got[key], value)
        elif isinstance(value, list):
            # The sums of a batch are taken in another order.
            assert_allclose(got[key], value, rtol=1e-10, atol=1e-12, err_msg=key)
        else:
            assert got[key] == value


@pytest.mark.parametrize("case", SAME_AS_ONE)
def test_two_processes_take_the_steps_of_one(case, results):
    alone, team, _, _ = results
    for found in team:
        assert_close(found[case], alone[case])


def test_all_processes_hold_the_same_weights_to_the_last_digit(results):
    _, (first, second), _, _ = results
    for case in CASES:
        assert first[case] == second[case], case


def test_a_parameter_without_a_gradient_is_passed_over(results):
    # Weight decay would shrink it, were its gradient zero instead of missing.
    _, team, _, _ = results
    assert team[1]["equal shares"]["state"]["spare"] == [1, 1]


def test_without_a_generator_all_processes_still_share_the_batches(results):
    _, (first, second), _, _ = results
    case = "an order from the global generator"
    assert first[case]["losses"] == second[case]["losses"]
    assert first[case]["losses"][-1] < first[case]["losses"][0]


def test_all_processes_stop_when_the_loss_blows_up(results):
    alone, team, _, _ = results
    assert alone["diverges"]["stopped"]
    for found in team:
        assert found["diverges"]["stopped"] == alone["diverges"]["stopped"]


def test_running_statistics_are_averaged_and_close_to_those_of_one_process(results):
    alone, (first, second), _, _ = results
    case, name = "normalisation", "layers.1.running_mean"
    assert first[case]["state"] == second[case]["state"]
    # The mean of the halves' means is the batch's, while the networks differ a little.
    assert_allclose(first[case]["state"][name], alone[case]["state"][name], atol=0.1)
    assert first[case]["state"]["layers.1.num_batches_tracked"] == 12


def test_an_error_of_the_first_process_is_raised_by_all(results):
    _, team, _, _ = results
    assert all("other.pt is damaged or no checkpoint" in found["refused"] for found in team)


def test_shares_of_one_row_are_refused_where_batch_normalisation_cannot_take_them(results):
    alone, team, _, _ = results
    assert alone["single row"] is None
    assert all("1 row for one of 2 processes" in found["single row"] for found in team)


def test_only_the_first_process_shows_a_bar_and_writes(results):
    _, _, said, files = results
    assert said.count("  0%|") == 1
    assert files == ["other.pt", "run-False.pt", "run-True.pt"]


def test_each_process_is_given_a_gpu_of_its_own(monkeypatch):
    for name, value in {"RANK": 3, "LOCAL_RANK": 1, "WORLD_SIZE": 4, "LOCAL_WORLD_SIZE": 2}.items():
        monkeypatch.setenv(name, str(value))
    for gpus, wanted in ((0, "cpu"), (1, "cpu"), (2, "cuda:1"), (8, "cuda:1")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda gpus=gpus: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda gpus=gpus: gpus)
        assert str(training._arguments.find_device("auto")) == wanted
        assert str(training._arguments.find_device("cpu")) == "cpu"
        if gpus >= 2:
            assert str(training._arguments.find_device("cuda")) == wanted
        for device in ["cuda:0"] + ["cuda"] * (gpus < 2):
            with pytest.raises(ValueError, match=f"for 2 processes and {gpus} GPUs"):
                training._arguments.find_device(device)


def test_a_process_that_nobody_else_joins_is_alone(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setenv("WORLD_SIZE", "4")  # left over from somewhere
    assert _parallel.join(torch.device("cpu")) is None
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert _parallel.join(torch.device("cpu")) is None
    assert_array_equal(dist.is_initialized(), False)


if __name__ == "__main__":
    main(sys.argv[1])
