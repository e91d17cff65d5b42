"""Makes one checked, frozen value per verb from flags, TOML and Python arguments."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypedDict, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from regraft.errors import SettingsError, nearest, one_of

Optimizer = Literal["adamw", "sgd"]
Augment = Literal["auto", "none", "crop", "flip-crop", "drop-tokens"]
ClassWeights = Literal["auto", "none", "balanced"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]

_ROLES = ("text", "image", "label", "domain", "split", "group")
_COUNT = "a whole number, at least 1"
_SIDE = "a whole number, at least 8"
_POSITIVE = "a number above 0"
_HEAD = "linear or mlp:UNITS[,UNITS], such as mlp:256"
_DEVICE_PATTERN = r"^(auto|cpu|mps|cuda(:\d+)?)$"
_DEVICE = "one of auto, cpu, cuda, cuda:NUMBER, mps"
_TABLE = "a path that ends in .csv, .jsonl or .parquet"


class Settings(BaseModel):
    """What all verbs share: frozen, no unknown names, every mistake told at once."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    verb: ClassVar[str] = ""

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, values: object, check: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return check(values)
        except ValidationError as error:
            raise _settings_error(cls, error.errors(include_url=False)) from None

    @property
    def columns(self) -> dict[str, str]:
        """The columns that the user named, by role such as `text` or `label`."""
        named = {role: getattr(self, role, None) for role in _ROLES}
        return {role: column for role, column in named.items() if column is not None}


class FitSettings(Settings):
    """What `fit` and `plan` are asked to do; None = chosen from the data, with a reason.

    Args:
        data: Path or name of the data; empty where Python objects were given.
        out: Run folder to make; None = `runs/DATA-STRATEGY-NNN`.
        seed: Of everything random.
        backbone: Name of the pretrained network.
        arch: Identifier of the network's code, for bare weight files.
        strategy: Name of the method that makes the phases.
        head: The new last layers: `linear`, or `mlp:UNITS[,UNITS]`.
        epochs: Passes over the training part.
        lr: Peak learning rate of the head and the top block.
        batch_size: Rows a step.
        optimizer: What moves the weights.
        max_length: Most tokens a text.
        image_size: Side in pixels.
        augment: What is done to training rows, anew in each epoch.
        dropout: Share of values dropped in training, everywhere in the network, in [0, 1).
        freeze: Blocks at the bottom of the network that never move.
        layer_decay: Factor on the rate from a block to the one below, in (0, 1].
        weight_decay: Decoupled decay.
        class_weights: Whether rare classes weigh more in the loss.
        patience: Epochs without improvement before stopping.
        max_seconds: Budget for the whole verb.
        device: Where tensors live.
        precision: Number format of the training.
        baselines: Whether the majority class, the classic and the probe are measured too.
        text: Column of texts.
        image: Column of image paths.
        label: Column of labels.
        domain: Column of domains.
        split: Column that names the part of each row.
        group: Column of groups that a split must not part.
        repeat: The `run.toml` of a run whose measured modes are used again.
    """

    verb: ClassVar[str] = "fit"

    data: str = ""
    out: Path | None = Field(None, strict=False, description="a path")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="a whole number from 0 to 4294967295")
    backbone: str = Field("auto", min_length=1, description="a name")
    arch: str | None = Field(None, min_length=1, description="a name")
    strategy: str = Field("two-stage", min_length=1, description="a name")
    head: str = Field("linear", pattern=r"^(linear|mlp:[1-9]\d*(,[1-9]\d*)*)$", description=_HEAD)
    epochs: int | None = Field(None, ge=1, description=_COUNT)
    lr: float | None = Field(None, gt=0, description=_POSITIVE)
    batch_size: int | None = Field(None, ge=1, description=_COUNT)
    optimizer: Optimizer = "adamw"
    max_length: int | None = Field(None, ge=8, description=_SIDE)
    image_size: int | None = Field(None, ge=8, description=_SIDE)
    augment: Augment = "auto"
    dropout: float = Field(0.0, ge=0, lt=1, description="a number from 0 to below 1")
    freeze: int | None = Field(None, ge=0, description="a whole number, at least 0")
    layer_decay: float | None = Field(None, gt=0, le=1, description="a number above 0, at most 1")
    weight_decay: float = Field(0.01, ge=0, description="a number, at least 0")
    class_weights: ClassWeights = "auto"
    patience: int | None = Field(None, ge=1, description=_COUNT)
    max_seconds: float | None = Field(None, gt=0, description=_POSITIVE)
    device: str = Field("auto", pattern=_DEVICE_PATTERN, description=_DEVICE)
    precision: Precision = "auto"
    baselines: bool = Field(True, description="true or false")
    text: str | None = None
    image: str | None = None
    label: str | None = None
    domain: str | None = None
    split: str | None = None
    group: str | None = None
    repeat: Path | None = Field(None, strict=False, description="the run.toml of a run")


