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
    "shifted": schedules.shifted(schedules.exponential(0.1, 0.1), by=2),
    "chained": schedules.chained([schedules.constant(0.1), schedules.cosine(0.1, 5)], [4]),
    "composed": schedules.warmup(
        schedules.chained(
            [schedules.cosine(0.1, 4, 0.05), schedules.shifted(schedules.exponential(0.1, 0.5), 1)],
            [4],
        ),
        steps=3,
    ),
}


@pytest.mark.parametrize("schedule", EXAMPLES.values(), ids=EXAMPLES)
def test_a_schedule_keeps_no_counter(schedule):
    forward = [schedule(t) for t in range(12)]
    assert [schedule(t) for t in reversed(range(12))] == forward[::-1]


@pytest.mark.parametrize("schedule", EXAMPLES.values(), ids=EXAMPLES)
@pytest.mark.parametrize("base", [1.0, 0.1, 0.3])
def test_a_schedule_serves_torch_lambda_lr_whatever_the_base_rate(schedule, base):
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    factor = schedules.as_factor(schedule, base)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
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


def test_the_counter_of_the_source_documents_is_a_shift_by_two():
    counter = 1
    rates = []
    for _ in range(5):
        counter += 1
        rates.append(0.1 * math.exp(-0.1 * counter))
    assert_allclose([EXAMPLES["shifted"](t) for t in range(5)], rates)


def test_every_piece_of_a_chain_starts_at_its_own_step_zero():
    pieces = [schedules.polynomial(0.1 * k, 0.5, 1) for k in (1, 2, 3)]
    schedule = schedules.chained(pieces, [3, 7])
    expected = [pieces[0](2), pieces[1](0), pieces[1](3), pieces[2](0), pieces[2](5)]
    assert [schedule(t) for t in (2, 3, 6, 7, 12)] == expected


def test_a_chain_of_constants_is_piecewise():
    chain = schedules.chained([schedules.constant(eta) for eta in (0.1, 0.05, 0.01)], [3, 7])
    assert [chain(t) for t in range(12)] == [EXAMPLES["piecewise"](t) for t in range(12)]


def test_schedules_compose():
    schedule = EXAMPLES["composed"]
    assert_allclose([schedule(t) for t in (0, 2, 3)], [0.1 / 3, 0.1, 0.1])
    assert_allclose([schedule(t) for t in (5, 7)], [0.075, 0.1 * math.exp(-0.5)])


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("constant", {"eta": 0.1}),
        ("piecewise", {"values": [0.1, 0.05, 0.01], "milestones": [3, 7]}),
        ("exponential", {"eta": 0.1, "rate": 0.1}),
        ("polynomial", {"eta": 0.1, "rate": 0.1, "power": 0.5}),
        ("cosine", {"eta": 0.1, "steps": 10, "eta_min": 0.01}),
        ("warmup", {"schedule": schedules.constant(0.1), "steps": 4}),
        ("one_cycle", {"eta": 0.1, "steps": 10}),
    ],
)
def test_a_schedule_can_be_chosen_by_name(name, parameters):
    chosen = schedules.by_name(name, **parameters)
    assert [chosen(t) for t in range(12)] == [EXAMPLES[name](t) for t in range(12)]


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
        (lambda: schedules.shifted(0.1, 2), "schedule must be a function, got 0.1"),
        (lambda: schedules.shifted(EXAMPLES["cosine"], -1), "by must be at least 0, got -1"),
        (lambda: schedules.chained([0.1], []), r"schedules\[0\] must be a function, got 0.1"),
        (lambda: schedules.chained([], []), "longer than milestones, got 0 schedules and 0"),
        (
            lambda: schedules.chained([EXAMPLES["cosine"]] * 3, [7, 7]),
            r"increase strictly, got \[7, 7\]",
        ),
        (lambda: schedules.as_factor(EXAMPLES["cosine"], 0), "base must be positive, got 0"),
        (
            lambda: schedules.by_name("step"),
            "one of constant, cosine, .*, piecewise, polynomial, warmup, got 'step'",
        ),
        (
            lambda: schedules.by_name("cosine", eta=0.1),
            r"cosine takes \(eta, steps, eta_min=0.0\), got .*: missing .* 'steps'",
        ),
        (
            lambda: schedules.by_name("constant", rate=1),
            r"constant takes \(eta\), got \{'rate': 1\}",
        ),
        (lambda: schedules.by_name("constant", eta=-1), "eta must be positive, got -1"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
