"""Makes what the steps of a fit hand on, on tiny networks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regraft.backbones.modes import Mode
from regraft.runs.fitting.prepare import Prepared, prepare
from regraft.settings import FitSettings
from regraft.training.precision import Verdict
from tests import tiny

Prepare = Callable[..., Prepared]


@pytest.fixture
def prepared(bert: Path) -> Prepare:
    """Prepares a fit on so many toy texts, or on other data."""

    def make(rows: int = 240, *, source: object = None, **typed: Any) -> Prepared:
        settings = FitSettings(**{"backbone": str(bert), "epochs": 2, **typed})
        return prepare(settings, source or tiny.toy_texts(rows), say=lambda line: None)

    return make


@pytest.fixture
def verdict() -> Verdict:
    """Everything in fp32, without a probe."""
    return Verdict(Mode(), Mode(), {}, "a processor")
