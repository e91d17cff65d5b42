"""The learning curves of a comparison have a line and a band for each strategy."""

from typing import Any
from xml.etree import ElementTree

from regraft.reports.curve import COLOURS, accuracy_by_rows
from tests.unit.reports.example_comparison import example_comparison
from tests.unit.reports.test_plots import picture


def drawn(strategies: list[dict[str, Any]]) -> str:
    return picture(accuracy_by_rows(strategies))


def test_every_strategy_has_its_name_a_line_and_a_band() -> None:
    svg = drawn(example_comparison()["strategies"])
    texts = {node.text for node in ElementTree.fromstring(svg).iter() if node.text}
    assert {"head", "two-stage", "labelled rows", "accuracy on test rows (%)"} <= texts
    assert {"100", "300", "1,000"} <= texts
    assert svg.count("PolyCollection") >= 2
    assert all(colour in svg for colour in COLOURS[:2])


def test_the_same_document_makes_the_same_bytes() -> None:
    strategies = example_comparison()["strategies"]
    assert accuracy_by_rows(strategies) == accuracy_by_rows(strategies)


def test_a_hostile_name_stays_words() -> None:
    strategies = example_comparison()["strategies"]
    strategies[0]["name"] = "<script>$\\frac{1}{2}$"
    assert "<script" not in drawn(strategies)


def test_wide_bands_do_not_flatten_the_curves() -> None:
    strategies = example_comparison()["strategies"]
    strategies[0]["fractions"][0]["accuracy"] |= {"low": 0.0, "high": 1.0}
    texts = [n.text or "" for n in ElementTree.fromstring(drawn(strategies)).iter()]
    assert "20" not in texts


def test_a_single_share_makes_no_picture() -> None:
    strategies = example_comparison()["strategies"]
    for strategy in strategies:
        del strategy["fractions"][1:]
    assert accuracy_by_rows(strategies) == ""
    assert accuracy_by_rows([]) == ""


def test_the_classic_is_a_line_without_a_band() -> None:
    result = example_comparison()
    (classic,) = result["baselines"]
    svg = picture(accuracy_by_rows(result["strategies"], classic=classic))
    assert "TF-IDF" in svg
    bands = svg.count("PolyCollection")
    assert bands == drawn(result["strategies"]).count("PolyCollection")


def test_a_classic_far_below_is_in_the_picture() -> None:
    result = example_comparison()
    (classic,) = result["baselines"]
    for share in classic["fractions"]:
        share["accuracy"] = {"value": 0.31, "low": 0.3, "high": 0.32}
    svg = picture(accuracy_by_rows(result["strategies"], classic=classic))
    texts = {node.text for node in ElementTree.fromstring(svg).iter() if node.text}
    assert {"20", "30"} & texts


def test_a_share_with_which_every_seed_diverged_has_no_point() -> None:
    strategies = example_comparison()["strategies"]
    strategies[0]["fractions"][0] |= {"accuracy": None, "rows": None}
    assert "two-stage" in drawn(strategies)
