import json

from regraft.adaptation.moving import MOVING
from regraft.adaptation.table import METHODS, PREPARATIONS
from regraft.runs.listing import list_backbones, list_datasets, list_methods, list_strategies
from regraft.strategies.options import options_of
from regraft.strategies.table import MODIFIERS, STRATEGIES


def test_every_strategy_is_listed_with_what_it_does_and_whose_idea_it_is() -> None:
    listed = {entry["name"]: entry for entry in list_strategies()}
    modifiers = [f"+{name}" for name in sorted(MODIFIERS)]
    assert list(listed) == ["auto", *sorted(STRATEGIES), *modifiers]
    assert listed["auto"]["does"].startswith("Decides which strategies")
    assert listed["decay"]["options"] == ["rate=0.0001", "head", "layer=1.0"]
    assert listed["+lora"]["options"] == ["rank=8", "alpha=16"]
    assert listed["head"]["does"].startswith("Makes one phase")
    assert "Alain and Bengio 2016" in listed["head"]["source"]
    assert all(entry["source"] for entry in listed.values())


def test_every_method_is_listed_in_the_order_of_its_table() -> None:
    listed = list_methods()
    assert [entry["name"] for entry in listed] == [*METHODS, *PREPARATIONS]
    pace = ["steps=200", "rows=64", "rate=0.0005", "decay=0.1"]
    options = {entry["name"]: entry["options"] for entry in listed}
    assert options["mcc"] == ["weight=1.0", "temperature=2.5", *pace]
    assert options["pseudo"][0] == "shares=0.2/0.4/0.6"
    assert all(entry["does"].startswith("Makes ") and entry["source"] for entry in listed)


def test_methods_that_can_move_the_trunk_are_listed_with_the_options_that_they_have_there() -> None:
    moving = {entry["name"]: entry["moving"] for entry in list_methods()}
    wanted = ["discriminator=auto", "position", "hidden=64", "weight=1.0", "rate=0.001"]
    assert moving["dann"] == moving["cdan"] == [*wanted, "confusion=0.0"]
    assert moving["pseudo"] == ["weight=1.0", "threshold=0.95"]
    assert moving["shot"] == moving["vae"] == moving["adabn"] == []
    for name, made in MOVING.items():
        assert [option.partition("=")[0] for option in moving[name]] == list(options_of(made))


def test_backbones_and_data_sets_are_plain_data_with_names() -> None:
    for entries in (list_backbones(), list_datasets()):
        assert all(entry["name"] for entry in entries)
        json.dumps(entries)
