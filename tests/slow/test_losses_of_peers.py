"""Compares the losses of adaptation with those of pytorch-adapt and skada, where they are.

Neither is installed with regraft: `bench/peers/install.py` makes an environment that has
both; its Python runs this file.
"""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from regraft.losses.class_confusion import TEMPERATURE, class_confusion
from regraft.losses.conditional_adversarial import (
    conditional_adversarial,
    entropy_weights,
)
from regraft.losses.coral import coral
from regraft.losses.domain_adversarial import domain_adversarial
from regraft.losses.mmd import FACTORS, mmd

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs are of older days
WANTED = "bench/peers/install.py makes an environment that has it"
CLOSE = 1e-5


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def source() -> Tensor:
    """(12, 5) features."""
    return drawn(12, 5, seed=0)


@pytest.fixture
def target() -> Tensor:
    """(9, 5) features elsewhere."""
    return 1.5 * drawn(9, 5, seed=1) + 1


@pytest.fixture
def scores() -> tuple[Tensor, Tensor]:
    """Scores of a domain classifier: (12,) of source rows, (9,) of target rows."""
    return 2 * drawn(12, seed=2), 2 * drawn(9, seed=3)


@pytest.fixture
def logits() -> Tensor:
    """(9, 4) logits of target rows."""
    return 3 * drawn(9, 4, seed=4)


class TestPytorchAdapt:
    """Against pytorch-adapt."""

    @pytest.fixture(autouse=True)
    def layers(self) -> None:
        self.theirs = pytest.importorskip(
            "pytorch_adapt.layers", reason=WANTED, exc_type=ImportError
        )
        self.hooks = pytest.importorskip("pytorch_adapt.hooks", reason=WANTED, exc_type=ImportError)

    def test_coral(self, source: Tensor, target: Tensor) -> None:
        assert float(coral(source, target)) == pytest.approx(
            float(self.theirs.CORALLoss()(source, target)), abs=CLOSE
        )

    def test_mcc(self, logits: Tensor) -> None:
        expected = self.theirs.MCCLoss(T=TEMPERATURE)(logits)
        assert float(class_confusion(logits)) == pytest.approx(float(expected), abs=CLOSE)

    def test_mmd(self, source: Tensor, target: Tensor) -> None:
        rows = torch.cat([source, target])
        width = float(torch.cdist(rows, rows).square().sum() / (21 * 20))
        scales = torch.tensor([1 / factor for factor in FACTORS])
        theirs = self.theirs.MMDLoss(scales, mmd_type="quadratic", bandwidth=width)
        # They leave out the pairs of a row with itself (k = 1), equation 5 does not.
        own = sum((1 - mean_kernel(x, width)) / len(x) for x in (source, target))
        expected = float(theirs(source, target)) + own
        assert float(mmd(source, target)) == pytest.approx(expected, abs=CLOSE)

    def test_dann(self, scores: tuple[Tensor, Tensor]) -> None:
        hook = self.hooks.DomainLossHook()
        _, losses = hook(
            {
                "src_imgs_features": scores[0].requires_grad_(),
                "target_imgs_features": scores[1].requires_grad_(),
                "D": torch.nn.Identity(),
                "src_domain": torch.ones(12),
                "target_domain": torch.zeros(9),
            },
            {},
        )
        means = [float(losses[f"{name}_domain_loss"].detach().mean()) for name in ("src", "target")]
        found = float(domain_adversarial(*scores).detach())
        # We differ by the half: theirs are two losses, which a weighter then takes the mean of.
        assert found == pytest.approx(sum(means) / 2, abs=CLOSE)

    def test_cdan_with_entropy(self, scores: tuple[Tensor, Tensor], logits: Tensor) -> None:
        of_source = drawn(12, 4, seed=5)
        weigh = self.theirs.EntropyWeights()  # divided by their sum
        misses = functional.binary_cross_entropy_with_logits
        first = weigh(of_source) @ misses(scores[0], torch.ones(12), reduction="none")
        second = weigh(logits) @ misses(scores[1], torch.zeros(9), reduction="none")
        found = conditional_adversarial(
            *scores,
            source_weights=entropy_weights(of_source.softmax(1)),
            target_weights=entropy_weights(logits.softmax(1)),
        )
        assert float(found) == pytest.approx(float(first + second) / 2, abs=CLOSE)


def mean_kernel(rows: Tensor, width: float) -> float:
    """Returns the mean kernel of two different rows."""
    squares = torch.cdist(rows, rows).square()
    kernels = torch.stack([torch.exp(-squares / (factor * width)) for factor in FACTORS]).mean(0)
    return float((kernels.sum() - kernels.trace()) / (len(rows) * (len(rows) - 1)))


class TestSkada:
    """Against skada; its MMD is of distances that are not squared, so it is another one."""

    @pytest.fixture(autouse=True)
    def modules(self) -> None:
        self.losses = pytest.importorskip("skada.deep.losses", reason=WANTED, exc_type=ImportError)
        self.deep = pytest.importorskip("skada.deep", reason=WANTED, exc_type=ImportError)

    def test_coral(self, source: Tensor, target: Tensor) -> None:
        expected = float(self.losses.deepcoral_loss(source, target))
        assert float(coral(source, target)) == pytest.approx(expected, abs=CLOSE)

    def test_mcc(self, logits: Tensor) -> None:
        expected = self.losses.mcc_loss(logits, T=TEMPERATURE)
        assert float(class_confusion(logits)) == pytest.approx(float(expected), abs=CLOSE)

    def test_dann_is_half_of_theirs(self, scores: tuple[Tensor, Tensor]) -> None:
        # Their domain classifier says 1 of the target, ours of the source.
        expected = self.deep.DANNLoss()(torch.sigmoid(-scores[0]), torch.sigmoid(-scores[1]))
        assert float(domain_adversarial(*scores)) == pytest.approx(float(expected) / 2, abs=CLOSE)

    def test_cdan_is_half_of_theirs_without_entropy(self, scores: tuple[Tensor, Tensor]) -> None:
        shown = [torch.sigmoid(-each) for each in scores]
        expected = self.deep.CDANLoss()(*shown, features_s=shown[0], features_t=shown[1])
        weights = {"source_weights": torch.ones(12), "target_weights": torch.ones(9)}
        found = conditional_adversarial(*scores, **weights)
        assert float(found) == pytest.approx(float(expected) / 2, abs=CLOSE)
