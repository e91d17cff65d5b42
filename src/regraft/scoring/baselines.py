"""Makes the scores that need no pretrained network: majority, and a classic model."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from regraft.data.images import encode_images
from regraft.data.rows import Input, Rows
from regraft.data.spec import ImageSpec

SIDE = 16
"""Side in pixels of the classic image model's input."""
WORDLESS = 0.3
"""Blanks per ten characters below this: the script has no spaces, so characters count."""
PIXEL_STRENGTHS = (0.01, 0.1)
TEXT_STRENGTH = 10.0
FEATURES = 100_000
_WORD = re.compile(r"(?u)\b\w+\b")

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """A baseline that has seen the training rows: its name and (N, K) probabilities."""

    name: str
    parts: tuple[Probabilities, ...]


class _Classifier(Protocol):
    classes_: npt.NDArray[np.int64]

    def fit(self, x: object, y: npt.NDArray[np.int64], /) -> object: ...

    def predict_proba(self, x: object, /) -> Probabilities: ...


def majority(train: Rows, others: Sequence[Rows]) -> Fitted:
    """Returns the training shares of the classes as every row's probabilities."""
    counts = np.array(list(train.counts().values()), np.float64)
    shares = counts / counts.sum()
    return Fitted("majority class", tuple(np.tile(shares, (len(rows), 1)) for rows in others))


def classic(train: Rows, others: Sequence[Rows]) -> Fitted:
    """Returns what logistic regression without any pretraining says.

    Texts: TF-IDF of words and word pairs, or of characters and pairs where the script
    has no blanks. Images: 16 × 16 pixels.

    Args:
        train: Labelled rows.
        others: Parts to predict.
    """
    if len(np.unique(train.labels)) == 1:  # in a fold, perhaps: nothing to tell apart
        return majority(train, others)
    return _text(train, others) if train.modality == "text" else _image(train, others)


def _text(train: Rows, others: Sequence[Rows]) -> Fitted:
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = _texts(train)
    vectorizer = TfidfVectorizer(**_counted(texts))
    try:
        seen = vectorizer.fit_transform(texts)
    except ValueError:  # No word is in two texts: there is nothing to learn from.
        return majority(train, others)
    model = _logistic(TEXT_STRENGTH)
    model.fit(seen, train.labels)
    kind = "characters" if vectorizer.analyzer == "char" else "words"
    parts = _answered(model, train, others, seen=lambda rows: vectorizer.transform(_texts(rows)))
    return Fitted(f"TF-IDF of {kind} + logistic regression", parts)


def _counted(texts: Sequence[str]) -> dict[str, Any]:
    """Returns what of the texts is counted, as arguments of `TfidfVectorizer`."""
    characters = wordless(texts) or not any(map(_WORD.search, texts))  # emoji, say
    return {
        "analyzer": "char" if characters else "word",
        "token_pattern": None if characters else _WORD.pattern,
        "ngram_range": (1, 2),
        "min_df": 2 if len(texts) >= 200 else 1,
        "sublinear_tf": True,
        "max_features": FEATURES,
    }


def recipe(train: Rows) -> str:
    """Returns scikit-learn's expression that makes the classic model of these rows."""
    if train.modality == "image":
        strength = f"LogisticRegression(C={PIXEL_STRENGTHS[-1]:g}, max_iter=200)"
        return f"{strength} on {SIDE}×{SIDE} pixels in [0, 1]"
    arguments = ", ".join(f"{n}={v!r}" for n, v in _counted(_texts(train)).items())
    model = f"LogisticRegression(C={TEXT_STRENGTH:g}, max_iter=200)"
    return f"make_pipeline(TfidfVectorizer({arguments}), {model})"


def _image(train: Rows, others: Sequence[Rows]) -> Fitted:
    model = _logistic(PIXEL_STRENGTHS[-1])
    model.fit(small_pixels(train.inputs), train.labels)
    parts = _answered(model, train, others, seen=lambda rows: small_pixels(rows.inputs))
    return Fitted(f"{SIDE}×{SIDE} pixels + logistic regression", parts)


def small_pixels(inputs: Sequence[Input]) -> npt.NDArray[np.float32]:
    """Returns (N, 768) the images' colours at 16 × 16 pixels, each in [0, 1]."""
    spec = ImageSpec(SIDE, (0.0,) * 3, (1.0,) * 3, interpolation="bilinear")
    rows = encode_images(inputs, spec, size=SIDE).pixels.reshape(len(inputs), -1)
    return rows.astype(np.float32) / np.float32(255)


def _logistic(strength: float) -> _Classifier:
    from sklearn.linear_model import LogisticRegression

    made: _Classifier = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
    return made


def _answered(
    model: _Classifier, train: Rows, others: Sequence[Rows], *, seen: Callable[[Rows], object]
) -> tuple[Probabilities, ...]:
    """Returns (N, K) probabilities of each part; 0 for classes that the training rows lack."""
    parts = tuple(np.zeros((len(rows), len(train.classes))) for rows in others)
    for rows, part in zip(others, parts, strict=True):
        if len(rows):  # scikit-learn refuses to look at nothing
            part[:, model.classes_] = model.predict_proba(seen(rows))
    return parts


def _texts(rows: Rows) -> list[str]:
    return [str(text) for text in rows.inputs]


def wordless(texts: Sequence[str]) -> bool:
    """Says whether the texts have hardly any blanks, as Chinese and Japanese have."""
    sample = "".join(texts[:200])
    return sum(map(str.isspace, sample)) * 10 < WORDLESS * max(len(sample), 1)
