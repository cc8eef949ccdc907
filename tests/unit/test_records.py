import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import record
from gdutils import records
from gdutils.data import fashion_mnist

LIVE = ("lenet-batchnorm-scratch", "lenet-batchnorm-torch", "capstone")


def raw(name):
    return json.loads((record.RUNS / f"{name}.json").read_text(encoding="utf-8"))


def test_every_record_that_the_script_makes_is_there_and_no_other():
    assert records.names() == sorted(record.RECORDS)


@pytest.mark.parametrize("name", records.names())
def test_a_record_holds_what_the_script_would_run_today(name):
    made = raw(name)
    assert made["configuration"] == record.RECORDS[name]
    assert [run["seed"] for run in made["runs"]] == record.SEEDS
    assert made["hardware"] and made["date"] and made["command"].endswith(name)
    assert made["stand_in"] is False


@pytest.mark.parametrize("name", records.names())
def test_the_numbers_of_a_record_fit_each_other(name):
    configuration = records.load(name).configuration
    for run in records.load(name).runs:
        if run["stopped"]:
            continue
        epochs = configuration["epochs"]
        assert run["eval_samples"] == [55_000 * epoch for epoch in range(epochs + 1)]
        assert run["samples"][-1] == 55_000 * epochs
        assert len(run["losses"]) == len(run["samples"]) == records.BLOCKS
        # Accuracies are whole numbers of images.
        right = np.array([*run["validation"], 2 * run["test"]]) * 5000
        assert_allclose(right, np.round(right), atol=1e-6)
        assert run["eval_seconds"] == sorted(run["eval_seconds"])
        assert_allclose(run["eval_seconds"][-1], run["seconds_training"], atol=0.5)


@pytest.mark.parametrize("name", records.names())
def test_a_record_is_written_as_the_script_writes_it(name):
    text = (record.RUNS / f"{name}.json").read_text(encoding="utf-8")
    assert record.dumps(json.loads(text)) == text
    assert "NaN" not in text and "Infinity" not in text  # Python's, and not JSON


@pytest.mark.parametrize("name", LIVE)
def test_the_first_steps_of_a_record_can_be_repeated(name):
    images = fashion_mnist()
    if images.is_stand_in:
        pytest.skip("needs the real Fashion-MNIST")
    losses = records.first_losses(records.load(name).configuration, images, seed=1, steps=15)
    # Another processor adds numbers in another order; bfloat16 has three digits.
    assert_allclose(losses, records.load(name).runs[1]["first_losses"][:15], rtol=5e-3)


@pytest.mark.parametrize("rank", [0, 1])
def test_under_torchrun_all_processes_train_and_the_first_one_writes(tmp_path, monkeypatch, rank):
    trained = []

    def run(configuration, images, seed, device):
        trained.append(seed)
        return torch.nn.Linear(2, 1), {"seed": seed, "test": 0.5, "seconds_training": 1.0}

    monkeypatch.setattr(record, "RUNS", tmp_path)
    monkeypatch.setattr(records, "run", run)
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", "2")
    options = SimpleNamespace(threads=1, device="cpu")
    made = record.started("capstone", options)
    for seed in (1, 0, 1):
        record.record(made, seed, None, options)
    assert trained == [1, 0]  # a seed that is there is not made again
    assert [path.name for path in tmp_path.iterdir()] == ["capstone.json"] * (rank == 0)
    if rank == 0:
        written = json.loads((tmp_path / "capstone.json").read_text(encoding="utf-8"))
        assert [run["seed"] for run in written["runs"]] == [0, 1] and written["parameters"] == 3
        assert written["hardware"].startswith("2 processes, each on 1 core of ")
        assert record.started("capstone", options) == written  # it goes on from there


