"""Makes what a classifier shows of itself without any label of the target.

Source: none (regraft). Classifiers are ranked by information (Krause, Perona and Gomes 2010,
"Discriminative Clustering by Regularized Information Maximization": I = H(mean p) − mean
H(p)), with one difference: a method that was trained to be sure is sure, whether or not it is
right. So p is not its own; it is that of a fresh classifier of fixed penalty that learns the
method's answers on one half of the target and repeats them on the other. Then
H(y) + mean log p(y | x) ≤ I(x, y), with H(y) capped as in `information_of`, and it is comparable
from method to method, as long as x is the same for all: features by the trunk as it came, whatever
a method reads.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from regraft.adaptation.domains import Adapted, Domains, shares_of
from regraft.adaptation.guards import Evidence, Rights, entropy, kappa, objections
from regraft.adaptation.labelled import Truths
from regraft.adaptation.scaling import scaling_of
from regraft.adaptation.solver import solve
from regraft.scoring import metrics
from regraft.training.heads.probe import USUAL_STRENGTH, Features, Labelled, LinearProbe

Labels = npt.NDArray[np.int64]
MOST_ROWS = 2000
"""Target rows whose answers are learnt again: more tell hardly more, and cost seconds."""


@dataclass(frozen=True)
class Signs:
    """What a classifier shows without target labels.

    Args:
        predicted: (L,) classes of the target rows.
        information: Of its answers on the target, in nats; large is good.
        entropy: Mean of its own predictions, in nats.
        marginal_entropy: Of the shares of its answers, in nats.
        source_right: (M,) whether it is right on each labelled source row.
        reverse_right: (N + M,) the same of classifiers that know its target answers alone, on all
            of them.
    """

    predicted: Labels
    information: float
    entropy: float
    marginal_entropy: float
    source_right: Rights
    reverse_right: Rights

    @property
    def source_accuracy(self) -> float:
        """Its accuracy on labelled source rows, in [0, 1]."""
        return float(self.source_right.mean())

    @property
    def reverse_accuracy(self) -> float:
        """The accuracy on these of classifiers that know its target answers alone."""
        return float(self.reverse_right.mean())

    def as_json(self) -> dict[str, float]:
        """Returns what it is ranked by, as plain data."""
        names = ("information", "entropy", "marginal_entropy", "source_accuracy")
        return {name: getattr(self, name) for name in (*names, "reverse_accuracy")}


@dataclass(frozen=True)
class Judged:
    """A method's classifier with what speaks for it and against it.

    Args:
        name: Of the method.
        adapted: The classifier.
        signs: What it shows.
        agreement: With source-only's answers, Cohen's kappa.
        objections: Reason by guard, the empty string where there is none.
        seconds: That the method took.
        right: Whether it is right on each labelled target row that judges; None = no row does.
    """

    name: str
    adapted: Adapted
    signs: Signs
    agreement: float = 1.0
    objections: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    right: Truths | None = None

    @property
    def reasons(self) -> list[str]:
        """What the guards that failed say."""
        return [reason for reason in self.objections.values() if reason]

    def selection(self) -> dict[str, Any]:
        """Returns what it was ranked by, as plain data for `result.json`."""
        shown: dict[str, Any] = {**self.signs.as_json(), "agreement": self.agreement}
        if self.right is not None:
            shown["labelled_accuracy"] = float(self.right.mean())
        return shown


def signs_of(adapted: Adapted, domains: Domains, *, space: Domains | None = None) -> Signs:
    """Returns what a classifier shows on target rows and on labelled source rows.

    Args:
        adapted: The classifier.
        domains: Features and labels.
        space: The same rows by the trunk as it came, where training or a preparation changed
            those of `domains`: what was moved repeats whatever moved it, and two spaces cannot be
            compared. There the answers are learnt again; None = in `domains`.
    """
    probabilities = metrics.softmax(adapted.on_target.logits(domains.target))
    predicted = probabilities.argmax(axis=1).astype(np.int64)
    information, reverse = information_of(predicted, space or domains)
    return Signs(
        predicted,
        information=information,
        entropy=float(-np.log(np.maximum(probabilities, 1e-12)).ravel() @ probabilities.ravel())
        / len(probabilities),
        marginal_entropy=entropy(shares_of(predicted, classes=domains.classes)),
        source_right=_right(adapted.on_source, domains.judging),
        reverse_right=reverse,
    )


def information_of(predicted: Labels, domains: Domains) -> tuple[float, Rights]:
    """Returns the information of answers, in nats, and the (M,) reverse rights.

    It is min(H(y), H(q)) less the log loss of the answers learnt again, q the target's estimated
    proportions: answers that are spread more evenly than its classes are no clearer for it.

    Args:
        predicted: (L,) classes of the target rows, whoever says so.
        domains: With the features of these rows, and labelled source rows.
    """
    losses, reverse = _learnt_again(domains, predicted)
    marginal = entropy(shares_of(predicted, classes=domains.classes))
    return min(marginal, entropy(domains.proportions)) - losses, reverse


def judge(
    name: str,
    adapted: Adapted,
    *,
    domains: Domains,
    start: Signs | None,
    seconds: float = 0.0,
    space: Domains | None = None,
) -> Judged:
    """Returns a method's classifier with its signs and with what the guards say.

    Args:
        name: Of the method.
        adapted: Its classifier.
        domains: Features and labels.
        start: Source-only's signs; None for source-only itself, which no guard drops.
        seconds: That the method took.
        space: As for `signs_of`.
    """
    signs = signs_of(adapted, domains, space=space)
    if start is None:
        return Judged(name, adapted, signs, seconds=seconds)
    evidence = Evidence(
        signs.predicted,
        start.predicted,
        shares_of(domains.source.labels, classes=domains.classes),
        domains.proportions,
        (signs.source_right, start.source_right),
        (signs.reverse_right, start.reverse_right),
    )
    agreement = kappa(signs.predicted, start.predicted, classes=domains.classes)
    return Judged(name, adapted, signs, agreement, objections(evidence), seconds)


def _learnt_again(domains: Domains, predicted: Labels) -> tuple[float, Rights]:
    """Returns the log loss of answers learnt on the other half, and the (M,) reverse rights."""
    picked = np.random.default_rng(domains.seed).permutation(len(predicted))[:MOST_ROWS]
    rows = Labelled(scaling_of(domains.target).apply(domains.target[picked]), predicted[picked])
    source = _standardised_source(domains)
    labels = np.concatenate([domains.source.labels[domains.own], domains.val.labels])
    halves = _halves(rows.labels)
    losses, right = np.zeros(len(picked)), []
    for held in (halves, ~halves):
        seen = Labelled(rows.features[~held], rows.labels[~held])
        weight, bias = solve(seen, domains.classes, strength=USUAL_STRENGTH)
        answered = metrics.softmax(rows.features[held] @ weight.T + bias)
        losses[held] = _losses(answered, rows.labels[held], learnt=len(seen.labels))
        right.append((source @ weight.T + bias).argmax(axis=1) == labels)
    return float(losses.mean()), np.mean(right, axis=0)


def _halves(labels: Labels) -> npt.NDArray[np.bool_]:
    """Returns (N,) which rows are of the first half; answers of each class are in both."""
    halves = np.zeros(len(labels), bool)
    halves[np.argsort(labels, kind="stable")] = np.arange(len(labels)) % 2 == 0
    return halves


def _losses(answered: metrics.Probabilities, labels: Labels, *, learnt: int) -> Rights:
    """Returns (N,) log losses; no answer is less likely than one that was never seen.

    Source: Krichevsky and Trofimov 1981, "The performance of universal encoding", IEEE
    Transactions on Information Theory 27: (0 + 1/2) / (n + K/2) after n rows of other classes.
    """
    floor = 1 / (2 * learnt + answered.shape[1])
    return np.asarray(metrics.row_losses(np.maximum(answered, floor), labels))


def _standardised_source(domains: Domains) -> Features:
    """Returns all the source's own labelled rows, by its own statistics.

    Those that trained count too: a fresh classifier has seen the labels of none.
    """
    own, weights = domains.source.features[domains.own], domains.row_weights[domains.own]
    return scaling_of(own, weights).apply(np.concatenate([own, domains.val.features]))


def _right(probe: LinearProbe, rows: Labelled) -> Rights:
    answered = probe.logits(rows.features).argmax(axis=1)
    return np.asarray(answered == rows.labels, np.float64)
