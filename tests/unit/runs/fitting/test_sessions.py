"""What was typed reaches the session that trains."""

from typing import Any

import pytest

from regraft.freezing.threshold import USUAL, Rule
from regraft.runs.fitting.sessions import examples, new_session, rule_of, top_level
from regraft.settings import FitSettings
from regraft.training.precision import Verdict
from regraft.training.progress import Silent
from tests.unit.runs.fitting.conftest import Prepare


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ({}, None),
        ({"freeze_threshold": "auto"}, Rule(0.1, "left", prefix=True)),
        (
            {"freeze_threshold": 0.3, "freeze_threshold_scope": "any"},
            Rule(0.3, "left", prefix=False),
        ),
        (
            {"freeze_threshold": "auto", "freeze_threshold_rule": "gradient"},
            Rule(USUAL["gradient"], "gradient"),
        ),
        (
            {"freeze_threshold": 0.5, "freeze_threshold_rule": "clock"},
            Rule(0.5, "clock"),
        ),
    ],
)
def test_the_rule_is_what_was_typed(typed: dict[str, Any], rule: Rule | None) -> None:
    assert rule_of(FitSettings(**typed)) == rule


def test_settings_become_options(prepared: Prepare, verdict: Verdict) -> None:
    made = prepared(40, epochs=2.5, ema=0.9, views=2, patience=4, seed=7)
    rows = (examples(made, "train"), examples(made, "val"))
    session = new_session(made, verdict, rows=rows, progress=Silent())
    assert session.options.least_paired == 32
    options = session.options
    assert (options.average, options.views, options.patience, options.seed) == (0.9, 2, 4, 7)
    assert session.spec is made.backbone.spec
    assert session.cache is made.cache
    assert len(session.train) == len(made.dataset.parts["train"])


def test_a_typed_batch_stays_where_domains_are_compared(
    prepared: Prepare, verdict: Verdict
) -> None:
    made = prepared(40, batch_size=6)
    rows = (examples(made, "train"), examples(made, "val"))
    options = new_session(made, verdict, rows=rows, progress=Silent()).options
    assert (options.batch_size, options.least_paired) == (6, 4)


def test_the_top_level_is_the_whole_trunk(prepared: Prepare, verdict: Verdict) -> None:
    made = prepared(40)
    assert top_level(made, verdict).pooled
    assert top_level(made, verdict).key == top_level(prepared(44), verdict).key
