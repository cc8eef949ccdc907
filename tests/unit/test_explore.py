import numpy as np
import pytest

from gdutils.explore import Explorer, Panel, Slider, explore

PANEL = Panel("step", "error")
RATES = Slider([0.1, 0.2, 0.5], "rate", start=0.2)


def curve(eta):
    t = np.arange(5.0)
    return {"error": (t, (1 - eta) ** t), "zero": (t, 0 * t)}, f"rate {eta}"


def make(curves=curve, **changes):
    arguments = {"title": "Rate and error", "panels": PANEL, "eta": RATES} | changes
    return explore(curves, **arguments)


def arrays(explorer):
    """Read the pool as the browser does."""
    ends = np.cumsum(explorer.spec["lengths"])
    return np.split(np.frombuffer(explorer.data, "<f4"), ends[:-1])


def test_the_browser_gets_every_curve_at_every_position():
    explorer = make()
    pool = arrays(explorer)
    assert explorer.spec["sentences"] == ["rate 0.1", "rate 0.2", "rate 0.5"]
    for eta, frame in zip(RATES.values, explorer.spec["frames"], strict=True):
        x, y = pool[frame[0]], pool[frame[1]]
        np.testing.assert_allclose(x, np.arange(5))
        np.testing.assert_allclose(y, (1 - eta) ** np.arange(5), rtol=1.3e-4)  # 13 bits


def test_arrays_that_positions_share_are_stored_once():
    explorer = make()
    assert len(explorer.spec["lengths"]) == 1 + 3 + 1  # steps, three errors, zeros


def test_the_last_slider_moves_fastest():
    def two(a, b):
        return {"y": ([0, 1], [a, b])}, f"{a} {b}"

    explorer = explore(
        two, title="t", panels=PANEL, a=Slider([0, 1], "a"), b=Slider([5, 6, 7], "b")
    )
    assert explorer.spec["sentences"] == ["0 5", "0 6", "0 7", "1 5", "1 6", "1 7"]


def test_numbers_have_a_true_minus_and_a_power_of_ten():
    slider = Slider([-2.0, 1e-4], "x", format=".1e")
    words = "zig-zag from -2 to -.5, 1e-04 and 6.8e+09, x1-2"
    explorer = explore(lambda x: ({"y": ([0], [x])}, words), title="t", panels=PANEL, x=slider)
    assert explorer.spec["controls"][0]["labels"] == ["−2.0", "1.0·10⁻⁴"]
    assert explorer.spec["sentences"][0] == "zig-zag from −2 to −.5, 1·10⁻⁴ and 6.8·10⁹, x1-2"


def test_words_make_a_drop_down():
    explorer = explore(
        lambda kind: ({"y": ([0, 1], [0, len(kind)])}, kind),
        title="t",
        panels=PANEL,
        kind=Slider(["long", "short"], "kind", start="short"),
    )
    control = explorer.spec["controls"][0]
    assert (control["kind"], control["start"]) == ("choice", 1)


def test_a_start_between_two_values_takes_the_nearest():
    assert make(eta=Slider([0.1, 0.2, 0.5], "rate", start=0.4)).spec["controls"][0]["start"] == 2


def test_infinity_is_drawn_as_leaving_the_panel_and_a_double_nan_lifts_the_pen():
    def jump(eta):
        return {"y": ([0, np.nan, 1], [1, np.nan, np.inf])}, "jump"

    values = arrays(make(jump, panels=Panel("x", "y", ylim=(0, 2))))
    assert np.isnan(values[0][1]) and np.isnan(values[1][1])
    assert np.isfinite(values[1][2]) and values[1][2] > 1e38


def test_limits_are_those_of_all_positions():
    low, high = make().spec["panels"][0]["ylim"]
    assert low < 0 and high > 1


def test_a_curve_that_some_positions_lack_is_not_drawn_there():
    def sometimes(eta):
        drawn = {"y": ([0, 1], [0, 1])}
        return drawn | ({"late": ([0, 1], [1, 0])} if eta > 0.3 else {}), "s"

    frames = make(sometimes).spec["frames"]
    assert [frame[2] == -1 for frame in frames] == [True, True, False]


