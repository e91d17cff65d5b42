from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from regraft.data.rows import Modality, Origin, Rows
from regraft.runs.fitting import cheaper as cheaper_module
from regraft.runs.fitting.cheaper import Cheaper, Gain, cheaper_ways, gained, scores_of
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.train import pool_parts, train
from regraft.settings import FitSettings
from regraft.strategies.table import make_strategy
from regraft.training.precision import Verdict
from regraft.training.progress import Silent
from tests import tiny
from tests.unit.runs.fitting.conftest import Prepare

LABELS = np.arange(200) % 2
KEYS = ("majority", "classic", "linear_probe")


def answers(right: int) -> npt.NDArray[np.float64]:
    """Returns (200, 2) probabilities, right in so many rows, spread evenly."""
    wrong = np.zeros(200, bool)
    wrong[np.linspace(0, 199, 200 - right).round().astype(int)] = True
    sides = np.where(wrong, 1 - LABELS, LABELS)
    return np.stack([1 - sides * 0.8 - 0.1, sides * 0.8 + 0.1], axis=1)


def prepared_of(
    labels: npt.NDArray[np.int64] = LABELS,
    *,
    modality: Modality = "text",
    strategy: str = "two-stage",
    data: str = "my.csv",
    weights: str = "none",
) -> Prepared:
    """Returns what names the data, the strategy and the test rows."""
    train = Rows(modality, ["一二三"], ("a", "b"), LABELS[:1], [Origin("a")])
    dataset: Any = SimpleNamespace(
        parts={"test": SimpleNamespace(labels=labels), "train": train}, modality=modality
    )
    settings = FitSettings(strategy=strategy, data=data)
    line = 0 if make_strategy(strategy).whole or strategy == "two-stage" else 7
    network: Any = {"phases": [SimpleNamespace(line=line)], "chain": SimpleNamespace(top=7)}
    chosen: Any = SimpleNamespace(class_weights=SimpleNamespace(value=weights))
    made = SimpleNamespace(dataset=dataset, settings=settings, chosen=chosen, **network)
    return cast(Prepared, made)


def judged(chosen: int, cheaper: tuple[int, int, int], **told: Any) -> Gain:
    """Returns the gain of a strategy that is right so often over three cheaper ways."""
    ways = [
        Cheaper(key, key, answers(right), answers(right), 0.1, 0)
        for key, right in zip(KEYS, cheaper, strict=True)
    ]
    probabilities = (answers(chosen), answers(chosen))
    return gained(prepared_of(**told), probabilities, ways=ways, val_labels=LABELS)


def test_a_clear_gain_has_no_verdict_against_it() -> None:
    gain = judged(190, (100, 120, 150))
    assert gain.verdict == ""
    assert gain.over == "linear_probe"
    assert gain.difference.value == pytest.approx(0.2)
    assert 0.1 < gain.difference.low < 0.2 < gain.difference.high < 0.3


def test_the_best_cheaper_way_is_judged_on_validation_rows() -> None:
    assert judged(190, (100, 160, 150)).over == "classic"


@pytest.mark.parametrize(
    ("cheaper", "name", "keep"),
    [
        ((100, 120, 189), "linear_probe", "regraft fit my.csv --strategy head"),
        ((100, 188, 189), "classic", "TfidfVectorizer"),
        ((190, 120, 120), "majority", "the most frequent class"),
    ],
)
def test_the_cheapest_way_within_the_interval_is_named_with_how_to_keep_it(
    cheaper: tuple[int, int, int], name: str, keep: str
) -> None:
    verdict = judged(190, cheaper).verdict
    assert verdict.startswith("Tuning gained nothing measurable here")
    assert f"beside the {name}. Keep" in verdict
    assert keep in verdict


def first_wrong(wrong: int) -> npt.NDArray[np.float64]:
    """Returns (200, 2) probabilities, wrong in the first rows."""
    sides = np.where(np.arange(200) < wrong, 1 - LABELS, LABELS)
    return np.eye(2)[sides]


def verdict_on(wrong: int, *, val: int, test: int) -> str:
    """Returns the verdict where a strategy and a classic are wrong in so many of the first rows."""
    poor = first_wrong(199)
    ways = [
        Cheaper("majority", "majority", poor, poor, 0.1, 0),
        Cheaper("classic", "classic", first_wrong(val), first_wrong(test), 0.1, 0),
    ]
    both = (first_wrong(wrong), first_wrong(wrong))
    return gained(prepared_of(), both, ways=ways, val_labels=LABELS).verdict


def test_rows_are_paired() -> None:
    # Six rows are lost and none is won: by chance that is rare, although 0.92 lies within the
    # interval of 0.95 by itself.
    assert verdict_on(10, val=16, test=16) == ""
    assert "the classic" in verdict_on(10, val=11, test=11)


def test_a_verdict_does_not_contradict_a_clear_gain_on_test_rows() -> None:
    assert verdict_on(10, val=11, test=60) == ""
    assert verdict_on(10, val=60, test=11) == ""


def skewed(rare: int, common: int) -> npt.NDArray[np.float64]:
    """Returns answers to 180 rows of class 0 and 20 of class 1, so many of each right."""
    right = np.concatenate([np.arange(180) < common, np.arange(20) < rare])
    return np.eye(2)[np.where(right, SKEWED, 1 - SKEWED)]


