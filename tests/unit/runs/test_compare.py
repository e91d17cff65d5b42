"""Strategies are compared on the same rows, and a comparison that was stopped goes on."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from regraft.errors import DataError, SettingsError
from regraft.runs import compare as compare_module
from regraft.runs.choosing import clock
from regraft.runs.compare import compare, run_compare
from regraft.runs.comparing.settings import CompareSettings
from regraft.settings import FitSettings
from regraft.training.progress import Silent
from tests import tiny

FILES = ["compare.html", "compare.toml", "result.json", "trials"]


class Words(Silent):
    """Keeps the sentences."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


def quick(bert: Path, **options: Any) -> dict[str, Any]:
    few = {"strategies": "head", "seeds": 1, "epochs": 1, "precision": "fp32"}
    return {"backbone": str(bert), **few, **options}


def test_a_comparison_of_python_lists_makes_a_folder(bert: Path, tmp_path: Path) -> None:
    out = tmp_path / "c"
    result = compare(tiny.toy_texts(240), out=out, **quick(bert, strategies=["head", "full"]))
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert json.loads((out / "result.json").read_text("utf-8")) == result
    assert len(list((out / "trials").iterdir())) == 4
    assert [made["key"] for made in result["baselines"]] == ["majority", "classic"]
    assert result["gain"]["over"] == "TF-IDF of words + logistic regression"
    assert [s["name"] for s in result["strategies"]] == ["head", "full"]
    assert result["strategies"][0]["fractions"][0]["rows"] == 216
    assert result["sentences"][0].startswith(result["best"]["name"])
    assert "regraft comparison" in (out / "compare.html").read_text("utf-8")


