"""Makes a classifier of source rows, those that look like the target's weighing more.

Source: Shimodaira 2000, "Improving predictive inference under covariate shift by weighting
the log-likelihood function", with the density ratio from a domain classifier after
Bickel, Brückner and Scheffer 2009, "Discriminative Learning Under Covariate Shift", JMLR 10:
w(x) = p_T(x) / p_S(x) = (N / L) · P(target | x) / P(source | x).
"""

from dataclasses import dataclass

import numpy as np

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.scaling import Scaling
from regraft.adaptation.solver import balanced_rows, solve
from regraft.scoring.metrics import softmax
from regraft.strategies.options import check_options
from regraft.training.heads.probe import Features, Labelled, LinearProbe


@dataclass(frozen=True)
class Reweight:
    """Importance weighting by a domain classifier's odds.

    Args:
        most: Odds are clipped to this, or a few rows would decide alone.
        least: And to this from below, so that no row is lost.
        strength: Inverse penalty of the domain classifier: a sure one gives wild odds.
    """

    most: float = 5.0
    least: float = 0.2
    strength: float = 0.001

    def __post_init__(self) -> None:
        above = "a number above 0"
        check_options(
            "reweight",
            ("most", self.most, self.most >= self.least, "a number that is not below least"),
            ("least", self.least, self.least > 0, above),
            ("strength", self.strength, self.strength > 0, above),
        )

    def adapt(self, domains: Domains) -> Adapted:
        """Returns the classifier, with the source's statistics for both domains."""
        scaling = Scaling(domains.start.shift, domains.start.scale)
        source = scaling.apply(domains.source.features)
        # Labelled rows of the target, where there are some, need no weight to look like it.
        odds = np.ones(len(source), np.float32)
        odds[domains.own] = self._odds(source[domains.own], scaling.apply(domains.target))
        labels = domains.source.labels
        # The odds change the shares of the classes: they are balanced under them.
        weights = odds * balanced_rows(labels, domains.weights_of(labels, times=odds))
        weight, bias = solve(
            Labelled(source, labels),
            domains.classes,
            strength=domains.start.strength,
            weights=weights / weights.mean(),
        )
        probe = LinearProbe(scaling.shift, scaling.scale, weight, bias, domains.start.strength)
        return Adapted(probe, probe)

    def _odds(self, source: Features, target: Features) -> Features:
        """Returns (N,) the clipped density ratio of each source row."""
        features = np.concatenate([source, target])
        domain = np.repeat(np.array([0, 1]), [len(source), len(target)])
        weight, bias = solve(Labelled(features, domain), 2, strength=self.strength)
        seen = softmax(source @ weight.T + bias)
        ratio = len(source) / len(target) * seen[:, 1] / np.maximum(seen[:, 0], 1e-12)
        return np.asarray(ratio.clip(self.least, self.most), np.float32)