SKEWED = (np.arange(200) >= 180).astype(np.int64)


@pytest.mark.parametrize(("weights", "keep"), [("none", "most frequent"), ("balanced", "")])
def test_where_classes_weigh_the_same_macro_f1_decides(weights: str, keep: str) -> None:
    # The accuracy is 0.89, that of the most frequent class 0.9.
    mine, majority, poor = skewed(18, 160), skewed(0, 180), skewed(3, 170)
    ways = [
        Cheaper(key, key, each, each, 0.1, 0)
        for key, each in zip(KEYS, (majority, poor, poor), strict=True)
    ]
    prepared = prepared_of(SKEWED, weights=weights)
    gain = gained(prepared, (mine, mine), ways=ways, val_labels=SKEWED)
    assert keep in gain.verdict if keep else gain.verdict == ""
    assert (gain.over, gain.of) == (("majority", "accuracy") if keep else ("classic", "macro F1"))
    assert (gain.difference.low > 0) is not bool(keep)


def test_a_verdict_by_macro_f1_says_so() -> None:
    same = skewed(18, 160)
    ways = [Cheaper(key, key, same, same, 0.1, 0) for key in KEYS]
    prepared = prepared_of(SKEWED, weights="balanced")
    verdict = gained(prepared, (same, same), ways=ways, val_labels=SKEWED).verdict
    assert "is +0.0 points of macro F1 (+0.0 to +0.0) beside the classic." in verdict


def test_the_probe_is_no_cheaper_way_than_the_strategy_head() -> None:
    assert judged(190, (100, 120, 190), strategy="head").verdict == ""
    assert judged(150, (100, 120, 190), strategy="zero").verdict == ""
    verdict = judged(190, (100, 189, 190), strategy="head").verdict
    assert verdict.startswith("The network gained nothing measurable here")
    assert "classic" in verdict


def test_a_way_that_is_better_is_said_to_be() -> None:
    verdict = judged(150, (100, 120, 199), strategy="scratch").verdict
    assert "on validation scratch is -24.5 points (" in verdict
    assert verdict_on(10, val=10, test=10).startswith("Tuning gained nothing measurable here")


def test_python_data_and_images_get_a_command_too() -> None:
    assert "regraft fit DATA" in judged(190, (1, 1, 190), data="").verdict
    assert "16×16 pixels" in judged(190, (1, 190, 1), modality="image").verdict


def test_no_other_scores_are_made_for_the_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cheaper_module, "score", None)
    assert judged(190, (100, 120, 189)).verdict != ""


def test_the_probe_s_seconds_include_its_features(prepared: Prepare, verdict: Verdict) -> None:
    found = prepared(strategy="head")
    pooled = pool_parts(found, verdict, test=None)
    trained = train(found, verdict, pooled=pooled, progress=Silent())
    ways = cheaper_ways(found, trained, pooled=pooled, pass_seconds=1000.0)
    assert [way.seconds > 1000 for way in ways] == [False, False, True]


def test_a_loss_is_a_negative_difference() -> None:
    gain = judged(150, (100, 120, 190))
    assert gain.difference.value == pytest.approx(-0.2)
    assert gain.difference.high < 0


@pytest.mark.parametrize("rows", [240, 60])
def test_each_way_answers_validation_and_test_rows(
    prepared: Prepare, verdict: Verdict, rows: int
) -> None:
    found = prepared(rows, strategy="head")
    test = found.encoded["train"].take(np.arange(len(found.dataset.parts["test"])))
    pooled = pool_parts(found, verdict, test=test)
    trained = train(found, verdict, pooled=pooled, progress=Silent())
    ways = cheaper_ways(found, trained, pooled=pooled)
    assert tuple(way.key for way in ways) == KEYS
    for way in ways:
        assert way.val.shape == (len(trained.val_labels), 2)
        assert way.test.shape == (len(found.dataset.parts["test"]), 2)
        np.testing.assert_allclose(way.val.sum(axis=1), 1, atol=1e-6)
    assert [way.trained for way in ways] == [0, 0, 2 * 32 + 2]


def test_out_of_fold_answers_come_from_rows_not_seen(prepared: Prepare, verdict: Verdict) -> None:
    texts, labels = tiny.toy_texts(60)
    # Beside what all share, every text has a word of its own: out of fold nothing is known.
    source = ([f"a word w{i} of its own" for i, _ in enumerate(texts)], labels)
    found = prepared(source=source, strategy="head")
    pooled = pool_parts(found, verdict, test=None)
    trained = train(found, verdict, pooled=pooled, progress=Silent())
    classic = cheaper_ways(found, trained, pooled=pooled)[1]
    right = classic.val.argmax(axis=1) == trained.val_labels
    assert right.mean() < 0.75
    assert len(classic.test) == len(found.dataset.parts["test"])


def test_a_cheaper_ways_scores_are_those_of_its_test_answers() -> None:
    way = Cheaper("classic", "classic", answers(1), answers(150), 0.1, 0)
    assert scores_of(way, LABELS).accuracy.value == 0.75
