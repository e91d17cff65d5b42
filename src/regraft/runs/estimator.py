"""Makes a classifier of scikit-learn's kind from texts or images and their labels."""

import inspect
import warnings
from collections.abc import Sequence
from typing import Any, Literal, Self, TypedDict, Unpack

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from regraft.data.meaning import label_of, whole_names
from regraft.data.reading.frames import read_frame
from regraft.data.rows import Input
from regraft.errors import DataError, counted
from regraft.runs.choosing.device import pick_device
from regraft.runs.fit import run_fit
from regraft.serving.kept import KeptModel
from regraft.settings import (
    Augment,
    ClassWeights,
    CutWhere,
    FitSettings,
    Optimizer,
    Precision,
    Preset,
    RuleName,
    RuleScope,
)
from regraft.training.progress import Silent

Labels = npt.NDArray[Any]


class ClassifierOptions(TypedDict, total=False):
    """The parameters of `TransferClassifier`: settings of `fit` that need no columns."""

    backbone: str
    arch: str | None
    strategy: str
    source: str | None
    preset: Preset | None
    head: str
    epochs: float | None
    lr: float | None
    batch_size: int | None
    optimizer: Optimizer
    max_length: int | None
    cut: CutWhere
    image_size: int | None
    augment: Augment
    dropout: float
    layer_decay: float | None
    weight_decay: float
    class_weights: ClassWeights
    freeze: str | int | None
    freeze_threshold: float | Literal["auto", "off"]
    freeze_threshold_rule: RuleName
    freeze_threshold_scope: RuleScope
    ema: float | None
    patience: int | None
    max_seconds: float | None
    device: str
    precision: Precision
    baselines: bool
    cache: bool
    views: int | None
    seed: int


DEFAULTS: dict[str, Any] = {
    name: FitSettings.model_fields[name].default for name in ClassifierOptions.__annotations__
} | {"baselines": False}


class TransferClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fine-tunes a pretrained network on texts or images, as scikit-learn's estimators do.

    Inputs are texts, paths of images, or pixels (N, H, W[, C]): as a list, an array, a
    column of pandas or polars, or a frame with one column. Labels are of any type that
    scikit-learn takes, and `predict` gives them back in it.

    Of rows that cannot be used `fit` warns with a `UserWarning`; what else the command line
    warns of is in `result_`.

    As `regraft fit` does, `fit` holds a tenth of the rows out for the scores in `result_`
    and, of 200 or more, another one to choose the best epoch.

    A pickle holds the model folder's files as bytes: safetensors and JSON.

    Args:
        **options: The fields of `FitSettings` of the same name. `baselines` is False here:
            measuring them costs time in every fold of a cross-validation.

    Attributes:
        classes_: (K,) the labels, sorted.
        result_: The result document of the run, as `regraft fit --json` prints it.

    Raises:
        TypeError: If an option is none of these.
    """

    def __init__(self, **options: Unpack[ClassifierOptions]) -> None:
        unknown = sorted(options.keys() - DEFAULTS.keys())
        if unknown:
            raise TypeError(f"TransferClassifier has no parameter {unknown[0]!r}")
        for name, default in DEFAULTS.items():
            setattr(self, name, options.get(name, default))

    def fit(self, X: object, y: object) -> Self:  # noqa: N803 - scikit-learn's names
        """Returns the classifier itself, fitted.

        Args:
            X: N texts or images.
            y: (N,) labels.

        Raises:
            ValueError: If there are not as many labels as inputs, they are no classes, or
                they are all the same.
            SettingsError: If a parameter cannot be used.
            DataError: If the inputs are neither texts nor images, or too few.
            BackboneError: If the network cannot be used with them.
        """
        inputs = inputs_of(X)
        classes, numbers = _classes(y)
        check_consistent_length(inputs, numbers)
        names = _names(classes)
        kept = KeptModel()
        settings = FitSettings(**self._settings(), out=kept.folder())
        labelled = (inputs, [names[number] for number in numbers])
        result = run_fit(settings, Silent(), source=labelled, report=False)
        if left_out := _left_out(result, kept):
            warnings.warn(left_out, stacklevel=2)
        known = list(kept.model(pick_device(settings.device)).classes)
        self.classes_ = classes
        self.result_ = result
        # A class all of whose inputs are empty or unreadable is none of the run's.
        self._order = [known.index(name) if name in known else len(known) for name in names]
        self._kept = kept
        return self

    def predict(self, X: object) -> Labels:  # noqa: N803
        """Returns (N,) labels, of the type that `fit` was given.

        Args:
            X: N texts or images.

        Raises:
            NotFittedError: If `fit` was not called (raised by `check_is_fitted`).
            DataError: If an input cannot be read.
        """
        best = self.predict_proba(X).argmax(axis=1)
        labels: Labels = self.classes_[best]
        return labels

    def predict_proba(self, X: object) -> npt.NDArray[np.float64]:  # noqa: N803
        """Returns (N, K) probabilities, in the order of `classes_`.

        Args:
            X: N texts or images.

        Raises:
            NotFittedError: If `fit` was not called (raised by `check_is_fitted`).
            DataError: If an input cannot be read.
        """
        check_is_fitted(self)
        model = self._kept.model(pick_device(self._settings()["device"]))
        found = np.pad(model.predict_proba(inputs_of(X)), ((0, 0), (0, 1)))
        return found[:, self._order]

    def __sklearn_tags__(self) -> Any:
        """Returns scikit-learn's tags: texts and images, no tables of numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags

    def _settings(self) -> dict[str, Any]:
        """Returns the parameters as plain values: searches give numbers of NumPy."""
        values = self.get_params(deep=False)
        if values["preset"] and values["strategy"] == DEFAULTS["strategy"]:
            del values["strategy"]  # nobody typed it: the preset chooses
        return {n: v.item() if isinstance(v, np.generic) else v for n, v in values.items()}


