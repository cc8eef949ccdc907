"""The paths of train() for an accelerator, walked with a GPU that is pretended."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch import nn

from gdutils import _run, images
from gdutils.training import train


class Pretended:
    """Says that there is a GPU; what is sent there stays where it is and is noted down."""

    def __init__(self, patch):
        self.moved, self.waits, self.states = [], 0, []
        original = torch.Tensor.to

        def to(tensor, *args, **options):
            there = [self.is_gpu(a) for a in args] + [self.is_gpu(options.get("device"))]
            if any(there):
                self.moved.append(tuple(tensor.shape))
            args = [torch.device("cpu") if self.is_gpu(a) else a for a in args]
            if self.is_gpu(options.get("device")):
                options["device"] = torch.device("cpu")
            return original(tensor, *args, **options)

        patch.setattr(torch.Tensor, "to", to)
        patch.setattr(torch.cuda, "is_available", lambda: True)
        patch.setattr(torch.cuda, "device_count", lambda: 1)
        patch.setattr(torch.cuda, "synchronize", self.wait)
        patch.setattr(
            torch.cuda, "get_rng_state", lambda device: torch.arange(3, dtype=torch.uint8)
        )
        patch.setattr(torch.cuda, "set_rng_state", lambda state, device: self.states.append(state))

    @staticmethod
    def is_gpu(value):
        return isinstance(value, (str, torch.device)) and str(value).startswith("cuda")

    def wait(self, device):
        self.waits += 1


@pytest.fixture
def gpu(monkeypatch):
    return Pretended(monkeypatch)


def run(device="auto", **options):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 256, (120, 6, 6), dtype=np.uint8), np.arange(120) % 3
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    options = {"batch": 8, "epochs": 8, "augment": images.flip} | options
    return train(
        model,
        (X, y),
        loss=nn.functional.cross_entropy,
        optimiser=torch.optim.SGD(model.parameters(), lr=0.1),
        generator=torch.Generator().manual_seed(0),
        prepare=images.standardise,
        device=device,
        progress=False,
        **options,
    )


def test_a_gpu_is_chosen_where_there_is_one(gpu):
    assert run().device == "cuda"
    assert run(device="cuda:0").device == "cuda:0"
    assert run(device="cpu").device == "cpu"
    with pytest.raises(ValueError, match=r"one of \['cpu', 'cuda', 'cuda:0'\] here, got 'cuda:1'"):
        run(device="cuda:1")


def test_the_data_are_moved_once_and_afterwards_only_random_numbers(gpu):
    run()
    assert gpu.moved.count((120, 6, 6)) == 1 and gpu.moved.count((120,)) == 1
    pictures = [shape for shape in gpu.moved if len(shape) > 2]
    assert pictures == [(120, 6, 6)]


def test_losses_are_read_fifty_steps_at_a_time(gpu, monkeypatch):
    reads = []
    original = _run.Run.read_losses

    def counting(self):
        reads.append(len(self.unread))
        original(self)

    monkeypatch.setattr(_run.Run, "read_losses", counting)
    history = run(evaluate_on={}, evaluate_every=10**6)  # 8 epochs of 15 steps
    assert reads == [50, 50, 20]
    with monkeypatch.context() as patch:
        patch.setattr(_run, "STEPS_BETWEEN_READS", 1)
        assert_array_equal(run(evaluate_on={}).losses, history.losses)
    assert_array_equal(run("cpu").losses, history.losses)


def test_clocks_wait_for_the_device(gpu):
    history = run(epochs=3)
    assert gpu.waits >= 2 * len(history.eval_samples)


def test_a_checkpoint_keeps_the_random_state_of_the_gpu(gpu, tmp_path):
    path = tmp_path / "run.pt"
    first = run(epochs=2, checkpoint=path, checkpoint_every=20)
    assert gpu.states == []
    again = run(epochs=4, checkpoint=path, checkpoint_every=20)
    assert [state.tolist() for state in gpu.states] == [[0, 1, 2]]
    assert_array_equal(again.losses[: len(first.losses)], first.losses)
    assert_array_equal(again.losses, run(epochs=4).losses)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_run_on_a_real_gpu_is_taken_up_again(tmp_path):
    path = tmp_path / "run.pt"
    run("cuda", epochs=2, checkpoint=path)
    history = run("cuda", epochs=4, checkpoint=path)
    np.testing.assert_allclose(history.losses, run("cuda", epochs=4).losses, rtol=1e-4)
    assert history.device == "cuda"
