"""Tests what every method goes on from."""

from dataclasses import replace

import numpy as np

from regraft.adaptation.domains import Adapted
from regraft.adaptation.selection import signs_of
from regraft.losses.cross_entropy import balanced_weights
from regraft.runs.moving.source import Start, _weights, judging_alone
from regraft.training.keeping.keeper import Kept
from tests.tiny_sessions import elsewhere_examples, session
from tests.two_domains import domains, two_classes


def started(name: str) -> Start:
    made = domains(two_classes(40, 1), two_classes(40, 2))
    signs = signs_of(Adapted(made.start, made.start), made)
    return Start(Kept({}, {}), made, made, signs, name)


def test_a_method_is_named_with_what_came_before() -> None:
    assert started("").named("mcc") == "mcc"
    assert started("tapt:steps=5").named("mcc:weight=2") == "tapt:steps=5+mcc:weight=2"


def test_rows_that_do_not_judge_need_no_features() -> None:
    made = started("").domains
    held_out = two_classes(12, 3)
    whole = type(made)(made.source, held_out, made.target, made.start, made.proportions)
    alone = judging_alone(whole)
    assert alone.source is held_out
    assert len(alone.val.labels) == 0
    assert judging_alone(made).source is made.source


def test_labelled_rows_of_the_target_count_where_classes_are_balanced() -> None:
    """Else a class that the source lacks would have no weight, and a loss of 0 / 0."""
    made, lent = session("text"), elsewhere_examples("text", 6)
    assert _weights(made, lent) is None
    made.options = replace(made.options, class_weights=np.ones(3, np.float32))
    lent, made.lent_times = replace(lent, labels=np.full(6, 2)), 4
    found = _weights(made, lent)
    assert found is not None
    together = np.concatenate([made.train.labels, np.full(24, 2)])
    assert found.tolist() == balanced_weights(together, 3).tolist()
    assert (found > 0).all()
