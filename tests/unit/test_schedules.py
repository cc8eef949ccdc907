import math

import pytest
import torch
from numpy.testing import assert_allclose

from gdutils import schedules

EXAMPLES = {
    "constant": schedules.constant(0.1),
    "piecewise": schedules.piecewise([0.1, 0.05, 0.01], [3, 7]),
    "exponential": schedules.exponential(0.1, 0.1),
    "polynomial": schedules.polynomial(0.1, 0.1, 0.5),
    "cosine": schedules.cosine(0.1, steps=10, eta_min=0.01),
    "warmup": schedules.warmup(schedules.constant(0.1), steps=4),
    "one_cycle": schedules.one_cycle(0.1, steps=10),
}


@pytest.mark.parametrize("schedule", EXAMPLES.values(), ids=EXAMPLES)
def test_a_schedule_keeps_no_counter(schedule):
    forward = [schedule(t) for t in range(12)]
    assert [schedule(t) for t in reversed(range(12))] == forward[::-1]


@pytest.mark.parametrize("schedule", EXAMPLES.values(), ids=EXAMPLES)
def test_a_schedule_serves_torch_lambda_lr(schedule):
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, schedule)
    for t in range(12):
        assert_allclose(optimiser.param_groups[0]["lr"], schedule(t), rtol=1e-12)
        optimiser.step()
        scheduler.step()


def test_closed_forms():
    assert_allclose(EXAMPLES["exponential"](7), 0.1 * math.exp(-0.7))
    assert_allclose(EXAMPLES["polynomial"](30), 0.1 / math.sqrt(1 + 0.1 * 30))
    assert [EXAMPLES["piecewise"](t) for t in (2, 3, 6, 7)] == [0.1, 0.05, 0.05, 0.01]
    assert_allclose([EXAMPLES["cosine"](t) for t in (0, 5, 10, 99)], [0.1, 0.055, 0.01, 0.01])
    assert_allclose([EXAMPLES["one_cycle"](t) for t in (0, 2, 3, 10)], [0.1 / 3, 0.1, 0.1, 0])


def test_cosine_equals_torch():
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=10, eta_min=0.01)
    for t in range(11):
        assert_allclose(optimiser.param_groups[0]["lr"], EXAMPLES["cosine"](t), rtol=1e-12)
        optimiser.step()
        theirs.step()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.constant(0), "eta must be positive, got 0"),
        (lambda: schedules.exponential(0.1, -1), "rate must be zero or positive, got -1"),
        (lambda: schedules.polynomial(0.1, 0.1, math.nan), "power must be finite, got nan"),
        (lambda: schedules.piecewise([0.1], [3]), "one longer than milestones, got 1 .* and 1"),
        (lambda: schedules.piecewise([3, 2, 1], [7, 3]), r"increase strictly, got \[7, 3\]"),
        (lambda: schedules.piecewise([1, -2], [3]), r"values\[1\] must be positive, got -2"),
        (lambda: schedules.cosine(0.1, 0), "steps must be at least 1, got 0"),
        (lambda: schedules.cosine(0.1, 5, 0.2), "eta_min must be at most 0.1, got 0.2"),
        (lambda: schedules.warmup(0.1, 5), "schedule must be a function, got 0.1"),
        (lambda: schedules.one_cycle(0.1, 10, warm=1), "warm must be below 1, got 1"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
