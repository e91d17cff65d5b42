"""Makes what the steps of a shift hand on, on tiny networks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regraft.backbones.modes import Mode
from regraft.runs.adapting.record import fit_settings
from regraft.runs.adapting.target import Target, read_target
from regraft.runs.fitting.prepare import Prepared, prepare
from regraft.runs.shifting.gathered import Gathered, gather
from regraft.settings import ShiftSettings
from regraft.training.precision import Verdict
from tests import tiny

Gather = Callable[..., tuple[Prepared, Target, Gathered]]


@pytest.fixture(autouse=True)
def _one_penalty() -> None:
    """Tries all penalties, as a run does: what is estimated of a domain rests on it."""


@pytest.fixture(scope="session")
def gathered(_own_cache: None, bert: Path) -> Gather:
    """Goes the steps up to the features, on so many source rows or on other data."""

    def make(rows: int = 240, *, source: object = None, target: object = None, **typed: Any) -> Any:
        settings = ShiftSettings(backbone=str(bert), **typed)
        made = prepare(
            fit_settings(settings.adapting()),
            source or tiny.toy_texts(rows),
            say=list[str]().append,
        )
        elsewhere = target or tiny.texts_elsewhere(60)
        read = read_target(elsewhere, made, score=True, say=list[str]().append, whole=True)
        verdict = Verdict(Mode(), Mode(), {}, "a processor")
        return made, read, gather(made, verdict, target=read)

    return make