def test_a_run_that_diverges_leaves_a_record_that_any_reader_of_json_takes():
    images = fashion_mnist()
    few = {"train_images": 600, "train_labels": 600, "test_images": 50, "test_labels": 50}
    few = dataclasses.replace(images, **{key: getattr(images, key)[:n] for key, n in few.items()})
    plain = record.recipe(arguments=record.without(norm=None, zero_init=False), batch=50, epochs=3)
    plain["schedule_arguments"] = {"eta": 1e4, "warm": 0.1}
    _, result = records.run(plain, few, 0, device="cpu", progress=False)
    assert result["stopped"] and result["losses"][-1] is None and result["losses"][0] > 0
    assert len(result["losses"]) == len(result["samples"]) == result["samples"][-1] / 50
    json.dumps(result, allow_nan=False)


def test_another_seed_gives_other_first_steps():
    runs = records.load("capstone").runs
    assert abs(runs[0]["first_losses"][0] - runs[1]["first_losses"][0]) > 1e-3


def test_the_split_is_fixed_and_its_parts_do_not_meet():
    # Images that hold their own number, so that rows can be followed.
    n = 1200
    numbers = np.zeros((n, 28, 28), np.uint8)
    numbers[:, 0, 0], numbers[:, 0, 1] = np.divmod(np.arange(n), 256)
    labels = (np.arange(n) % 10).astype(np.uint8)
    images = dataclasses.replace(
        fashion_mnist(), train_images=numbers, train_labels=labels, test_images=numbers[:60]
    )
    training, validation, test = records.fashion_split(images)
    seen = [(256 * X[:, 0, 0].int() + X[:, 0, 1].int()).numpy() for X, _ in (training, validation)]
    assert_array_equal(np.sort(np.concatenate(seen)), np.arange(n))
    assert len(seen[1]) == 100 and len(test[0]) == 60
    for rows, (_, y) in zip(seen, (training, validation), strict=True):
        assert_array_equal(y, rows % 10)
    again = records.fashion_split(images)
    assert_array_equal(again[1][0], validation[0])


def test_the_interval_holds_the_mean_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(3.0, 2.0, size=(5, 20_000))
    mean, half_width = records.interval(draws, level=0.9)
    share = (abs(mean - 3.0) < half_width).mean()
    assert abs(share - 0.9) < 4 * np.sqrt(0.9 * 0.1 / 20_000)  # four standard errors


def test_the_interval_of_five_values_is_that_of_the_tables():
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    mean, half_width = records.interval(values)
    # 2.776 is the 97.5 per cent point of Student's t with four degrees of freedom.
    assert mean == 3.0
    assert_allclose(half_width, 2.776 * np.sqrt(2.5 / 5), rtol=1e-3)


@pytest.mark.parametrize("values", [[], [0.9], 0.9, [0.9, np.nan]])
def test_no_interval_from_fewer_than_two_numbers(values):
    with pytest.raises(ValueError, match="values must"):
        records.interval(values)


def test_an_unknown_record_is_named_with_those_there_are():
    with pytest.raises(ValueError, match=r"one of .*capstone.*got 'capstoen'"):
        records.load("capstoen")
    with pytest.raises(ValueError, match="a record is one of"):
        records.load("../registry")


@pytest.mark.parametrize("text", ["", '{"name": "cut"', '{"name": "cut"}'])
def test_a_cut_off_record_is_named(tmp_path, monkeypatch, text):
    (tmp_path / "cut.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(records, "_FOLDERS", (tmp_path,))
    with pytest.raises(ValueError, match=r"cut\.json is not a whole record"):
        records.load("cut")


def test_array_names_the_entries_there_are():
    with pytest.raises(ValueError, match=r"must be one of .*validation"):
        records.load("capstone").array("accuracy")
    assert records.load("capstone").array("validation").ndim == 2


def test_weight_decay_leaves_scales_and_biases_alone():
    _, optimiser, _ = records.build(record.RECORDS["capstone"], 55_000)
    weights, others = optimiser.param_groups
    assert weights["weight_decay"] > 0 and others["weight_decay"] == 0
    assert all(p.ndim > 1 for p in weights["params"]) and all(p.ndim == 1 for p in others["params"])


def test_a_schedule_ends_with_the_last_step():
    configuration = record.RECORDS["capstone"]
    _, _, schedule = records.build(configuration, 55_000)
    last = configuration["epochs"] * -(-55_000 // configuration["batch"])
    assert schedule(last) == 0.0 and schedule(last - 1) > 0
