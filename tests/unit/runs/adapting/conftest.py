"""Makes what the steps of an adaptation hand on, on tiny networks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regraft.adaptation.domains import Domains
from regraft.backbones.modes import Mode
from regraft.runs.adapting.features import Pools, domains_of, pool_domains
from regraft.runs.adapting.record import fit_settings
from regraft.runs.adapting.target import Target, read_target
from regraft.runs.fitting.prepare import Prepared, prepare
from regraft.runs.fitting.train import Trained, train
from regraft.settings import AdaptSettings
from regraft.training.precision import Verdict
from regraft.training.progress import Silent
from tests import tiny


def nobody(line: str) -> None:
    """Hears what is said, and forgets it."""


Prepare = Callable[..., Prepared]
Steps = Callable[..., tuple[Prepared, Trained, Pools, Target, Domains]]


@pytest.fixture
def verdict() -> Verdict:
    """Everything in fp32, without a probe."""
    return Verdict(Mode(), Mode(), {}, "a processor")


@pytest.fixture
def prepared(bert: Path) -> Prepare:
    """Prepares source-only on so many toy texts, or on other data."""

    def make(rows: int = 240, *, source: object = None, **typed: Any) -> Prepared:
        settings = AdaptSettings(**{"backbone": str(bert), **typed})
        return prepare(fit_settings(settings), source or tiny.toy_texts(rows), say=nobody)

    return make


@pytest.fixture
def steps(prepared: Prepare, verdict: Verdict) -> Steps:
    """Goes all steps up to the domains, on so many source rows."""

    def make(rows: int = 240, *, score: bool = True) -> Any:
        made = prepared(rows)
        target = read_target(tiny.texts_elsewhere(40), made, score=score, say=nobody)
        pools = pool_domains(made, verdict, target=target)
        trained = train(made, verdict, pooled=pools.source, progress=Silent())
        return made, trained, pools, target, domains_of(made, trained, pools=pools, target=target)

    return make
