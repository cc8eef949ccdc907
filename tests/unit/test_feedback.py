import numpy as np
import pytest

from gdutils.feedback import check, check_value, difference

CASES = [((np.array([1.0, 2.0]), 2.0), np.array([2.0, 4.0]))]


def test_a_right_answer_passes():
    feedback = check(lambda x, c: c * x, CASES)
    assert feedback.passed
    assert feedback == "Correct: 1 case passed."


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x, c: None, "got None: is a `return`"),
        (lambda x, c: ..., "got None: is a `return`"),
        (lambda x, c: -c * x, "the sign is wrong"),
        (lambda x, c: c * x / 2, "0.5 times too small"),
        (lambda x, c: 2 * c * x, "2 times too large"),
        (lambda x, c: c * x + 1, r"expected \[2., 4.\], got \[3., 5.\]\. Think\."),
        (lambda x, c: (c * x)[:1], "is row 0 the start, and is there a row for every step"),
        (lambda x, c: (c * x)[:, None], "right number of values, wrong shape"),
        (lambda x, c: c * x * np.nan, "expected finite values"),
        (lambda x, c: "four", "expected a number or an array of numbers, got str"),
        (lambda x: x, "raised TypeError"),
        (lambda x, c: x.__imul__(c), "it changed its argument"),
    ],
)
def test_a_wrong_answer_is_told_what_is_wrong(answer, said):
    feedback = check(answer, CASES, hint="Think.")
    assert not feedback.passed
    assert feedback.startswith("Not yet: for [1., 2.], 2, ")
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(feedback)


def test_booleans_are_compared_as_booleans():
    assert check_value(True, True).passed
    assert difference(False, True) == "expected True, got False"
    assert difference(1, True) == "expected True or False, got 1"


def test_one_number_and_an_array_differ():
    assert difference(np.ones(3), 1.0) == "expected one number, got an array of shape (3,)"


def test_the_name_of_a_function_is_shown_and_not_its_address():
    assert "for sin, 1," in check(lambda f, x: None, [((np.sin, 1.0), 0.0)])


def test_no_cases_is_an_error_and_not_a_pass():
    with pytest.raises(ValueError, match="at least one pair"):
        check(lambda: 1, [])
