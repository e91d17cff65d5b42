"""The classifier keeps scikit-learn's conventions, as far as texts and images allow."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from regraft.runs.estimator import TransferClassifier


class OfNumbers(TransferClassifier):
    """Reads rows of numbers as texts: scikit-learn checks nothing but tables of numbers."""

    def fit(self, X: object, y: object) -> Self:  # noqa: N803
        rows, labels = validate_data(self, X, y)
        return super().fit(_texts(rows), labels)

    def predict_proba(self, X: object) -> Any:  # noqa: N803
        check_is_fitted(self)
        return super().predict_proba(_texts(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = False
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = False
        tags.input_tags.string = False
        tags.classifier_tags.poor_score = True  # the tiny network is a random one
        return tags


def _texts(rows: Any) -> list[str]:
    return [" ".join(f"{value:.1f}" for value in row) for row in rows]


# No check is expected to fail; one that fails is a fault of ours.
EXPECTED: dict[str, str] = {}


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [OfNumbers(strategy="head", max_length=32, precision="fp32")],
    expected_failed_checks=lambda _: EXPECTED,
    xfail_strict=True,
)
def test_on_numbers_written_as_texts(
    estimator: OfNumbers, check: Callable[[OfNumbers], None], bert: Path
) -> None:
    check(estimator.set_params(backbone=str(bert)))


def test_a_table_of_numbers_is_said_to_be_no_input() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SkipTestWarning)
        outcomes = check_estimator(TransferClassifier(), on_skip=None)
    assert {outcome["status"] for outcome in outcomes} == {"passed"}
    assert any("requires input" in str(warning.message) for warning in caught)