def test_two_explorers_of_the_same_curves_are_equal():
    one, two = make(), make()
    assert one.spec == two.spec and one.data == two.data and repr(one) == repr(two)


def test_the_text_form_changes_with_a_sentence():
    other = make(lambda eta: (curve(eta)[0], f"Rate {eta}"))
    assert repr(make()) != repr(other)
    assert isinstance(other, Explorer)


def raising(eta):
    if eta == 0.5:
        raise ZeroDivisionError("division by zero")
    return curve(eta)


def drawn(x, y):
    return lambda eta: ({"error": (x, y)}, "words")


@pytest.mark.parametrize(
    ("curves", "changes", "message"),
    [
        (raising, {}, r"raised ZeroDivisionError at eta=0.5: division by zero. Leave that value"),
        (drawn([0, 1], [0, np.nan]), {}, r"'error' has NaN at eta=0.1: cut the curve"),
        (drawn([0, np.inf], [0, 1]), {}, r"'error' has NaN at eta=0.1"),
        (drawn([0, 1], [0, 1, 2]), {}, r"got shapes \(2,\) and \(3,\) at eta=0.1"),
        (drawn([], []), {}, r"not empty, got shapes \(0,\) and \(0,\) at eta=0.1"),
        (drawn([[0]], [[1]]), {}, r"got shapes \(1, 1\)"),
        (drawn(["a"], [1]), {}, r"'error' must be \(x, y\) of numbers at eta=0.1"),
        (lambda eta: None, {}, r"must return \(drawn, sentence\), got None at eta=0.1"),
        (lambda eta: (curve(eta)[0], ""), {}, "must return a sentence, got an empty one"),
        (lambda eta: ([curve(eta)[0]] * 2, "s"), {}, "each of the 1 panels, got 2 at eta=0.1"),
        (None, {}, "curves must be a function, got None"),
        (curve, {"eta": Slider([], "rate")}, r"eta must have at least two values, got \[\]"),
        (curve, {"eta": Slider([0.1, np.nan], "r")}, r"eta\[1\] must be finite, got nan"),
        (curve, {"eta": Slider([0.1, 0.1], "rate")}, "values that all differ"),
        (curve, {"eta": Slider([0.1, "b"], "rate")}, r"eta\[1\] must be a number, got 'b'"),
        (curve, {"eta": 0.1}, "eta must be a Slider, got 0.1"),
        (curve, {"play": "time"}, r"play must name a slider, one of \['eta'\], got 'time'"),
        (curve, {"eta": Slider(np.linspace(0, 1, 6000), "r")}, "at most 5000 .* got 6000"),
        (curve, {"panels": Panel("x", "y", yscale="cubic")}, "'linear' or 'log', got 'cubic'"),
        (curve, {"panels": Panel("x", "y", ylim=(1, 0))}, r"must increase, got \(1.0, 0.0\)"),
        (
            curve,
            {"panels": Panel("x", "y", ylim=(0, 1), yscale="log")},
            r"ylim must be positive on a log axis, got \(0.0, 1.0\)",
        ),
        (curve, {"styles": {"error": "blue"}}, r"unknown words \['blue'\]; allowed are"),
    ],
)
def test_bad_input_is_named_with_the_slider_value(curves, changes, message):
    with pytest.raises(ValueError, match=message):
        make(curves, **changes)


def test_sliders_are_one_to_three():
    with pytest.raises(ValueError, match="one to three sliders, got 0"):
        explore(curve, title="t", panels=PANEL)


def test_an_explorer_too_heavy_for_a_page_is_refused():
    rng = np.random.default_rng(0)

    def heavy(eta):
        return {"y": (np.arange(1000), rng.normal(size=1000))}, "s"

    with pytest.raises(ValueError, match="kB compressed, at most 150 kB are allowed"):
        make(heavy, eta=Slider(np.linspace(0, 1, 100), "rate"))
