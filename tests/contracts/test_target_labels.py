"""The target's labels touch nothing but oracle scores: whatever they say, the weights are equal."""

import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from regraft.adaptation.decision import Decision
from regraft.adaptation.table import METHODS as TABLE
from regraft.adaptation.table import methods_asked
from regraft.runs.adapt import run_adapt
from regraft.runs.moving import asked as asked_module
from regraft.runs.moving import deciding
from regraft.settings import AdaptSettings
from regraft.training.progress import Silent
from tests import tiny

# Every method on features, one through the trunk; `auto`
# chooses from a few.
METHODS = ["auto", *list(TABLE)[1:], "tapt:steps=2,rows=8"]
ONE_OF_EACH = ["auto", "coral-recolour", "gaussian", "dann", "tapt:steps=2,rows=8"]
"""Closed form, drawn at random, trained by steps, through the trunk: tried at each change."""
FEW = ["source-only", "standardise", "coral-recolour", "pseudo"]
TEXTS, LABELS = tiny.texts_elsewhere(40)


@pytest.fixture(autouse=True)
def _one_penalty() -> None:
    """Tries all penalties, as a run does: labels could choose among them."""


def adapted(data: Path, target: Path, out: Path, **options: Any) -> dict[str, Any]:
    settings = AdaptSettings(
        data=str(data), target=str(target), out=out, baselines=False, **options
    )
    return run_adapt(settings, Silent(), report=False)


def weights(result: dict[str, Any]) -> str:
    """Returns the digest of the saved weights, the last entry of the ledger."""
    digest: str = result["freezing"]["ledger"][-1]["digests"]["model.safetensors"]
    return digest


def chosen_by(result: dict[str, Any]) -> list[Any]:
    """Returns everything that the choice was made by."""
    kept = ("name", "selection", "guards", "passed")
    methods = [{key: entry[key] for key in kept} for entry in result["methods"]]
    return [result["chosen"], result["reason"], result["proportions"], methods]


@pytest.fixture(autouse=True)
def _few_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets `auto` try those that take no time."""

    def asked(name: str) -> list[str]:
        return FEW if name == "auto" else methods_asked(name)

    monkeypatch.setattr(asked_module, "methods_asked", asked)


def table(folder: Path, labels: Sequence[str], texts: Sequence[str] = TEXTS) -> Path:
    columns = {"text": list(texts), "label": list(labels)}
    return tiny.write_csv(folder / "target.csv", columns)


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    texts, labels = tiny.toy_texts(220)
    return tiny.write_csv(tmp_path / "source.csv", {"text": texts, "label": labels})


def tried(method: str) -> Any:
    return pytest.param(method, True, marks=() if method in ONE_OF_EACH else pytest.mark.slow)


@pytest.mark.parametrize(
    ("method", "score"), [*(tried(each) for each in METHODS), ("auto", False), ("dann", False)]
)
def test_labels_of_the_target_change_no_weight_and_no_choice(
    tmp_path: Path, bert: Path, reviews: Path, method: str, score: bool
) -> None:
    permuted = random.Random(3).sample(LABELS, len(LABELS))
    found = [
        adapted(
            reviews,
            table(tmp_path, labels),
            tmp_path / name,
            backbone=str(bert),
            method=method,
            score_target=score,
        )
        for name, labels in (("plain", LABELS), ("permuted", permuted))
    ]
    assert weights(found[0]) == weights(found[1])
    assert chosen_by(found[0]) == chosen_by(found[1])
    # The labels were permuted indeed.
    assert ("target" in found[0]["scores"]) is score
    if score:
        assert found[0]["scores"]["target"] != found[1]["scores"]["target"]


@pytest.mark.parametrize("method", ["dann", "adabn", "fourier"])
def test_pictures_in_other_class_folders_change_no_weight(
    tmp_path: Path, resnet: Path, method: str
) -> None:
    source = tiny.image_folders(tmp_path / "source", 60)
    first = tiny.dim_folders(tmp_path / "first", 24)
    second = tmp_path / "second"
    other = {"top": "bottom", "bottom": "top"}
    for number, path in enumerate(sorted(first.rglob("*.png"))):
        label = other[path.parent.name] if number % 3 == 0 else path.parent.name
        (second / label).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, second / label / path.name)
    found = [
        adapted(
            source, target, tmp_path / f"run-{target.name}", backbone=str(resnet), method=method
        )
        for target in (first, second)
    ]
    assert weights(found[0]) == weights(found[1])


LEARNT = 12
APART = tiny.numbered(TEXTS)


def lines_drawn(result: dict[str, Any]) -> set[int]:
    """Returns the lines of the target's file whose labels were learnt."""
    return {int(place.rpartition(":")[2]) for place in result["target_labels"]["rows"]}


