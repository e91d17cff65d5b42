"""Tests that the line moves down stage by stage, and the passes are shared out."""

import pytest

from regraft.strategies.gradual import Gradual
from tests.tiny_sessions import facts, grafted, spliced


@pytest.mark.parametrize(
    ("stages", "epochs", "start_line", "lines", "passes"),
    [
        (3, 3, 0, [2, 1, 0], [1, 1, 1]),
        (3, 5, 0, [2, 1, 0], [1, 1, 3]),
        (2, 4, 0, [1, 0], [2, 2]),
        (3, 2, 0, [1, 0], [1, 1]),
        (3, 6, 2, [2], [6]),
        (1, 4, 1, [1], [4]),
    ],
)
def test_the_line_moves_down_and_every_pass_is_taken(
    stages: int, epochs: int, start_line: int, lines: list[int], passes: list[int]
) -> None:
    given = facts("image", epochs=epochs, start_line=start_line)
    head, *found = Gradual(stages).phases(spliced(grafted("image")), given)
    assert (head.name, head.line) == ("head", 3)
    assert [phase.line for phase in found] == lines
    assert [phase.epochs for phase in found] == passes
    assert [phase.name for phase in found] == [f"stage {n}" for n in range(1, len(found) + 1)]
