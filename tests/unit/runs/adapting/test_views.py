"""Tests what methods see after a preparation, and that the network is as it was then."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from regraft.adaptation.adabn import AdaBn
from regraft.adaptation.preparation import Changed, Given, worn
from regraft.adaptation.tapt import Tapt
from regraft.errors import DivergedError, SettingsError
from regraft.features.pooled import pooled_features
from regraft.freezing.line import NOTHING, Above
from regraft.freezing.proof import digest
from regraft.runs.adapting.features import domains_of, pool_domains
from regraft.runs.adapting.target import read_target
from regraft.runs.adapting.views import View, check_usable, given_of, views_of
from regraft.runs.fitting.train import train
from regraft.training.precision import Verdict
from regraft.training.progress import Silent
from tests import tiny
from tests.unit.runs.adapting.conftest import Prepare, nobody


def seen(prepare: Prepare, verdict: Verdict, source: Any, target: Any, **typed: Any) -> Any:
    """Returns what was prepared, the target and the views of methods."""
    prepared = prepare(source=source, **typed)
    rows = read_target(target, prepared, score=False, say=nobody)
    pools = pool_domains(prepared, verdict, target=rows)
    trained = train(prepared, verdict, pooled=pools.source, progress=Silent())
    domains = domains_of(prepared, trained, pools=pools, target=rows)
    return prepared, rows, views_of(prepared, verdict, target=rows, base=View(domains, pools))


@pytest.fixture
def texts(prepared: Prepare, verdict: Verdict) -> Any:
    return seen(prepared, verdict, tiny.toy_texts(240), tiny.texts_elsewhere(40))


@pytest.fixture
def pictures(prepared: Prepare, verdict: Verdict, resnet: Path, tmp_path: Path) -> Any:
    source = tiny.image_folders(tmp_path / "source", 240)
    target = tiny.dim_folders(tmp_path / "target", 40)
    return seen(prepared, verdict, str(source), str(target), backbone=str(resnet))


def test_methods_that_follow_the_same_preparation_share_its_view(pictures: Any) -> None:
    views = pictures[2]
    assert views.of("mcc") is views.of("source-only") is views.base
    assert views.of("adabn") is views.of("adabn+mcc:steps=3") is not views.base
    assert views.of("adabn:prior=0") is not views.of("adabn")


def test_adabn_shows_each_domain_by_its_own_statistics(pictures: Any, verdict: Verdict) -> None:
    prepared, target, views = pictures
    before = digest(prepared.network.state_dict())
    view = views.of("adabn")
    assert digest(prepared.network.state_dict()) == before
    changed = AdaBn().prepare(given_of(prepared, verdict, target=target))
    assert changed.source_tensors is not None
    for tensors, rows, found in (
        (changed.tensors, target.encoded, view.pools.target),
        (changed.source_tensors, prepared.encoded["train"], view.domains.source.features),
        (changed.source_tensors, prepared.encoded["val"], view.domains.val.features),
    ):
        with worn(prepared.network.trunk, tensors):
            wanted = pooled_features(prepared.network, rows, mode=verdict.inference)
        assert found == pytest.approx(wanted, abs=1e-4)
    start = view.domains.start.logits(view.domains.source.features).argmax(axis=1)
    assert (start == view.domains.source.labels).mean() > 0.95
    assert np.abs(view.pools.target - views.base.pools.target).max() > 0.01
    assert view.pools.part("test").shape == views.base.pools.part("test").shape


def test_fourier_shows_other_source_rows_and_keeps_what_predicts(pictures: Any) -> None:
    _, _, views = pictures
    view = views.of("fourier")
    assert view.pools is views.base.pools
    assert np.array_equal(view.domains.target, views.base.domains.target)
    moved = np.abs(view.domains.source.features - views.base.domains.source.features)
    assert moved.max() > 0.01
    assert len(view.domains.val.labels) == len(views.base.domains.val.labels) > 0
    found = view.domains.start.logits(view.domains.source.features).argmax(axis=1)
    assert (found == view.domains.source.labels).mean() > 0.95


def test_tapt_shows_both_domains_by_the_trained_trunk(texts: Any, verdict: Verdict) -> None:
    prepared, target, views = texts
    before = digest(prepared.network.state_dict())
    view = views.of("tapt:steps=2,rows=8")
    assert digest(prepared.network.state_dict()) == before
    tensors = Tapt(steps=2, rows=8).prepare(given_of(prepared, verdict, target=target)).tensors
    with worn(prepared.network.trunk, tensors):
        rows = prepared.encoded["train"]
        wanted = pooled_features(prepared.network, rows, mode=verdict.inference)
    assert view.domains.source.features == pytest.approx(wanted, abs=1e-4)
    assert view.domains.start is not views.base.domains.start
    assert np.array_equal(view.domains.proportions, views.base.domains.proportions)


def test_what_was_typed_to_be_frozen_stands_still_and_nothing_else(
    prepared: Prepare, verdict: Verdict
) -> None:
    def still(**typed: Any) -> Above:
        made = prepared(**typed)
        target = read_target(tiny.texts_elsewhere(40), made, score=False, say=nobody)
        return given_of(made, verdict, target=target).still

    assert still() == NOTHING
    assert still(strategy="full+bias-only") == NOTHING
    block = prepared().chain.blocks[0]
    assert still(freeze=1).parameters >= frozenset(block.parameters)
    assert still(freeze=1).modules >= frozenset(block.modules)
    norms = still(freeze="norm").parameters
    assert norms
    assert all("Norm" in name for name in norms)


def test_a_preparation_whose_features_are_no_numbers_is_said_to_have_diverged(
    texts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(self: Tapt, given: Given) -> Changed:
        name, weight = next(iter(given.trunk.named_parameters()))
        return Changed({name: torch.full_like(weight, 3e38)})

    monkeypatch.setattr(Tapt, "prepare", spoilt)
    with pytest.raises(DivergedError, match="features of the network that was prepared are no"):
        texts[2].of("tapt")


def test_what_can_do_nothing_is_refused_all_at_once(texts: Any) -> None:
    prepared = texts[0]
    trunk, spec = prepared.network.trunk, prepared.backbone.spec
    check_usable(["source-only", "tapt", "mcc"], trunk, spec=spec)
    with pytest.raises(SettingsError, match=r"no batch norm.*; fourier cannot be used: it changes"):
        check_usable(["adabn+mcc", "fourier"], trunk, spec=spec)
