"""From labelled data and other data without labels to a run, on the command line."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests import tiny
from tests.end_to_end.conftest import Type, started


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A CSV of 60 texts of another kind, with labels."""
    texts, labels = tiny.texts_elsewhere(60)
    return tiny.write_csv(tmp_path / "elsewhere.csv", {"text": texts, "label": labels})


def test_texts_are_adapted_predicted_scored_proved_and_reported(
    typed: Type, session_cache: Path, reviews: Path, elsewhere: Path, bert: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    words = ("adapt", reviews, "--target", elsewhere, "--backbone", bert, "--score-target")
    outcome = started(*words, "--out", run, "--json", cache=session_cache)
    assert outcome.code == 0, outcome.err
    result = json.loads(outcome.out)
    assert result == json.loads((run / "result.json").read_text("utf-8"))
    assert result["methods"][0]["name"] == "source_only"
    assert result["reason"] in outcome.err
    predicted = typed("predict", run, elsewhere)
    assert predicted.code == 0
    assert len(list(csv.DictReader(io.StringIO(predicted.out)))) == 60
    evaluated = json.loads(typed("evaluate", run, elsewhere, "--json").out)
    found = evaluated["scores"]["test"]["accuracy"]["value"]
    assert found == pytest.approx(result["scores"]["target"]["accuracy"]["value"], abs=0.02)
    assert typed("verify", run).code == 0
    assert typed("report", run).code == 0


def test_the_table_is_on_standard_output_and_the_choice_beside_it(
    typed: Type, reviews: Path, elsewhere: Path, bert: Path, tmp_path: Path
) -> None:
    words = ("adapt", reviews, "--target", elsewhere, "--backbone", bert, "--method", "mcc")
    outcome = typed(*words, "--out", tmp_path / "run", "--score-target")
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert "oracle accuracy" in lines[0]
    starts = [line.split()[0] for line in lines[2:]]
    assert starts == ["majority", "TF-IDF", "source_only", "mcc"]
    assert "Next:" in outcome.err


def test_images_are_adapted_without_a_label_in_sight(
    typed: Type, tiles: Path, resnet: Path, tmp_path: Path
) -> None:
    dim = tiny.dim_folders(tmp_path / "dim", 30)
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, path in enumerate(sorted(dim.rglob("*.png"))):
        path.rename(flat / f"{number:03d}.png")
    words = ("adapt", tiles, "--target", flat, "--backbone", resnet, "--json", "--quiet")
    outcome = typed(*words, "--out", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    result = json.loads(outcome.out)
    assert result["target"]["rows"] == {"used": 30, "scored": 0}
    assert all("oracle" not in entry for entry in result["methods"])
    assert typed("verify", tmp_path / "run").code == 0
    one = typed("predict", tmp_path / "run", flat / "000.png", "--json")
    assert json.loads(one.out)["count"] == 1


def test_domains_of_one_column_and_a_run_that_is_repeated(
    typed: Type, bert: Path, tmp_path: Path
) -> None:
    (first, labels), (second, _) = tiny.toy_texts(100), tiny.texts_elsewhere(40)
    columns = {
        "text": [*first, *second],
        "label": [*labels, *[""] * 40],
        "kind": ["film"] * 100 + ["shop"] * 40,
    }
    data = tiny.write_csv(tmp_path / "both.csv", columns)
    words = ("--domain", "kind", "--from", "film", "--to", "shop", "--method", "dann")
    outcome = typed("adapt", data, *words, "--backbone", bert, "--out", tmp_path / "a", "--json")
    assert outcome.code == 0, outcome.err
    again = typed("adapt", "--config", tmp_path / "a" / "run.toml", "--out", tmp_path / "b")
    assert again.code == 0, again.err
    weights = [(tmp_path / n / "model" / "model.safetensors").read_bytes() for n in "ab"]
    assert weights[0] == weights[1]


def test_several_sources_and_some_target_labels_and_a_run_that_is_repeated(
    typed: Type, bert: Path, tmp_path: Path
) -> None:
    others, theirs = tiny.texts_elsewhere(60)
    columns = {"text": tiny.numbered(others), "label": theirs}
    elsewhere = tiny.write_csv(tmp_path / "elsewhere.csv", columns)
    texts, labels = tiny.toy_texts(120)
    names = ("film", "news")
    for name, rows in zip(names, (slice(0, 60), slice(60, 120)), strict=True):
        columns = {"text": texts[rows], "label": labels[rows]}
        tiny.write_csv(tmp_path / f"{name}.csv", columns)
    sources = [tmp_path / f"{name}.csv" for name in names]
    words = ("--target", elsewhere, "--target-labels", "16", "--method", "mcc", "--backbone", bert)
    outcome = typed("adapt", *sources, *words, "--out", tmp_path / "a", "--json")
    assert outcome.code == 0, outcome.err
    result = json.loads(outcome.out)
    assert [each["name"] for each in result["sources"]] == list(names)
    assert result["target_labels"]["used_for_selection"] == 16
    assert "16 labelled rows of the target train" in outcome.err
    again = typed("adapt", "--config", tmp_path / "a" / "run.toml", "--out", tmp_path / "b")
    assert again.code == 0, again.err
    weights = [(tmp_path / n / "model" / "model.safetensors").read_bytes() for n in "ab"]
    assert weights[0] == weights[1]
    assert typed("predict", tmp_path / "a", elsewhere).code == 0


MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "no target": (("adapt", "good.csv"), "the target is missing"),
    "no source": (("adapt", "--target", "good.csv"), "SOURCE is missing"),
    "no such target": (("adapt", "good.csv", "--target", "els.csv"), "els.csv"),
    "no such method": (("adapt", "good.csv", "--target", "new.csv", "--method", "dan"), "dann"),
    "an empty target": (("adapt", "good.csv", "--target", "empty.csv"), "empty.csv is empty"),
    "few rows": (("adapt", "good.csv", "--target", "few.csv"), "expected 10 or more"),
    "other classes": (("adapt", "good.csv", "--target", "other.csv"), "the source lacks: 'up'"),
    "one class": (("adapt", "good.csv", "--target", "one.csv"), "only the class 'pos'"),
    "the source itself": (("adapt", "good.csv", "--target", "good.csv"), "also in the source"),
    "another modality": (("adapt", "good.csv", "--target", "tiles"), "text"),
    "nothing to score": (
        ("adapt", "good.csv", "--target", "new.csv", "--score-target"),
        "no row with a label to score",
    ),
    "half a pair": (("adapt", "good.csv", "--from", "a"), "--domain COLUMN --from NAME --to NAME"),
    "more labels than there are": (
        ("adapt", "good.csv", "--target", "some.csv", "--target-labels", "21"),
        "some has 20 rows with a label to learn from, and 21 are asked for; expected 20 at most",
    ),
    "labels that are not there": (
        ("adapt", "good.csv", "--target", "new.csv", "--target-labels", "5"),
        "try no --target-labels",
    ),
    "no label is left to score": (
        ("adapt", "good.csv", "--target", "some.csv", "--target-labels", "20", "--score-target"),
        "is left to score",
    ),
    "no labels at all": (
        ("adapt", "good.csv", "--target", "some.csv", "--target-labels", "0"),
        "target_labels = 0 cannot be used; expected a whole number, at least 1",
    ),
    "sources of other classes": (
        ("adapt", "good.csv", "other.csv", "--target", "new.csv"),
        "the source good has no row of 'up', which another source has",
    ),
    "a source of another modality": (
        ("adapt", "good.csv", "tiles", "--target", "new.csv"),
        "the source tiles holds images",
    ),
    "a source twice": (
        ("adapt", "good.csv", "good.csv", "--target", "new.csv"),
        "good.csv is given twice as a source",
    ),
    "a source that is the target": (
        ("adapt", "good.csv", "some.csv", "--target", "some.csv"),
        "also in the source",
    ),
    "domains of other classes": (
        ("adapt", "both.csv", "--domain", "place", "--from", "a,b", "--to", "c"),
        "the source b has no row of 'pos'",
    ),
    "a domain that is not there": (
        ("adapt", "both.csv", "--domain", "place", "--from", "a", "--from", "x", "--to", "c"),
        "no row of the domain 'x'; expected one of a, b, c",
    ),
    "one class in the source": (("adapt", "one.csv", "--target", "new.csv"), "two classes"),
}


@pytest.fixture
def here(tmp_path: Path, bert: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with targets that cannot be used."""
    monkeypatch.chdir(tmp_path)
    texts, labels = tiny.texts_elsewhere(20)
    first = tiny.toy_texts(40)
    tiny.write_csv(tmp_path / "good.csv", {"text": first[0], "label": first[1]})
    tiny.write_csv(tmp_path / "new.csv", {"text": texts})
    tiny.write_csv(tmp_path / "some.csv", {"text": tiny.numbered(texts), "label": labels})
    places = ["a"] * 20 + ["c"] * 20
    places[1:20:4] = ["b"] * 5
    columns = {"text": first[0], "label": first[1], "place": places}
    tiny.write_csv(tmp_path / "both.csv", columns)
    tiny.write_csv(tmp_path / "few.csv", {"text": texts[:3]})
    tiny.write_csv(tmp_path / "other.csv", {"text": texts, "label": ["up", *labels[1:]]})
    tiny.write_csv(tmp_path / "one.csv", {"text": texts, "label": ["pos"] * 20})
    (tmp_path / "empty.csv").write_bytes(b"")
    tiny.dim_folders(tmp_path / "tiles", 12)
    return tmp_path


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    typed: Type, here: Path, bert: Path, mistake: str
) -> None:
    words, sentence = MISTAKES[mistake]
    before = sorted(here.rglob("*"))
    outcome = typed(*words, "--backbone", bert, "--out", "new-run")
    assert outcome.code == 2, outcome.err
    last = outcome.err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert sentence in last
    assert "Traceback" not in outcome.err
    assert sorted(here.rglob("*")) == before
