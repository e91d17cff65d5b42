"""Tests that masked tokens are told better, that the seed decides all, and what is refused."""

from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from regraft.adaptation.tapt import Tapt, rate_share
from regraft.backbones.modes import Mode
from regraft.data.texts import TokenRows
from regraft.errors import SettingsError
from regraft.freezing.line import Above
from regraft.freezing.proof import digest
from regraft.losses.cross_entropy import cross_entropy
from tests.unit.adaptation.conftest import Give

SHORT = Tapt(steps=3, rows=8)


def test_the_trunk_moves_and_what_was_given_does_not(texts: Give) -> None:
    given = texts()
    before = digest(given.trunk.state_dict())
    changed = SHORT.prepare(given)
    assert digest(given.trunk.state_dict()) == before
    names = dict(given.trunk.named_parameters())
    assert any("layer.1" in name for name in changed.tensors)
    assert changed.tensors.keys() <= names.keys()
    assert changed.source_tensors is None
    table = "embeddings.word_embeddings.weight"
    old, new = names[table].detach(), changed.tensors[table]
    assert new.shape == old.shape
    assert isinstance(given.train, TokenRows)
    assert isinstance(given.target, TokenRows)
    used = np.unique(np.concatenate([given.train.tokens, given.target.tokens]))
    unused = np.setdiff1d(np.arange(given.train.pad_id + 1, len(old)), used)
    assert torch.equal(new[unused], old[unused])


def test_what_the_user_froze_is_not_trained(texts: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    given = texts()
    stepped: set[int] = set()
    names = [n for n, _ in given.trunk.named_parameters()]
    frozen = frozenset(n for n in names if n.startswith(("embeddings", "encoder.layer.0")))
    assert 0 < len(frozen) < len(names)
    modules = frozenset(n for n, _ in given.trunk.named_modules() if n.startswith("embeddings"))
    real = torch.optim.AdamW.step

    def noted(self: torch.optim.AdamW) -> None:
        stepped.update(id(p) for group in self.param_groups for p in group["params"])
        real(self)

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    changed = SHORT.prepare(replace(given, still=Above(frozen, modules)))
    assert changed.tensors.keys() <= {*names} - frozen
    assert any(name.startswith("encoder.layer.1") for name in changed.tensors)
    # The head has three more.
    assert len(stepped) == len(names) - len(frozen) + 3


def test_half_numbers_would_need_a_scaled_loss_and_are_not_taken(
    texts: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Mode.running
    seen: list[str] = []

    def noted(self: Mode) -> AbstractContextManager[None]:
        seen.append(self.precision)
        return real(self)

    monkeypatch.setattr(Mode, "running", noted)
    SHORT.prepare(replace(texts(), training=Mode("fp16")))
    assert set(seen) == {"fp32"}
    SHORT.prepare(replace(texts(), training=Mode("bf16")))
    assert seen[-1] == "bf16"


def test_masked_tokens_are_told_better_with_every_stretch_of_steps(
    texts: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses: list[float] = []

    def noted(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        loss = cross_entropy(logits, labels)
        losses.append(float(loss.detach()))
        return loss

    monkeypatch.setattr("regraft.adaptation.tapt.cross_entropy", noted)
    Tapt(steps=60, rows=16, rate=1e-3).prepare(texts())
    assert len(losses) == 60
    assert np.mean(losses[-15:]) < np.mean(losses[:15]) - 0.3


def test_the_seed_decides_all_and_draws_of_others_are_left_alone(texts: Give) -> None:
    given = texts()
    torch.manual_seed(11)
    wanted = torch.rand(3)
    torch.manual_seed(11)
    first = SHORT.prepare(given)
    assert torch.equal(torch.rand(3), wanted)
    torch.manual_seed(12)
    second, other = SHORT.prepare(texts()), SHORT.prepare(replace(texts(), seed=4))
    assert digest(dict(first.tensors)) == digest(dict(second.tensors))
    assert digest(dict(first.tensors)) != digest(dict(other.tensors))


def test_texts_of_two_tokens_teach_nothing(texts: Give) -> None:
    given = texts()
    assert isinstance(given.target, TokenRows)
    short = TokenRows(np.array([2, 3] * 12, np.int32), np.arange(0, 25, 2), 0)
    assert SHORT.prepare(replace(given, train=short, target=short)).tensors == {}


def test_a_rate_at_which_it_diverges_is_told(texts: Give) -> None:
    with pytest.raises(SettingsError, match=r"tapt diverged.*smaller tapt:rate"):
        Tapt(steps=20, rows=8, rate=1e30).prepare(texts())


def test_what_only_the_last_step_spoils_is_told_too(
    texts: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steep(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Is a finite loss, whose gradient is none."""
        return cross_entropy(logits, labels) + (logits.sum() * 0).sqrt()

    monkeypatch.setattr("regraft.adaptation.tapt.cross_entropy", steep)
    with pytest.raises(SettingsError, match="tapt diverged: its weights are no finite numbers"):
        Tapt(steps=1, rows=8).prepare(texts())


def test_images_and_networks_without_a_table_are_refused(pictures: Give, texts: Give) -> None:
    assert Tapt().refusal(texts().trunk, texts().spec) == ""
    assert "the data are images" in Tapt().refusal(pictures().trunk, pictures().spec)
    assert "no table of tokens" in Tapt().refusal(nn.Linear(2, 2), texts().spec)


@pytest.mark.parametrize("options", [{"masked": 0.0}, {"masked": 1.0}, {"source": 1.5}])
def test_shares_out_of_bounds_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="cannot be used"):
        Tapt(**options)  # type: ignore[arg-type]


def test_the_rate_rises_and_falls_to_nothing() -> None:
    shares = [rate_share(step, 100) for step in range(100)]
    assert shares[5] == max(shares) == 1.0
    assert 0 < shares[-1] < 0.02
    assert shares[0] == pytest.approx(1 / 6)