def test_a_comparison_that_is_done_is_not_made_again(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, options = tiny.toy_texts(40), quick(bert, out=tmp_path / "c")
    first = compare(data, **options)
    monkeypatch.setattr(compare_module, "trial", None)
    assert compare(data, **options) == first


def test_every_trial_is_told_and_the_data_are_explained_once(bert: Path, tmp_path: Path) -> None:
    words = Words()
    shared = FitSettings(backbone=str(bert), epochs=1, seed=7, baselines=False, precision="fp32")
    asked = CompareSettings(
        shared=shared, strategies=("head",), seeds=2, fractions=(1.0,), out=tmp_path / "c"
    )
    run_compare(asked, words, source=tiny.toy_texts(40))
    assert sum("40 texts in 2 classes" in sentence for sentence in words.said) == 1
    told = [sentence for sentence in words.said if sentence.startswith("trial")]
    assert [sentence.partition(":")[0] for sentence in told] == ["trial 1/2", "trial 2/2"]
    assert told[1].startswith("trial 2/2: head, seed 8, 100 % of labels: ")
    assert told[1].endswith(" % of the test rows right")


def test_a_stop_says_how_to_go_on(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(compare_module, "trial", stopped)
    words, out = Words(), tmp_path / "my c"
    asked = CompareSettings(shared=FitSettings(backbone=str(bert), precision="fp32"), out=out)
    with pytest.raises(KeyboardInterrupt):
        run_compare(asked, words, source=tiny.toy_texts(40))
    assert words.said[-1] == f"go on with the same command and --out '{out}'"
    assert sorted(path.name for path in out.iterdir()) == ["compare.toml", "trials"]


def test_what_is_wrong_is_told_before_anything_is_made(bert: Path, tmp_path: Path) -> None:
    out = tmp_path / "c"
    for wrong in ({"freeze": 99}, {"strategies": "haed"}, {"strategy": "head"}, {"epochs": 0}):
        with pytest.raises(SettingsError):
            compare(tiny.toy_texts(40), out=out, **quick(bert, **wrong))
    assert not out.exists()


def test_a_strategy_without_validation_rows_is_not_chosen_by_them(
    bert: Path, tmp_path: Path
) -> None:
    names = ["head", "contrastive"]
    options = quick(bert, strategies=names, baselines=False, lr=1e-3)
    result = compare(tiny.toy_texts(60), out=tmp_path / "c", **options)
    assert result["best"]["name"] == "head"
    assert result["best"]["unjudged"] == ["contrastive"]
    assert any(each.startswith("contrastive: trained on all rows") for each in result["sentences"])
    alone = compare(
        tiny.toy_texts(60), out=tmp_path / "alone", **{**options, "strategies": "contrastive"}
    )
    assert alone["best"]["name"] == "contrastive"


@pytest.mark.parametrize(
    ("names", "more", "words"),
    [
        ("head,surgical:blocks=9", {}, "blocks"),
        ("head,sequential", {}, "sequential needs a source"),
        ("head,full", {"source": "/nowhere"}, "no strategy trains on one"),
    ],
)
def test_what_one_strategy_cannot_have_is_told_before_the_first_trial(
    bert: Path, tmp_path: Path, names: str, more: dict[str, Any], words: str
) -> None:
    out = tmp_path / "c"
    with pytest.raises(SettingsError, match=words):
        compare(tiny.toy_texts(60), out=out, **quick(bert, strategies=names, **more))
    assert not out.exists()


def test_a_source_of_another_modality_is_told_before_the_first_trial(
    bert: Path, tmp_path: Path
) -> None:
    source = tiny.image_folders(tmp_path / "pictures", 20)
    options = quick(bert, strategies="head,sequential", source=str(source))
    with pytest.raises(DataError, match="the source pictures holds images"):
        compare(tiny.toy_texts(60), out=tmp_path / "c", **options)
    assert not (tmp_path / "c").exists()


def test_a_source_that_has_changed_makes_other_trials(bert: Path, tmp_path: Path) -> None:
    texts, labels = tiny.toy_texts(80)
    other = {"neg": "pos", "pos": "neg"}
    found: list[set[str]] = []
    for turned in (labels, [other[label] for label in labels]):
        source = tiny.write_csv(tmp_path / "source.csv", {"text": texts, "label": turned})
        options = quick(bert, strategies="sequential", baselines=False, source=str(source))
        folder = tmp_path / str(len(found))
        compare(tiny.toy_texts(60), out=folder, **options)
        found.append({place.name for place in (folder / "trials").iterdir()})
    assert not found[0] & found[1]


@pytest.mark.parametrize(
    "names", ["head,two-stage+lora", "two-stage+lora,head", "two-stage+lora,full+lora:rank=2"]
)
def test_pairs_beside_the_layers_are_compared_wherever_they_stand(
    bert: Path, tmp_path: Path, names: str
) -> None:
    pytest.importorskip("peft")
    options = quick(bert, strategies=names, baselines=False)
    result = compare(tiny.toy_texts(60), out=tmp_path / "c", **options)
    assert [made["name"] for made in result["strategies"]] == names.split(",")
    assert result["proof"]["holds"]


def test_the_digest_of_the_weights_knows_no_pairs(bert: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    found = []
    for names in ("head", "two-stage+lora"):
        out = tmp_path / names
        asked = CompareSettings(
            shared=FitSettings(backbone=str(bert), precision="fp32"), strategies=(names,), out=out
        )
        found.append(compare_module._begun(asked, Silent(), tiny.toy_texts(60), None)[2])
    assert found[0] == found[1]


def test_a_trial_that_diverges_ends_no_comparison(bert: Path, tmp_path: Path) -> None:
    words, out = Words(), tmp_path / "c"
    shared = FitSettings(backbone=str(bert), epochs=1, lr=1e30, baselines=False, precision="fp32")
    asked = CompareSettings(shared=shared, strategies=("full", "head"), seeds=1, out=out)
    result = run_compare(asked, words, source=tiny.toy_texts(60))
    told = [sentence for sentence in words.said if sentence.startswith("trial")]
    assert told[0].startswith("trial 1/2: full, seed 0, 100 % of labels: the training diverged")
    assert result["best"]["name"] == "head"
    assert [trial["strategy"] for trial in result["diverged"]] == ["full"]
    assert "full diverged in every trial, so it has no scores" in " ".join(result["sentences"])
    assert "diverged" in (out / "compare.html").read_text("utf-8")
    assert len(list((out / "trials").iterdir())) == 2


@pytest.mark.parametrize(
    ("names", "rows", "told"),
    [
        ("head,two-stage+average,full+average", 40, "here: "),
        ("two-stage+average,head", 40, "here: "),
        ("head,two-stage+average", 240, "with 50 % of the labels, or fewer: "),
    ],
)
def test_that_an_average_does_nothing_is_said_once(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: str, rows: int, told: str
) -> None:
    def stopped(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(compare_module, "trial", stopped)
    words = Words()
    shared = FitSettings(backbone=str(bert), baselines=False, precision="fp32")
    asked = CompareSettings(
        shared=shared, strategies=names.split(","), out=tmp_path / "c", fractions=(0.25, 0.5, 1)
    )
    with pytest.raises(KeyboardInterrupt):
        run_compare(asked, words, source=tiny.toy_texts(rows))
    (line,) = [line for line in words.said if line.startswith("+average does nothing")]
    assert told in line


def test_the_start_of_the_command_belongs_to_no_trial(bert: Path, tmp_path: Path) -> None:
    clock.COMMANDED.set(time.monotonic() - 1e6)
    compare(tiny.toy_texts(60), out=tmp_path / "out", **quick(bert))
    texts = [path.read_text("utf-8") for path in (tmp_path / "out" / "trials").iterdir()]
    totals = [float(found) for text in texts for found in re.findall(r'"total": ([0-9.]+)', text)]
    assert totals
    assert max(totals) < 1e5


def test_the_folder_is_held_while_trials_are_made(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, options = tiny.toy_texts(40), quick(bert, out=tmp_path / "c")

    def meanwhile(*arguments: object, **named: object) -> None:
        with pytest.raises(SettingsError, match="c is being worked on by another process"):
            compare(data, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(compare_module, "trial", meanwhile)
    with pytest.raises(KeyboardInterrupt):
        compare(data, **options)
