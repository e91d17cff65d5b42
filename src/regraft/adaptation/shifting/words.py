"""Makes the words that mark one of two domains of texts, and numbers of each text.

Source: Monroe, Colaresi and Quinn 2008, "Fightin' Words: Lexical Feature Selection and
Evaluation for Identifying the Content of Political Conflict", Political Analysis 16,
equations 15, 19 and 22: log-odds with an informative Dirichlet prior. Texts that have a word
are counted, not its occurrences (regraft): one long text must not speak for its domain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.scoring.baselines import wordless

Floats = npt.NDArray[np.float64]
MOST_WORDS = 20_000
PRIOR = 0.1
"""Weight of the prior, as a share of the counts of both domains."""
SURE = 3.0
"""Deviations from no difference that a word must have: 1 of 700 has by chance."""
SHOWN = 12


@dataclass(frozen=True)
class Word:
    """A word that one domain has more often than the other.

    Args:
        word: It.
        source: Share of the source's texts that have it, in [0, 1].
        target: Share of the target's.
        z: Log-odds of the target over the source's, in their deviations.
    """

    word: str
    source: float
    target: float
    z: float


def marking_words(source: Sequence[str], target: Sequence[str]) -> tuple[list[Word], list[Word]]:
    """Returns the words that mark the source, and those that mark the target, surest first.

    Args:
        source: N texts.
        target: L texts.
    """
    words, first, second = _counted(source, target)
    if not words:
        return [], []
    z = log_odds(first, second)
    shares = first / len(source), second / len(target)
    order = np.argsort(-np.abs(z), kind="stable")
    found = [
        Word(words[i], float(shares[0][i]), float(shares[1][i]), float(z[i]))
        for i in order.tolist()
        if abs(z[i]) >= SURE
    ]
    of_source, of_target = (
        [word for word in found if (word.z > 0) == mine][:SHOWN] for mine in (False, True)
    )
    return of_source, of_target


def log_odds(source: Floats, target: Floats) -> Floats:
    """Returns (V,) z = δ / σ of each word.

    With y counts, n their sum, α = PRIOR · the counts of both domains and α₀ its sum, it is
    δ = log (y_T + α) / (n_T + α₀ − y_T − α) − log (y_S + α) / (n_S + α₀ − y_S − α), and
    σ² = 1 / (y_T + α) + 1 / (y_S + α).

    Args:
        source: (V,) y_S.
        target: (V,) y_T.
    """
    prior = PRIOR * (source + target)
    odds, inverse = [], []
    for counts in (source, target):
        with_prior = counts + prior
        rest = np.maximum(with_prior.sum() - with_prior, 1e-12)
        odds.append(np.log(with_prior / rest))
        inverse.append(1 / with_prior)
    return np.asarray((odds[1] - odds[0]) / np.sqrt(inverse[0] + inverse[1]))


def text_numbers(texts: Sequence[str]) -> dict[str, Floats]:
    """Returns numbers of each of N texts by name."""
    characters = np.array([len(text) for text in texts], np.float64)
    words = np.array([len(text.split()) for text in texts], np.float64)
    upper = np.array([_share(text, str.isupper) for text in texts])
    digits = np.array([_share(text, str.isdigit) for text in texts])
    return {
        "characters": characters,
        "words": words,
        "characters a word": characters / np.maximum(words, 1),
        "share of capitals": upper,
        "share of digits": digits,
        "share of punctuation": np.array([_share(text, _is_mark) for text in texts]),
    }


def _counted(source: Sequence[str], target: Sequence[str]) -> tuple[list[str], Floats, Floats]:
    """Returns the words, and how many texts of each domain have each."""
    from sklearn.feature_extraction.text import CountVectorizer

    texts = [*source, *target]
    characters = wordless(texts)
    counter = CountVectorizer(
        analyzer="char" if characters else "word",
        token_pattern=None if characters else r"(?u)\b\w+\b",
        ngram_range=(2, 2) if characters else (1, 1),
        binary=True,
        max_features=MOST_WORDS,
    )
    try:
        found = counter.fit_transform(texts)
    except ValueError:  # texts of signs alone have no words
        return [], np.zeros(0), np.zeros(0)
    halves = found[: len(source)], found[len(source) :]
    counts = [np.asarray(half.sum(axis=0), np.float64).reshape(-1) for half in halves]
    return counter.get_feature_names_out().tolist(), counts[0], counts[1]


def _share(text: str, counts: Callable[[str], bool]) -> float:
    return sum(map(counts, text)) / max(len(text), 1)


def _is_mark(character: str) -> bool:
    return not (character.isalnum() or character.isspace())