def _left_out(result: dict[str, Any], kept: KeptModel) -> str:
    """Returns what is said of rows that were left out; nothing where there are none."""
    count, used = result["data"]["problems"], sum(result["data"]["rows"].values())
    place = kept.folder() / "problems.csv"
    rows = counted(count + used, "row")
    return f"{count:,} of {rows} left out, for reasons that are in {place}" if count else ""


def _signature() -> inspect.Signature:
    """Returns what scikit-learn reads the parameters and their defaults from."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    options = [inspect.Parameter(n, keyword, default=value) for n, value in DEFAULTS.items()]
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    return inspect.Signature([itself, *options])


TransferClassifier.__init__.__signature__ = _signature()  # type: ignore[attr-defined]


def inputs_of(source: object) -> list[Input]:
    """Returns N texts, paths or arrays of pixels from what stands for X.

    Args:
        source: A list, an array, a column, or a frame with one column.

    Raises:
        DataError: If it is a table of several columns or of numbers, or holds neither texts
            nor images.
    """
    if isinstance(source, np.ndarray) and source.ndim == 2:
        source = _only_column(source)
    table = read_frame(source)
    columns: list[Sequence[Any]] = [*table.pixels.values(), *table.columns.values()]
    if len(columns) != 1:
        raise DataError(f"X has {len(columns)} columns", expected="one, of texts or images")
    for number, value in enumerate(columns[0], 1):
        if value is None:
            raise DataError(f"input {number} is missing", expected="a text or an image")
    return list(columns[0])


def _only_column(array: Labels) -> Labels:
    if array.shape[1] != 1 or array.dtype.kind not in "OUT":
        raise DataError(
            f"X is a table of {array.shape[1]} columns of type {array.dtype}",
            expected="texts or images: a list, a column, or an array (N, H, W, C)",
        )
    return array.ravel()


def _classes(y: object) -> tuple[Labels, list[int]]:
    """Returns the sorted labels, and the number of each row's label."""
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    labels = column_or_1d(y, warn=True)
    check_classification_targets(labels)
    classes, numbers = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"y holds {len(classes)} class, and two classes or more are needed")
    return classes, numbers.tolist()


def _names(classes: Labels) -> list[str]:
    """Returns the labels as a run calls its classes; numbered where they read alike or blank."""
    names = whole_names([label_of(str(label)) for label in classes])
    if all(names) and len(set(names)) == len(names):
        return names
    return [f"class {number}" for number in range(len(names))]
