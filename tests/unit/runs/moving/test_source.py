"""Tests what every method goes on from."""

from regraft.adaptation.domains import Adapted
from regraft.adaptation.selection import signs_of
from regraft.runs.moving.source import Start, judging_alone
from regraft.training.keeping.keeper import Kept
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