class FitOptions(TypedDict, total=False):
    """The settings of `FitSettings` except `data`, for `**options` in Python.

    In Python `backbone` may also be a network itself: a torch module or a `Backbone`.
    """

    out: Path | None
    seed: int
    backbone: Any
    arch: str | None
    strategy: str
    head: str
    epochs: int | None
    lr: float | None
    batch_size: int | None
    optimizer: Optimizer
    max_length: int | None
    image_size: int | None
    augment: Augment
    dropout: float
    freeze: int | None
    layer_decay: float | None
    weight_decay: float
    class_weights: ClassWeights
    patience: int | None
    max_seconds: float | None
    device: str
    precision: Precision
    baselines: bool
    text: str | None
    image: str | None
    label: str | None
    domain: str | None
    split: str | None
    group: str | None
    repeat: Path | None


class RunSettings(Settings):
    """What the verbs that use a finished run share.

    Args:
        run: Folder of a finished run.
        out: File to write; None = standard output.
        device: Where tensors live.
        text: Column of texts.
        image: Column of image paths.
        label: Column of labels.
    """

    run: Path = Field(strict=False, description="the folder of a run")
    out: Path | None = Field(None, strict=False, description="a path")
    device: str = Field("auto", pattern=_DEVICE_PATTERN, description=_DEVICE)
    text: str | None = None
    image: str | None = None
    label: str | None = None


class PredictSettings(RunSettings):
    """What `predict` is asked to do with a run.

    Args:
        inputs: Texts, paths of data, or `-` for lines on standard input.
        suffix: Put behind the names of our columns, where the input has the same.
    """

    verb: ClassVar[str] = "predict"

    inputs: tuple[str, ...] = Field(strict=False, min_length=1, description="a text, a path or -")
    suffix: str = ""

    @model_validator(mode="after")
    def _writable_format(self) -> Self:
        if self.out and self.out.suffix.lower() not in (".csv", ".jsonl", ".parquet"):
            raise SettingsError(f"out = {str(self.out)!r} cannot be used", expected=_TABLE)
        return self


class EvaluateSettings(RunSettings):
    """What `evaluate` is asked to do with a run.

    Args:
        data: Path or name of the labelled data.
        split: Column that names the part of each row; only test rows are scored.
    """

    verb: ClassVar[str] = "evaluate"

    data: str = Field(min_length=1, description="a path or a name of data")
    split: str | None = None


def read_toml(path: Path) -> dict[str, Any]:
    """Returns the settings written in a TOML file; a run's `run.toml` repeats the run.

    Raises:
        SettingsError: If the file cannot be read or is not TOML.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise SettingsError(f"{path}: {reason}", expected="a TOML file of settings") from None
    except ValueError as error:  # bad TOML and bad UTF-8 alike
        raise SettingsError(f"{path} is not TOML: {error}", hint="regraft show-config") from None
    if isinstance(values.get("settings"), dict) and "machine" in values:
        # The place is the run's own, and taken.
        return {n: v for n, v in values["settings"].items() if n != "out"} | {"repeat": str(path)}
    return values


def merge(toml: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings of both; a flag that was given (is not None) wins."""
    return {**toml, **{name: value for name, value in flags.items() if value is not None}}


def write_toml(values: Mapping[str, Any]) -> str:
    """Returns TOML of strings, numbers, truths, paths, lists, tables; None is left out."""
    present = {name: value for name, value in values.items() if value is not None}
    tables = {name: value for name, value in present.items() if isinstance(value, Mapping)}
    # Plain values come first: after a table's header they would belong to the table.
    lines = [f"{_key(n)} = {_value(v)}" for n, v in present.items() if n not in tables]
    for name, table in tables.items():
        lines += ["", f"[{_key(name)}]"]
        lines += [f"{_key(n)} = {_value(v)}" for n, v in table.items() if v is not None]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str | Path):
        return _quoted(str(value))
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(n)} = {_value(v)}" for n, v in value.items() if v is not None)
        return "{" + inner + "}"
    assert isinstance(value, list | tuple), f"no TOML for {type(value).__name__}"
    return "[" + ", ".join(_value(item) for item in value) + "]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", escaped) + '"'


def _settings_error(model: type[Settings], errors: list[ErrorDetails]) -> SettingsError:
    told = [_one_error(model, error) for error in errors]
    if len(told) == 1:
        return told[0]
    return SettingsError(f"{len(told)} settings cannot be used:\n  " + "\n  ".join(map(str, told)))


def _one_error(model: type[Settings], error: ErrorDetails) -> SettingsError:
    name = str(error["loc"][0]) if error["loc"] else "settings"
    if error["type"] == "extra_forbidden":
        return _unknown_name(model, name)
    field = model.model_fields[name]
    if error["type"] == "missing":
        return SettingsError(f"{model.verb} misses {name}", expected=field.description or "")
    given = f"{name} = {error['input']!r} cannot be used"
    choices = [str(choice) for choice in get_args(field.annotation) if isinstance(choice, str)]
    if not choices:
        return SettingsError(given, expected=field.description or "a text")
    near = nearest(str(error["input"]), choices)
    return SettingsError(given, expected=one_of(choices), hint=near)


def _unknown_name(model: type[Settings], name: str) -> SettingsError:
    near = nearest(name, model.model_fields)
    expected = "" if near else one_of(model.model_fields)
    return SettingsError(f"{name} is not a setting of {model.verb}", expected=expected, hint=near)
