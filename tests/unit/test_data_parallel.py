"""The script that chapter 8 runs: several processes must find the weights of one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from gdutils.data import airfoil, minibatches

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "data_parallel.py"


def weights(folder, processes, *options):
    """Run the script, under torchrun for more than one process; return intercept and slopes."""
    out = folder / f"{processes}.json"
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(launcher if processes > 1 else []), str(SCRIPT), *options]
    run = subprocess.run(
        [*command, "--out", str(out)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(out.read_text(encoding="utf-8"))
    assert result["processes"] == processes
    return np.array([result["bias"], *result["weights"]])


def by_hand(batch, epochs, lr=0.05, seed=0):
    table = airfoil()
    X, y = ((a - a.mean(0)) / a.std(0) for a in (table.X, table.y))
    A = np.column_stack([np.ones(1500), X[:1500]])
    w, generator = np.zeros(6), torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for a, b in minibatches(A, y[:1500], batch=batch, generator=generator):
            w = w - lr * a.T @ (a @ w - b) / len(b)
    return w


# Batches of 10 fall into equal halves; of 7, into 4 and 3, and the last of an epoch has 2 rows.
@pytest.mark.parametrize("batch", [10, 7])
def test_two_processes_find_the_weights_of_one(batch, tmp_path):
    options = ("--epochs", "2", "--batch", str(batch))
    one = weights(tmp_path, 1, *options)
    assert_allclose(one, by_hand(batch, epochs=2), rtol=1e-10)
    assert_allclose(weights(tmp_path, 2, *options), one, rtol=0, atol=1e-6)


def test_a_process_without_rows_of_its_own_still_takes_part(tmp_path):
    options = ("--epochs", "1", "--batch", "1", "--lr", "0.005")
    two = weights(tmp_path, 2, *options)
    assert_allclose(two, by_hand(1, epochs=1, lr=0.005), rtol=0, atol=1e-6)
