"""Two data sets on the command line: a verdict on standard output, whatever it is."""

import json
from pathlib import Path

import pytest

from tests import tiny
from tests.end_to_end.conftest import Type


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A CSV of 60 texts of another kind, with labels."""
    texts, labels = tiny.texts_elsewhere(60)
    return tiny.write_csv(tmp_path / "elsewhere.csv", {"text": texts, "label": labels})


def test_a_shift_is_told_as_one_document(
    typed: Type, reviews: Path, elsewhere: Path, bert: Path, tmp_path: Path
) -> None:
    words = ("shift", reviews, elsewhere, "--backbone", bert, "--score-target", "--json")
    outcome = typed(*words, "--out", tmp_path / "shift.json")
    assert outcome.code == 0, outcome.err
    result = json.loads(outcome.out)
    assert result == json.loads((tmp_path / "shift.json").read_text("utf-8"))
    assert result["verdict"] == "shift"
    assert result["oracle"]["rows"] == 60


def test_tables_and_words_name_what_differs(
    typed: Type, reviews: Path, elsewhere: Path, bert: Path
) -> None:
    outcome = typed("shift", reviews, elsewhere, "--backbone", bert)
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[2].split() == ["verdict", "shift"]
    assert "accuracy of source-only" in outcome.out
    assert "There is a shift: a classifier that tells" in outcome.err
    assert not list(Path.cwd().glob("runs/*"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["{reviews}", "{reviews}"], "is also in the source"),
        (["{reviews}", "nowhere.csv"], "nowhere.csv"),
        (["{reviews}"], "TARGET is missing"),
        (["{reviews}", "{tiles}"], "holds files of pictures where texts are wanted"),
    ],
)
def test_a_mistake_is_one_sentence(
    typed: Type, reviews: Path, tiles: Path, bert: Path, words: list[str], sentence: str
) -> None:
    named = [word.format(reviews=reviews, tiles=tiles) for word in words]
    outcome = typed("shift", *named, "--backbone", bert)
    assert outcome.code == 2, outcome.err
    assert sentence in outcome.err.strip().splitlines()[-1]
