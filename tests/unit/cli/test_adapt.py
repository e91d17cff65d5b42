"""`adapt` hands checked settings to the verb and prints what it gives back."""

import json
from pathlib import Path
from typing import Any, get_type_hints

from regraft.cli.adapt import AdaptFlags, adapt_settings
from regraft.settings import AdaptSettings
from regraft.training.progress import Lines, Silent
from tests.unit.cli.conftest import Stand, Type
from tests.unit.reports.example_result import example_result


def example() -> dict[str, Any]:
    entry = {"name": "source_only", "selection": {}, "guards": {}, "seconds": 0.1}
    more = {"methods": [entry], "chosen": "source_only", "reason": "source-only is kept"}
    return {**example_result(), **more}


def test_every_setting_of_adapt_has_its_flag() -> None:
    flags = set(get_type_hints(AdaptFlags)) - {"json", "quiet", "config", "no_cache"}
    settings = set(AdaptSettings.model_fields) - {"data", "sources", "repeat", "cache", "baselines"}
    assert flags - {"no_baselines"} == settings


def test_the_verb_gets_what_was_typed(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("adapt:run_adapt", example())
    words = "adapt s.csv --target t.csv --method mcc --score-target --strict --no-cache --out r"
    assert typed(*words.split()).code == 0
    settings, progress = verb.calls[0]
    assert settings == AdaptSettings.model_validate(
        {
            "data": "s.csv",
            "target": "t.csv",
            "method": "mcc",
            "score_target": True,
            "strict": True,
            "cache": False,
            "out": "r",
        }
    )
    assert isinstance(progress, Lines)


def test_flags_that_let_the_trunk_move_reach_the_verb(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("adapt:run_adapt", example())
    words = "--strategy full --freeze 2 --freeze-threshold 0.2 --epochs 1.5 --lr 0.01 --preset best"
    assert typed("adapt", "s.csv", "--target", "t.csv", *words.split()).code == 0
    settings = verb.calls[0][0]
    told = (settings.strategy, settings.freeze, settings.freeze_threshold, settings.preset)
    assert told == ("full", "2", 0.2, "best")
    assert (settings.epochs, settings.lr, settings.moves) == (1.5, 0.01, True)


def test_settings_of_steps_reach_the_verb(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("adapt:run_adapt", example())
    words = (
        "--batch-size 4 --optimizer sgd --augment none --dropout 0.1 --layer-decay 0.9 "
        "--weight-decay 0 --patience 2"
    )
    assert typed("adapt", "s.csv", "--target", "t.csv", *words.split()).code == 0
    given = {
        "batch_size": 4,
        "optimizer": "sgd",
        "augment": "none",
        "dropout": 0.1,
        "layer_decay": 0.9,
        "weight_decay": 0.0,
        "patience": 2,
    }
    assert verb.calls[0][0] == AdaptSettings.model_validate(
        {"data": "s.csv", "target": "t.csv", **given}
    )
    assert verb.calls[0][0].moves


def test_methods_may_be_typed_one_by_one(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("adapt:run_adapt", example())
    words = "adapt s.csv --target t.csv --method dann:steps=9 --method mcc,adabn+coral"
    assert typed(*words.split()).code == 0
    assert verb.calls[0][0].method == "dann:steps=9,mcc,adabn+coral"


def test_two_domains_are_typed_with_from_and_to(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("adapt:run_adapt", example())
    typed("adapt", "s.csv", "--domain", "place", "--from", "film", "--to", "shop")
    settings = verb.calls[0][0]
    assert (settings.domain, settings.to_domain) == ("place", "shop")
    assert settings.from_domain == ("film",)


def test_several_sources_and_several_domains_may_be_typed(typed: Type, stand_in: Stand) -> None:
    verb = stand_in("adapt:run_adapt", example())
    assert typed("adapt", "a.csv", "b.csv", "--target", "t.csv", "--target-labels", "20").code == 0
    assert (verb.calls[0][0].sources, verb.calls[0][0].data) == (("a.csv", "b.csv"), "")
    assert verb.calls[0][0].target_labels == 20
    words = ("--domain", "place", "--from", "film", "--from", "news", "--to", "shop")
    assert typed("adapt", "s.csv", *words).code == 0
    assert verb.calls[1][0].from_domain == ("film", "news")


def test_sources_that_are_typed_replace_those_of_the_file(tmp_path: Path) -> None:
    several, one = tmp_path / "several.toml", tmp_path / "one.toml"
    several.write_text('sources = ["a", "b"]\ntarget = "t"\n')
    one.write_text('data = "a"\ntarget = "t"\n')
    assert adapt_settings([], {"config": several}).sources == ("a", "b")
    found = adapt_settings(["c"], {"config": several})
    assert (found.data, found.sources) == ("c", ())
    found = adapt_settings(["c", "d"], {"config": one})
    assert (found.data, found.sources) == ("", ("c", "d"))


def test_the_table_is_the_result_and_the_reason_is_said(typed: Type, stand_in: Stand) -> None:
    stand_in("adapt:run_adapt", example())
    outcome = typed("adapt", "s.csv", "--target", "t.csv")
    assert outcome.out.splitlines()[-1].startswith("source_only")
    assert "source-only is kept" in outcome.err


def test_json_is_the_whole_document_and_quiet_reaches_the_verb(
    typed: Type, stand_in: Stand
) -> None:
    verb = stand_in("adapt:run_adapt", example())
    outcome = typed("adapt", "s.csv", "--target", "t.csv", "--json", "--quiet")
    assert json.loads(outcome.out) == example()
    assert isinstance(verb.calls[0][1], Silent)


def test_a_source_must_be_named(typed: Type) -> None:
    outcome = typed("adapt", "--target", "t.csv")
    assert outcome.code == 2
    assert "SOURCE is missing; expected a file, a folder or starter:NAME" in outcome.err


def test_truths_in_the_file_can_be_undone(tmp_path: Path) -> None:
    file = tmp_path / "adapt.toml"
    file.write_text('target = "t"\nscore_target = true\nstrict = true\n')
    flags = {"config": file, "score_target": False, "strict": False}
    settings = adapt_settings(["s"], flags)
    assert (settings.score_target, settings.strict) == (False, False)
