"""Tests that the target comes first, the source after it, and the target last where asked."""

import pytest

from regraft.errors import SettingsError
from regraft.strategies.sequential import Sequential
from tests.tiny_sessions import facts, grafted, spliced


@pytest.mark.parametrize("final", [False, True])
def test_the_phases_in_order(final: bool) -> None:
    given = facts("text", epochs=5, start_line=1)
    phases = Sequential(3.0, final).phases(spliced(grafted("text")), given)
    names = ["head", "target", "mixed", *(["final"] if final else [])]
    assert [phase.name for phase in phases] == names
    assert [phase.mix for phase in phases][:3] == [0, 0, 3]
    assert [phase.line for phase in phases][1:] == [1] * (len(names) - 1)
    assert [phase.epochs for phase in phases][1:] == [5, 5, 2][: len(names) - 1]


def test_no_rows_of_the_source_are_refused() -> None:
    with pytest.raises(SettingsError, match="sequential:ratio=0"):
        Sequential(0)
