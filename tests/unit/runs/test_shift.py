"""The verb: documents of texts and images, labels that are not read, and wrong use."""

import random
from pathlib import Path
from typing import Any

import pytest

from regraft import shift
from regraft.errors import BackboneError, DataError, SettingsError
from tests import tiny

SOURCE, TARGET = tiny.toy_texts(220), tiny.texts_elsewhere(60)


def findings(result: dict[str, Any]) -> dict[str, Any]:
    """Returns the document without what differs from run to run."""
    return {key: value for key, value in result.items() if key not in ("seconds", "cache")}


@pytest.fixture(autouse=True)
def _one_penalty() -> None:
    """Tries all penalties, as a run does: labels could choose among them."""


@pytest.fixture(scope="module")
def found(_own_cache: None, bert: Path) -> dict[str, Any]:
    """The document of texts that differ, the target's labels scored."""
    return shift(SOURCE, TARGET, backbone=str(bert), score_target=True)


def test_the_document_says_whether_how_and_what_it_costs(found: dict[str, Any]) -> None:
    assert found["verdict"] == "shift"
    assert {"domain_classifier", "proportions", "differences", "estimate", "oracle"} <= set(found)
    assert found["sentences"][0].startswith("There is a shift")
    assert set(found["estimate"]["accuracy"]) == {"value", "low", "high"}


def test_the_truth_is_source_only_s_accuracy(
    found: dict[str, Any], bert: Path, tmp_path: Path
) -> None:
    from regraft.runs.adapt import adapt

    options: Any = {"backbone": str(bert), "method": "source-only", "baselines": False}
    result = adapt(SOURCE, target=TARGET, score_target=True, out=tmp_path / "run", **options)
    assert found["oracle"]["accuracy"] == result["methods"][0]["oracle"]["accuracy"]


def test_labels_of_the_target_change_nothing_but_the_oracle(
    found: dict[str, Any], bert: Path
) -> None:
    permuted = random.Random(3).sample(TARGET[1], 60)
    other = shift(SOURCE, (TARGET[0], permuted), backbone=str(bert), score_target=True)
    unscored = shift(SOURCE, TARGET[0], backbone=str(bert))
    assert other["oracle"] != found["oracle"]
    assert "oracle" not in unscored
    for each in (other, unscored):
        kept = findings({**found, "oracle": None, "target": None})
        assert {**findings(each), "oracle": None, "target": None} == kept


def test_halves_of_one_place_are_no_shift(bert: Path) -> None:
    texts, labels = tiny.toy_texts(400)
    order = random.Random(5).sample(range(400), 400)
    halves = [
        ([texts[i] for i in half], [labels[i] for i in half]) for half in (order[:200], order[200:])
    ]
    result = shift(halves[0], halves[1], backbone=str(bert))
    assert result["verdict"] == "no shift"
    assert not result["only_proportions"]


def test_pictures_differ_in_brightness(tmp_path: Path, resnet: Path) -> None:
    source = tiny.image_folders(tmp_path / "source", 60)
    target = tiny.dim_folders(tmp_path / "target", 40)
    result = shift(str(source), str(target), backbone=str(resnet))
    numbers = {each["name"]: each for each in result["differences"]["numbers"]}
    assert numbers["brightness"]["effect"]["value"] < -0.8
    assert numbers["short side in pixels"]["effect"]["value"] == 0
    assert "words" not in result["differences"]


def test_two_domains_of_one_table(bert: Path, tmp_path: Path) -> None:
    columns = {
        "text": [*SOURCE[0], *TARGET[0]],
        "label": [*SOURCE[1], *([""] * 60)],
        "place": ["film"] * 220 + ["shop"] * 60,
    }
    data = str(tiny.write_csv(tmp_path / "both.csv", columns))
    result = shift(data, domain="place", from_domain="film", to_domain="shop", backbone=str(bert))
    assert result["target"]["name"] == "both-shop"
    assert result["verdict"] == "shift"


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (TARGET[0][:3], "has 3 rows that can be used"),
        ((TARGET[0], ["good", "poor"] * 30), "has classes that the source lacks: 'good', 'poor'"),
        ((TARGET[0], ["pos"] * 60), "has only the class 'pos'"),
        (SOURCE, "is also in the source"),
    ],
)
def test_targets_that_cannot_be_compared(bert: Path, target: object, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        shift(SOURCE, target, backbone=str(bert))


def test_another_modality_and_no_target(tmp_path: Path, bert: Path, resnet: Path) -> None:
    pictures = str(tiny.image_folders(tmp_path / "pictures", 20))
    with pytest.raises(DataError, match="files of pictures where texts are wanted"):
        shift(SOURCE, pictures, backbone=str(bert))
    with pytest.raises(BackboneError):
        shift(SOURCE, TARGET, backbone=str(resnet))
    with pytest.raises(SettingsError, match="the target is missing"):
        shift(SOURCE)


def test_a_column_of_the_target_alone_is_typed(bert: Path, tmp_path: Path) -> None:
    columns = {"comment": TARGET[0], "message": TARGET[0][::-1]}
    target = tiny.write_csv(tmp_path / "target.csv", columns)
    result = shift(SOURCE, str(target), backbone=str(bert), text="comment")
    assert result["target"]["rows"]["used"] == 60
