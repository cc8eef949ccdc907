import math
import sys
import types

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from gdutils import schedules, training
from gdutils.data import minibatches
from gdutils.training import evaluate, half_mean_squared_error, train

CALM = {"loss": half_mean_squared_error, "device": "cpu", "progress": False}


def table(n=60, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, X @ [1.0, -2.0, 0.5] + 0.7 + 0.1 * rng.normal(size=n)


def linear(dtype=torch.float64):
    model = torch.nn.Linear(3, 1, dtype=dtype)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    return model


def run(model=None, data=None, lr=0.1, **options):
    model = linear() if model is None else model
    options = {"batch": 10, "epochs": 2, "generator": torch.Generator().manual_seed(1)} | options
    optimiser = torch.optim.SGD(model.parameters(), lr=lr)
    return model, train(
        model, table() if data is None else data, optimiser=optimiser, **CALM | options
    )


def by_hand(X, y, lr, batch, epochs, seed):
    """Minibatch descent on the half mean squared error in NumPy, the intercept last."""
    A = np.column_stack([X, np.ones(len(X))])
    w, generator = np.zeros(4), torch.Generator().manual_seed(seed)
    losses, t = [], 0
    for _ in range(epochs):
        for a, b in minibatches(A, y, batch=batch, generator=generator):
            residual = a @ w - b
            losses.append((residual**2).mean() / 2)
            w = w - (lr(t) if callable(lr) else lr) * a.T @ residual / len(b)
            t += 1
    return w, losses


def weights(model):
    return np.append(model.weight.detach().numpy(), model.bias.detach().numpy())


def test_train_takes_the_steps_of_minibatch_descent():
    model, history = run(batch=7)  # 60 rows: the last batch of an epoch has 4
    w, losses = by_hand(*table(), lr=0.1, batch=7, epochs=2, seed=1)
    assert_allclose(weights(model), w, rtol=1e-12)
    assert_allclose(history.losses, losses, rtol=1e-12)
    assert_array_equal(history.samples, [*range(7, 57, 7), 60, *range(67, 117, 7), 120])
    assert history.stopped is None and history.device == "cpu"


def test_a_schedule_sets_the_rate_of_every_step():
    schedule = schedules.exponential(0.2, 0.1)
    model, _ = run(schedule=schedule, batch=10)
    w, _ = by_hand(*table(), lr=schedule, batch=10, epochs=2, seed=1)
    assert_allclose(weights(model), w, rtol=1e-12)


def test_full_batches_reach_the_least_squares_optimum():
    X, y = table()
    model, history = run(batch=60, epochs=300, lr=0.5)
    best = np.linalg.lstsq(np.column_stack([X, np.ones(60)]), y, rcond=None)[0]
    assert_allclose(weights(model), best, rtol=1e-8)
    assert history.eval_losses["training"][-1] == evaluate(model, X, y, half_mean_squared_error)


# "Every 100 samples" as (i + 1) * b % 100 == 0 never holds for 64; counting samples always does.
@pytest.mark.parametrize(
    ("batch", "wanted"),
    [
        (1, [0, 100, 200, 300, 400, 500, 600]),
        (64, [0, 128, 256, 300, 428, 556, 600]),
        (150, [0, 150, 300, 450, 600]),
        (300, [0, 300, 600]),
    ],
)
def test_evaluations_come_by_samples_seen_whatever_the_batch(batch, wanted):
    _, history = run(data=table(300), batch=batch, lr=1e-3, evaluate_every=100)
    assert history.eval_samples.tolist() == wanted


def test_the_start_every_epoch_and_the_end_are_evaluated_by_default():
    _, history = run()
    assert history.eval_samples.tolist() == [0, 60, 120]
    _, history = run(evaluate_every=100)
    assert history.eval_samples.tolist() == [0, 100, 120]
    _, history = run(evaluate_on={})
    assert history.eval_losses == {}


def test_several_tables_are_evaluated_by_name():
    held_out = table(20, seed=9)
    model, history = run(evaluate_on={"training": table(), "held out": held_out})
    assert list(history.eval_losses) == ["training", "held out"]
    value = evaluate(model, *held_out, half_mean_squared_error)
    assert history.eval_losses["held out"][-1] == value


def test_evaluation_weights_a_partial_batch_by_its_rows(monkeypatch):
    model, _ = run()
    whole = evaluate(model, *table(), half_mean_squared_error)
    monkeypatch.setattr(training, "EVALUATION_BATCH", 7)
    assert_allclose(evaluate(model, *table(), half_mean_squared_error), whole, rtol=1e-12)


def test_evaluation_uses_and_restores_the_models_mode():
    model = torch.nn.Sequential(torch.nn.Dropout(0.9), linear())
    torch.nn.init.ones_(model[1].weight)
    values = {evaluate(model, *table(), half_mean_squared_error) for _ in range(3)}
    assert len(values) == 1 and model.training
    model.eval()
    evaluate(model, *table(), half_mean_squared_error)
    assert not model.training


def test_training_time_leaves_evaluation_out(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(training.time, "perf_counter", lambda: now[0])

    def slow_loss(prediction, y):
        now[0] += 1.0 if torch.is_grad_enabled() else 100.0
        return half_mean_squared_error(prediction, y)

    _, history = run(loss=slow_loss)  # 12 steps of 1 s, 3 evaluations of 100 s
    assert history.seconds_training == 12
    assert history.seconds_evaluating == 300
    assert history.eval_seconds.tolist() == [0, 6, 12]


def test_a_run_that_blows_up_stops_and_says_where():
    _, history = run(lr=1e200, epochs=50)
    assert not math.isfinite(history.losses[-1])
    assert np.isfinite(history.losses[:-1]).all()
    step = len(history.losses)
    assert step < 10
    assert f"step {step} is {history.losses[-1]}, at sample {10 * step}" in history.stopped
    assert history.eval_samples[-1] == 10 * step


def test_a_blow_up_in_the_very_last_step_is_not_missed():
    _, history = run(lr=1e200, epochs=1, batch=60)
    assert np.isfinite(history.losses).all()
    assert "'training' is inf, after sample 60" in history.stopped


def test_losses_read_now_and_then_are_cut_at_the_first_that_is_not_finite(monkeypatch):
    _, wanted = run(lr=1e200, epochs=5)
    original = training._Run.__init__

    def rarely(self, *arguments):
        original(self, *arguments)
        self.read_every = 4

    monkeypatch.setattr(training._Run, "__init__", rarely)
    _, history = run(lr=1e200, epochs=5)
    assert_array_equal(history.losses, wanted.losses)
    assert_array_equal(history.samples, wanted.samples)
    _, calm = run(epochs=3)
    assert len(calm.losses) == len(calm.samples) == 18


def test_numbers_take_the_precision_of_the_model_and_labels_become_classes():
    model, history = run(linear(torch.float32))
    assert model.weight.dtype == torch.float32 and history.losses[-1] < history.losses[0]
    classifier = torch.nn.Linear(3, 4)
    labels = np.arange(60, dtype=np.int32) % 4  # a type that cross_entropy itself refuses
    _, history = run(classifier, (table()[0], labels), loss=torch.nn.functional.cross_entropy)
    assert np.isfinite(history.losses).all()


def test_the_bar_is_off_unless_somebody_watches(capfd, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    run(progress=None)
    assert capfd.readouterr() == ("", "")
    run(progress=True)
    assert "samples/s" in capfd.readouterr().err


def test_a_notebook_is_told_from_a_script_that_imports_ipython(monkeypatch, capfd):
    shell = types.SimpleNamespace()
    fake = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", fake)
    assert not training._in_notebook()
    shell.kernel = "any"
    assert training._in_notebook()
    monkeypatch.setenv("TQDM_DISABLE", "1")
    run(progress=None)
    assert capfd.readouterr() == ("", "")


def test_half_mean_squared_error_refuses_to_broadcast():
    y = torch.arange(4.0)
    assert half_mean_squared_error(y[:, None] + 2, y) == half_mean_squared_error(y + 2, y) == 2
    with pytest.raises(ValueError, match=r"shape of y.*got \(4, 1\) and \(3, 1\)"):
        half_mean_squared_error(y[:, None], y[:3])


def with_nan(array, place):
    array = array.copy()
    array[place] = np.nan
    return array


X, Y = table()


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ((X, with_nan(Y, 7)), {}, r"y of data must be finite, got nan at \[7\]"),
        ((with_nan(X, (3, 1)), Y), {}, r"X of data must be finite, got nan at \[3, 1\]"),
        ((X, Y[:-1]), {}, r"same number of rows, got \[60, 59\]"),
        ((X[:0], Y[:0]), {}, "got an empty table"),
        (X, {}, "data must be a pair \\(X, y\\), got ndarray"),
        ((X, Y), {"batch": 0}, "batch must be at least 1, got 0"),
        ((X, Y), {"batch": 61}, "batch must be at most 60"),
        ((X, Y), {"epochs": 0}, "epochs must be at least 1, got 0"),
        ((X, Y), {"evaluate_every": 0}, "evaluate_every must be at least 1, got 0"),
        ((X, Y), {"evaluate_on": (X, Y)}, "evaluate_on must be a dict .* got tuple"),
        ((X, Y), {"evaluate_on": {"a": (X, with_nan(Y, 0))}}, r"y of evaluate_on\['a'\] must"),
        ((X, Y), {"device": "cuda:99"}, r"device must be 'auto' or one of \['cpu'.*got 'cuda:99'"),
        ((X, Y), {"device": "abacus"}, "device must be 'auto' or one of .*got 'abacus'"),
        ((X, Y), {"loss": "mse"}, "loss must be a function, got 'mse'"),
        ((X, Y), {"schedule": 0.1}, "schedule must be a function, got 0.1"),
        ((X, Y), {"schedule": lambda t: 1 - t}, r"schedule\(2\) must be zero or positive, got -1"),
        ((X, Y), {"generator": 3}, "generator must be a numpy.* got 3"),
        ((X, Y), {"loss": lambda p, y: p.squeeze() - y}, r"scalar, got shape \(10,\)"),
    ],
)
def test_bad_input_is_named(data, options, message):
    with pytest.raises(ValueError, match=message):
        run(data=data, **({"evaluate_on": {}} | options))


def test_labels_are_checked_before_the_first_step():
    model = linear()
    with pytest.raises(ValueError, match="must be finite"):
        run(model, data=(X, with_nan(Y, 59)))
    assert (weights(model) == 0).all()


def test_an_optimiser_of_another_model_is_refused():
    other = torch.optim.SGD(linear().parameters(), lr=0.1)
    with pytest.raises(ValueError, match="optimiser must hold parameters of the model"):
        train(linear(), table(), optimiser=other, batch=10, epochs=1, **CALM)
    with pytest.raises(ValueError, match=r"must be a torch\.optim\.Optimizer, got float"):
        train(linear(), table(), optimiser=0.1, batch=10, epochs=1, **CALM)
    with pytest.raises(ValueError, match=r"model must be a torch\.nn\.Module, got function"):
        train(lambda X: X, table(), optimiser=other, batch=10, epochs=1, **CALM)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_gpu_takes_the_same_steps_as_the_cpu():
    on_cpu, _ = run()
    on_gpu, history = run(device="cuda")
    assert history.device == "cuda" and on_gpu.weight.is_cuda
    assert_allclose(weights(on_gpu.cpu()), weights(on_cpu), rtol=1e-10)
