"""Makes a classifier of virtual rows, drawn from a Gaussian a class near the target.

Source: McLachlan and Krishnan 2008, "The EM Algorithm and Extensions" (a mixture with one
covariance, its means with a prior); the covariance after Ledoit and Wolf 2004, "A
well-conditioned estimator for large-dimensional covariance matrices". Virtual features of a
class after Xian, Lorenz, Schiele and Akata 2018, "Feature Generating Networks for Zero-Shot
Learning", arXiv 1712.00981. Virtual rows around real ones, for robustness, after Chapelle,
Weston, Bottou and Vapnik 2000, "Vicinal Risk Minimization", NIPS, section 3. At a position of a
trunk that moves, after Li, Dai, Ge, Liu, Shan and Duan 2022, "Uncertainty Modeling for
Out-of-Distribution Generalization", arXiv 2202.03958 (`training.aligning.virtual`). In features
and not in pixels: a generator of pixels is days of work for a GPU, and what it draws has to go
through the trunk again.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.adaptation.domains import Adapted, Domains, Shares
from regraft.adaptation.numbers import NotFiniteError, check_rows
from regraft.adaptation.scaling import standardise_each
from regraft.adaptation.solver import balanced_rows, joined, solve
from regraft.scoring.metrics import softmax
from regraft.training.heads.probe import Features, Labelled

Wide = npt.NDArray[np.float64]
RIDGE = 1e-9
"""Of the mean variance, and at the least so much: rows that are all alike have no variance."""


@dataclass(frozen=True)
class Gaussian:
    """Class-conditional Gaussians with one shrunk covariance; their means follow the target.

    Args:
        rounds: Steps of expectation and maximisation on the target.
        prior: Weight of a class's source mean, in mean target rows of a class.
        rows: Virtual rows for each source row.
        around: Where it is above 0, each source row gets another virtual row beside it, as far
            away as this many deviations of a class; the class is the row's.
    """

    rounds: int = 5
    prior: float = 1.0
    rows: float = 1.0
    around: float = 0.0

    def __post_init__(self) -> None:
        check_rows("gaussian", self.rows)

    def adapt(self, domains: Domains) -> Adapted:
        """Returns the classifier of source rows and virtual rows together."""
        both = standardise_each(domains)
        labels, classes = domains.source.labels, domains.classes
        means = _means(both.source, labels, classes)
        spread = shrunk_covariance(both.source - means[labels].astype(np.float32))
        moved = self._moved(means, spread, both.target, domains.proportions)
        root = root_of(spread)
        real = Labelled(both.source, labels)
        rows = joined(real, self._drawn(moved, root, domains))
        if self.around > 0:
            rows = joined(rows, rows_around(real, self.around * root, seed=domains.seed))
        weights = balanced_rows(rows.labels, domains.weights_of(rows.labels))
        weights *= len(labels) / weights.sum()
        strength = domains.start.strength
        weight, bias = solve(rows, classes, strength=strength, weights=weights)
        return both.adapted(weight, bias, strength=strength)

    def _moved(self, means: Wide, spread: Wide, target: Features, shares: Shares) -> Wide:
        """Returns the (K, D) class means after the rounds on the target.

        Raises:
            NotFiniteError: If nothing holds a class that no row belongs to.
        """
        held = self.prior * len(target) / len(means)
        now = means
        for _ in range(self.rounds):
            belongs = responsibilities(target, now, spread=spread, shares=shares)
            weight = held + belongs.sum(axis=0)
            if not (weight > 0).all():
                raise NotFiniteError
            now = (held * means + belongs.T @ target) / weight[:, None]
        return now

    def _drawn(self, means: Wide, root: Wide, domains: Domains) -> Labelled:
        """Returns virtual rows: of the classes of the source, as many as in the target."""
        generator = np.random.default_rng(domains.seed)
        count = round(self.rows * len(domains.source.labels))
        labels = generator.choice(len(means), size=count, p=domains.proportions)
        noise = generator.standard_normal((count, len(root)))
        features = means[labels] + noise @ root.T
        return Labelled(features.astype(np.float32), labels.astype(np.int64))


def root_of(spread: Wide) -> Wide:
    """Returns (D, D) R with R Rᵀ = S, the covariance, held above 0."""
    return np.asarray(np.linalg.cholesky(spread + 1e-6 * np.eye(len(spread))), np.float64)


def rows_around(rows: Labelled, root: Wide, *, seed: int) -> Labelled:
    """Returns a virtual row x + R ε beside each row, of the same class.

    Args:
        rows: (N, D) x with labels.
        root: (D, D) R; R Rᵀ is the covariance of the distances.
        seed: Of ε, which is of the standard normal.
    """
    noise = np.random.default_rng([seed, 1]).standard_normal(rows.features.shape)
    return Labelled((rows.features + noise @ root.T).astype(np.float32), rows.labels)


def shrunk_covariance(residuals: Features) -> Wide:
    """Returns the (D, D) covariance of centred rows, drawn to a multiple of the identity."""
    from sklearn.covariance import ledoit_wolf

    return np.asarray(ledoit_wolf(residuals.astype(np.float64), assume_centered=True)[0])


def responsibilities(target: Features, means: Wide, *, spread: Wide, shares: Shares) -> Wide:
    """Returns (L, K) the probability that each row belongs to each class.

    log P = log q_k + m_kᵀ S⁻¹ x − ½ m_kᵀ S⁻¹ m_k, up to what is the same for all classes, where
    S has a tiny ridge.

    Args:
        target: (L, D) x.
        means: (K, D) m.
        spread: (D, D) S.
        shares: (K,) q.
    """
    ridge = max(RIDGE, RIDGE * float(np.trace(spread)) / len(spread))
    turned = np.linalg.solve(spread + ridge * np.eye(len(spread)), means.T)
    scores = target @ turned - (means.T * turned).sum(axis=0) / 2 + np.log(shares)
    return softmax(scores)


def _means(features: Features, labels: npt.NDArray[np.int64], classes: int) -> Wide:
    """Returns (K, D) class means; that of a class without rows is the origin."""
    one_hot = np.eye(classes)[labels]
    return np.asarray(one_hot.T @ features / np.maximum(one_hot.sum(axis=0), 1)[:, None])
