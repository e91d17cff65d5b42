import json

from regraft.runs.listing import list_backbones, list_datasets, list_strategies
from regraft.strategies.table import STRATEGIES


def test_every_strategy_is_listed_with_what_it_does_and_whose_idea_it_is() -> None:
    listed = {entry["name"]: entry for entry in list_strategies()}
    assert set(listed) == set(STRATEGIES)
    assert list(listed) == sorted(listed)
    assert listed["head"]["does"].startswith("Makes one phase")
    assert "Alain and Bengio 2016" in listed["head"]["source"]
    assert all(entry["source"] for entry in listed.values())


def test_backbones_and_data_sets_are_plain_data_with_names() -> None:
    for entries in (list_backbones(), list_datasets()):
        assert all(entry["name"] for entry in entries)
        json.dumps(entries)
