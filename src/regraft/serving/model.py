"""Makes predictions from inputs with a trained network, its preprocessing and its labels."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from regraft.backbones.backbone import Backbone
from regraft.backbones.graft import Grafted
from regraft.backbones.modes import Mode
from regraft.data.encode import Encoded
from regraft.data.images import PixelRows, fitted_pixels
from regraft.data.reading.pictures import on_all_cores
from regraft.data.rows import Input, Modality
from regraft.data.spec import ImageSpec, TextSpec
from regraft.data.texts import encode_texts
from regraft.errors import DataError
from regraft.features.cached import Cache, pooled
from regraft.features.level import Level
from regraft.features.pooled import head_logits, logits
from regraft.scoring.metrics import softmax

Told = Callable[[int], None]
CHUNK = 2048
"""Rows encoded at once: memory stays the same for any number of rows."""
MANY = 32_768
"""Texts encoded at once where their features are kept: fewer and larger pieces on the disk."""
SEVERAL = 64
"""Rows from which a trunk that is as it came, or texts in half precision, are passed in chunks
of the cache's shapes: for a few rows alone these would mostly be filling."""
NOT_FINITE = "the network's answer is no finite number"
Logits = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Answers:
    """What the network says of N inputs.

    Args:
        probabilities: (N, K); NaN in rows that could not be read.
        errors: N reasons; empty where the row was read.
    """

    probabilities: npt.NDArray[np.float64]
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """A trained network with all that it needs to answer.

    Args:
        network: Trunk and head.
        backbone: What the trunk was made from, with its input spec.
        classes: Names of the K classes.
        extent: Most tokens of a text, or side of an image in pixels.
        mode: Precision, attention and device of predictions.
        run: The folder it came from, if any.
        columns: Column by role, such as `text`, of the data that it was trained on.
        trunk_kept: Whether the trunk is as it came, so that other runs share its features.
        cache: Where these are kept, if they are.
    """

    network: Grafted
    backbone: Backbone
    classes: tuple[str, ...]
    extent: int
    mode: Mode
    run: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    trunk_kept: bool = False
    cache: Cache = field(default_factory=lambda: Cache(on=False))

    @property
    def modality(self) -> Modality:
        """Whether it reads texts or images."""
        return "text" if isinstance(self.backbone.spec, TextSpec) else "image"

    def predict(self, inputs: Sequence[Input]) -> list[str]:
        """Returns the name of the likeliest class of each of N inputs.

        Raises:
            DataError: If an input cannot be read (`answer` reports it in its row instead), or
                there is no list of them.
        """
        probabilities = self.predict_proba(inputs)
        return [self.classes[i] for i in probabilities.argmax(axis=1)]

    def predict_proba(self, inputs: Sequence[Input]) -> npt.NDArray[np.float64]:
        """Returns (N, K) probabilities of N inputs.

        Raises:
            DataError: If an input cannot be read; `answer` reports it in its row instead.
        """
        answers = self.answer(inputs)
        for number, error in enumerate(answers.errors, 1):
            if error:
                raise DataError(f"input {number} cannot be read: {error}")
        return answers.probabilities

    def answer(self, inputs: Sequence[Input], *, told: Told | None = None) -> Answers:
        """Returns the probabilities of N inputs, with a reason where one cannot be read.

        Args:
            inputs: N texts, or N paths, encoded files or arrays of images.
            told: Told how many are done, now and then; None = nobody.

        Raises:
            DataError: If the inputs are a single text or path.
            StorageError: If the disk says no.
        """
        if isinstance(inputs, str | bytes | Path):
            raise DataError("inputs is a single one", expected="a list of them", hint="[inputs]")
        if not hasattr(inputs, "__len__"):
            inputs = list(inputs)
        parts: list[Answers] = []
        for part in self._answers(inputs):
            parts.append(part)
            if told is not None:
                told(sum(len(each.errors) for each in parts))
        if not parts:
            return Answers(np.zeros((0, len(self.classes))), ())
        errors = tuple(error for part in parts for error in part.errors)
        return Answers(np.concatenate([part.probabilities for part in parts]), errors)

    def logits_of(self, rows: Encoded, *, several: bool | None = None) -> Logits:
        """Returns (N, K) logits of encoded rows, in this model's mode.

        Where the trunk is as it came, features that are kept are read. In half precision, where
        it shows, the batch of a text has a shape that depends on its own length alone.

        Args:
            rows: N rows.
            several: Whether they are so many that it pays to look for those; None = as N says.
        """
        several = len(rows) >= SEVERAL if several is None else several
        halved = self.modality == "text" and self.mode.precision != "fp32"
        if not (several and (self.trunk_kept or halved)):
            return logits(self.network, rows, mode=self.mode)
        cache = self.cache if self.trunk_kept else Cache(on=False)
        found = pooled(self._level, rows, cache=cache)
        return head_logits(self.network.head, found, device=self.mode.device)

    @cached_property
    def _level(self) -> Level:
        return Level(self.network, None, 0, self.backbone.spec, self.mode)

    def _answers(self, inputs: Sequence[Input]) -> Iterator[Answers]:
        # Chunks of the cache's shapes: a row's answer is the same in however many others.
        size = MANY if self.trunk_kept and self.modality == "text" else CHUNK
        several = len(inputs) >= SEVERAL
        for start in range(0, len(inputs), size):
            chunk = inputs[start : start + size]
            encoded, errors = self.encode(chunk)
            read = np.array([not error for error in errors], bool)
            probabilities = np.full((len(chunk), len(self.classes)), np.nan)
            if read.any():
                probabilities[read] = softmax(self.logits_of(encoded, several=several))
            lost = read & ~np.isfinite(probabilities).all(axis=1)
            reasons = [
                NOT_FINITE if gone else error for error, gone in zip(errors, lost, strict=True)
            ]
            yield Answers(probabilities, tuple(reasons))

    def encode(self, inputs: Sequence[Input]) -> tuple[Encoded, list[str]]:
        """Returns the readable rows encoded, and N reasons (empty for those)."""
        spec = self.backbone.spec
        if isinstance(spec, TextSpec):
            errors = ["" if isinstance(text, str) else "not a text" for text in inputs]
            texts = [text for text in inputs if isinstance(text, str)]
            return encode_texts(texts, spec, max_length=self.extent), errors
        return _encode_readable(inputs, spec, self.extent)


def _encode_readable(
    inputs: Sequence[Input], spec: ImageSpec, size: int
) -> tuple[Encoded, list[str]]:
    seen = list(on_all_cores(partial(_pixels_or_reason, spec=spec, size=size), inputs))
    pixels = [each for each in seen if not isinstance(each, str)]
    errors = [each if isinstance(each, str) else "" for each in seen]
    empty = np.zeros((0, size, size, spec.channels), np.uint8)
    return PixelRows(np.stack(pixels) if pixels else empty, spec), errors


def _pixels_or_reason(source: Input, spec: ImageSpec, size: int) -> npt.NDArray[np.uint8] | str:
    try:
        return fitted_pixels(source, spec, size=size)
    except DataError as error:
        return str(error)
