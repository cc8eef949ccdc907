"""The benchmarks run, say what they should, and compare things that do the same work."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from benchmarks import airfoil_epoch, grading, input_pipeline, sidebyside, time_to_accuracy
from gdutils.data import fashion_mnist

ROOT = Path(__file__).resolve().parents[1]


def test_a_quick_run_prints_a_table_and_writes_json(tmp_path):
    out = tmp_path / "results.json"
    names = ["airfoil", "pipeline", "accuracy", "grading"]  # not the site: it takes a minute
    command = [sys.executable, "-m", "benchmarks", "--quick", "--out", str(out), "--only", *names]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr
    result = json.loads(out.read_text(encoding="utf-8"))
    assert {"processor", "cores", "torch", "date"} <= result["machine"].keys()
    assert len(result["rows"]) == 11
    for row in result["rows"]:
        assert row["task"] in run.stdout
    for row in result["rows"][:8]:
        assert math.isclose(row["ratio"], row["theirs_s"] / row["ours_s"])
        assert row.get("best_s", 1) > 0
    for row in result["rows"][8:10]:
        operations = row["operations_per_image"] * row["images_per_s"]
        assert math.isclose(row["share"], operations / row["peak_per_s"])
    assert result["rows"][10]["seconds"] > 0


def test_operations_of_training_are_those_of_the_shapes():
    # A convolution 1 -> 2, 3 by 3, that keeps 4 by 4 places, and a product 32 -> 3.
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(32, 3)
    )
    row = time_to_accuracy.share("tiny", model, side=4, speed=10.0, peak=1000.0)
    convolution, product = 2 * 16 * 9 * 2, 2 * 32 * 3
    # Forwards once; backwards once for the weights and, save in the first layer, for the inputs.
    assert row["operations_per_image"] == 2 * convolution + 3 * product
    assert math.isclose(row["share"], row["operations_per_image"] * 10 / 1000)


def test_the_memory_of_a_process_counts_that_of_its_children():
    child = "import time; x = bytearray(100 * 2**20); print(flush=True); time.sleep(60)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        peak = grading.Peak(process.pid)
        time.sleep(0.5)
        assert 100 * 2**20 < peak.stop() < 300 * 2**20
        pids = [p.name for p in Path(f"/proc/{process.pid}/task").iterdir()]
        for pid in pids:
            children = Path(f"/proc/{process.pid}/task/{pid}/children").read_text().split()
            for one in children:
                os.kill(int(one), signal.SIGKILL)


def test_recorded_results_name_their_hardware_and_were_not_quick():
    for path in sorted((ROOT / "benchmarks").glob("recorded*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        assert result["machine"]["processor"] and not result["stand_in_data"], path.name
        assert "--quick" not in result["command"], path.name


def test_contenders_take_turns(monkeypatch):
    calls, now = [], [0.0]
    monkeypatch.setattr(sidebyside.time, "perf_counter", lambda: now[0])

    def work(name, seconds):
        calls.append(name)
        now[0] += seconds.pop(0)

    a, b = [9.0, 1.0, 5.0, 2.0], [9.0, 3.0, 4.0, 4.0]
    medians = sidebyside.compare({"a": lambda: work("a", a), "b": lambda: work("b", b)}, rounds=3)
    assert calls == ["a", "b"] * 4
    assert medians == {"a": 2.0, "b": 4.0}


def test_all_three_airfoil_loops_train_the_same_model():
    X, y = airfoil_epoch.standardised()
    weights = []
    # One batch of all rows, so that no order of the rows can make a difference.
    for train in (
        airfoil_epoch.ours,
        airfoil_epoch.theirs,
        lambda *rest: airfoil_epoch.theirs(*rest, by_batch=True),
    ):
        torch.manual_seed(0)
        model = train(X[:100], y[:100], 100)
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert_close(weights[1], weights[0])
    assert_close(weights[2], weights[0])


@pytest.mark.parametrize("side", [28, 96])
def test_both_pipelines_deliver_the_same_images(side):
    data, n = fashion_mnist(), 300
    images = torch.from_numpy(data.train_images[:n])[:, None]
    labels = torch.from_numpy(data.train_labels[:n])
    dataset = input_pipeline.PerImage(data, n, side)
    mine = list(input_pipeline.ours(images, labels, side, shuffle=False))
    others = list(input_pipeline.theirs(dataset, workers=0, shuffle=False))
    assert len(mine) == len(others) == 2
    for (x, y), (their_x, their_y) in zip(mine, others, strict=True):
        # Pillow rounds a resized image to whole grey levels, in each of its two passes.
        assert_close(x, their_x, rtol=0, atol=1.01 / 255)
        assert torch.equal(y, their_y)
        assert x.dtype == their_x.dtype == torch.float32