MOVING: dict[str, Any] = {"epochs": 1.0, "freeze": 1}
"""The trunk moves: half of what is learnt teaches it, half judges."""


@pytest.mark.parametrize(
    ("method", "more"),
    [*((each, {}) for each in ONE_OF_EACH), *((each, MOVING) for each in ("mcc", "shot"))],
)
def test_with_some_labels_learnt_the_others_change_no_weight_and_no_choice(
    tmp_path: Path, bert: Path, reviews: Path, method: str, more: dict[str, Any]
) -> None:
    options: Any = {"backbone": str(bert), "method": method, "score_target": True, **more}
    options["target_labels"] = LEARNT
    plain = adapted(reviews, table(tmp_path, LABELS, APART), tmp_path / "plain", **options)
    others = sorted(set(range(len(LABELS))) - {line - 2 for line in lines_drawn(plain)})
    assert len(others) == len(LABELS) - LEARNT
    permuted = list(LABELS)
    for row, other in zip(others, random.Random(3).sample(others, len(others)), strict=True):
        permuted[row] = LABELS[other]
    assert permuted != LABELS
    again = adapted(reviews, table(tmp_path, permuted, APART), tmp_path / "permuted", **options)
    assert weights(again) == weights(plain)
    assert chosen_by(again) == chosen_by(plain)
    assert lines_drawn(again) == lines_drawn(plain)
    # The labels were permuted indeed.
    assert again["scores"]["target"] != plain["scores"]["target"]


@pytest.mark.parametrize(
    ("method", "more"), [("standardise", {}), *((m, MOVING) for m in ("mcc", "cdan", "shot"))]
)
def test_the_labels_that_are_learnt_do_change_the_weights(
    tmp_path: Path,
    bert: Path,
    reviews: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    more: dict[str, Any],
) -> None:
    # What is asked for is kept, whatever it is worth.
    monkeypatch.setattr(deciding, "choose", lambda judged, lost: Decision(judged[-1], "asked"))
    options: Any = {"backbone": str(bert), "method": method, "target_labels": LEARNT, **more}
    plain = adapted(reviews, table(tmp_path, LABELS, APART), tmp_path / "plain", **options)
    other = {"pos": "neg", "neg": "pos"}
    turned = [
        other[label] if row + 2 in lines_drawn(plain) else label for row, label in enumerate(LABELS)
    ]
    again = adapted(reviews, table(tmp_path, turned, APART), tmp_path / "turned", **options)
    assert lines_drawn(again) == lines_drawn(plain)
    assert weights(again) != weights(plain)


@pytest.mark.parametrize("method", ["mcc", "cdan", "shot"])
def test_labels_that_judge_teach_nothing_that_moves_the_trunk(
    tmp_path: Path, bert: Path, reviews: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(deciding, "choose", lambda judged, lost: Decision(judged[-1], "asked"))
    options: Any = {"backbone": str(bert), "method": method, "target_labels": LEARNT, **MOVING}
    plain = adapted(reviews, table(tmp_path, LABELS, APART), tmp_path / "plain", **options)
    drawn = [int(place.rpartition(":")[2]) - 2 for place in plain["target_labels"]["rows"]]
    judging = set(drawn[1::2])
    assert len(judging) == plain["target_labels"]["used_for_selection"] == LEARNT // 2
    other = {"pos": "neg", "neg": "pos"}
    turned = [other[label] if row in judging else label for row, label in enumerate(LABELS)]
    again = adapted(reviews, table(tmp_path, turned, APART), tmp_path / "turned", **options)
    assert weights(again) == weights(plain)
    first, second = (
        result["methods"][-1]["selection"]["labelled_accuracy"] for result in (plain, again)
    )
    assert first + second == pytest.approx(1)
