"""Makes a classifier that reads each domain by its own means and deviations.

Source: Li, Wang, Shi, Hou and Liu 2018, "Adaptive Batch Normalization for practical domain
adaptation" (AdaBN), Pattern Recognition 80, after arXiv 1603.04779: x̂ = (x − μ_d) / σ_d with
the statistics of the row's own domain d. There in every norm layer, here once, on the
features at the trunk's end.
"""

from dataclasses import dataclass

from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.scaling import first_classifier, standardise_each


@dataclass(frozen=True)
class Standardise:
    """Per-domain standardisation: nothing is trained, only what is taken off and scaled."""

    def adapt(self, domains: Domains) -> Adapted:
        """Returns the source's classifier, its target statistics those of the target."""
        both = standardise_each(domains)
        weight, bias = first_classifier(domains, both)
        return both.adapted(weight, bias, strength=domains.start.strength)
