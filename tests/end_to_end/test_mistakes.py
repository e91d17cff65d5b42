"""Every newcomer's mistake is told in one sentence, with the exit code of its kind."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import tiny
from tests.end_to_end.conftest import Outcome, Type, started

TEXTS, LABELS = tiny.toy_texts(40)
Line = tuple[object, ...]


@pytest.fixture
def here(tmp_path: Path, bert: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with good and bad data, a tiny network and a run, to type in."""
    monkeypatch.chdir(tmp_path)
    tiny.write_csv(tmp_path / "good.csv", {"text": TEXTS, "label": LABELS})
    tiny.write_csv(tmp_path / "one.csv", {"text": TEXTS, "label": ["pos"] * 40})
    tiny.write_csv(tmp_path / "ours.csv", {"text": TEXTS, "prediction": LABELS})
    tiny.write_csv(tmp_path / "header.csv", {"text": [], "label": []})
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "bad.toml").write_text("epochs = = 3")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").write_text("words")
    (tmp_path / "bert").symlink_to(bert)
    (tmp_path / "run").symlink_to(run)
    return tmp_path


def one_sentence(outcome: Outcome, code: int) -> str:
    """Returns the error, after a look at everything that every error must be."""
    last = outcome.err.strip().splitlines()[-1]
    assert outcome.code == code, outcome.err
    assert outcome.out == ""
    assert last.startswith("error: ")
    assert "Traceback" not in outcome.err
    assert "bug" not in last
    return last


FIT = ("fit", "good.csv", "--backbone", "bert", "--out", "new")
MISTAKES: dict[str, tuple[Line, str]] = {
    "no such data": (("fit", "god.csv"), "god.csv"),
    "no such column": ((*FIT, "--text", "txt"), "has no column 'txt'"),
    "no such label": ((*FIT, "--label", "labels"), "try --label label"),
    "no such strategy": ((*FIT, "--strategy", "two-stag"), "try --strategy two-stage"),
    "no such head": ((*FIT, "--head", "cubic"), "head = 'cubic' cannot be used"),
    "no such backbone": (("fit", "good.csv", "--backbone", "minilmm"), "minilm"),
    "no such folder": (("fit", "good.csv", "--backbone", "./none"), "'./none'"),
    "no such flag": ((*FIT, "--epoch", "3"), "try --epochs"),
    "no such verb": (("fti", "good.csv"), "'fti' is not a verb"),
    "no such format": ((*FIT, "--precision", "fp8"), "precision = 'fp8'"),
    "no number": ((*FIT, "--epochs", "three"), "epochs = 'three' cannot be used"),
    "too low a number": ((*FIT, "--epochs", "0"), "epochs = 0.0 cannot be used"),
    "no data at all": (("fit",), "DATA is missing"),
    "an empty file": (("fit", "empty.csv", "--backbone", "bert", "--out", "new"), "empty.csv"),
    "no rows": (("fit", "header.csv", "--backbone", "bert", "--out", "new"), "header"),
    "one class": (("fit", "one.csv", "--backbone", "bert", "--out", "new"), "only the class 'pos'"),
    "a taken folder": ((*FIT[:-1], "taken"), "try --out taken-2"),
    "settings that are none": ((*FIT, "--config", "bad.toml"), "bad.toml is not TOML"),
    "no settings": ((*FIT, "--config", "no.toml"), "no.toml"),
    "no graphics card": ((*FIT, "--device", "tpu"), "device = 'tpu'"),
    "nothing to predict": (("predict", "run"), "predict"),
    "a missing file": (("predict", "run", "new.csv"), "new.csv does not exist"),
    "no run": (("predict", "taken", "a film"), "taken is no complete run"),
    "a run that is missing": (
        ("predict", "nowhere", "a film"),
        "nowhere is no complete run: there is no such folder",
    ),
    "a taken column": (("predict", "run", "ours.csv"), "try --suffix"),
    "a taken file": (("predict", "run", "good.csv", "--out", "one.csv"), "one.csv exists"),
    "a format of no table": (("predict", "run", "good.csv", "--out", "p.xls"), "p.xls"),
    "no labels": (("evaluate", "run", "ours.csv"), "try --label COLUMN"),
    "no run to score": (("evaluate", "taken", "good.csv"), "taken is no complete run"),
    "no run to report": (("report", "taken"), "taken is no complete run"),
    "nothing of that kind": (("list", "stratgies"), "try strategies"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    typed: Type, here: Path, mistake: str
) -> None:
    line, words = MISTAKES[mistake]
    before = sorted(here.rglob("*"))
    assert words in one_sentence(typed(*line), 2)
    assert sorted(here.rglob("*")) == before


def test_a_mistake_with_json_is_one_document(typed: Type, here: Path) -> None:
    outcome = typed("fit", "one.csv", "--backbone", "bert", "--json", "--quiet")
    assert (outcome.code, outcome.err) == (2, "")
    error = json.loads(outcome.out)["error"]
    assert (error["type"], error["exit_code"]) == ("DataError", 2)
    assert error["expected"] == "two classes or more"


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
@pytest.mark.parametrize("name", ["model.safetensors", "replay.safetensors", "labels.json"])
def test_a_damaged_model_is_refused(
    typed: Type, run: Path, tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    (tmp_path / "model").mkdir()
    for path in (run / "model").iterdir():
        (tmp_path / "model" / path.name).write_bytes(path.read_bytes())
    damage(tmp_path / "model" / name)
    assert name in one_sentence(typed("predict", tmp_path, "a film"), 3)


def test_a_starter_that_is_not_here_and_may_not_be_fetched_is_told(
    here: Path, tmp_path: Path, session_cache: Path
) -> None:
    outcome = started("fit", here / "good.csv", "--out", tmp_path / "new", cache=session_cache)
    sentence = one_sentence(outcome, 3)
    assert "REGRAFT_OFFLINE" in sentence
    assert str(session_cache) in sentence
    assert not (tmp_path / "new").exists()
