"""Makes one checked, frozen value per verb from flags, TOML and Python arguments."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypedDict, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from regraft.errors import SettingsError, nearest, one_of

Optimizer = Literal["adamw", "sgd"]
Augment = Literal["auto", "none", "crop", "flip-crop", "drop-tokens"]
ClassWeights = Literal["auto", "none", "balanced"]
RuleName = Literal["left", "staggered", "outputs", "gradient", "literal", "clock"]
RuleScope = Literal["prefix", "any"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]

_ROLES = ("text", "image", "label", "domain", "split", "group")
_COUNT = "a whole number, at least 1"
_SIDE = "a whole number, at least 8"
_POSITIVE = "a number above 0"
_HEAD = "linear or mlp:UNITS[,UNITS], such as mlp:256"
_FREEZE = "a number of blocks, conv, norm, embedding or a pattern such as encoder.layer.0"
_THRESHOLD = "auto, off or a number above 0"
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
        epochs: Passes over the training part; a fraction ends the last one early.
        lr: Peak learning rate of the head and the top block.
        batch_size: Rows a step.
        optimizer: What moves the weights.
        max_length: Most tokens a text.
        image_size: Side in pixels.
        augment: What is done to training rows, anew in each epoch.
        dropout: Share of values dropped in training, everywhere in the network, in [0, 1).
        freeze: What never moves: a number of blocks at the bottom, `conv`, `norm`,
            `embedding`, a pattern of names, or several with commas.
        freeze_threshold: Part of a block's journey that is still to come, below which the
            block stops moving: `auto`, `off` or a number.
        freeze_threshold_rule: What the threshold is compared with: what is `left` of the
            weights' journey (`staggered`: one block a check) or of the `outputs`; the
            `gradient` of a block by the others'; the norm of one step's update (`literal`);
            `clock` freezes all at a share of the integrated rate.
        freeze_threshold_scope: Whether a block waits for those below it: `prefix` or `any`.
        control: Whether an unfrozen twin is trained from the first freeze on, to compare with.
        ema: Decay of a moving average of the weights, which is scored and kept in their
            stead, in (0, 1); None = the weights themselves.
        layer_decay: Factor on the rate from a block to the one below, in (0, 1].
        weight_decay: Decoupled decay.
        class_weights: Whether rare classes weigh more in the loss.
        patience: Epochs without improvement before stopping.
        max_seconds: Budget for the whole verb.
        device: Where tensors live.
        precision: Number format of the training.
        baselines: Whether the majority class, the classic and the probe are measured too.
        views: Different augmentations of each row where blocks are frozen from the start, so
            that what these make can be kept; None = another one in each epoch.
        cache: Whether features of what is frozen are kept on the disk and read again.
        check_cache: Whether a sample of what was read is computed anew and compared.
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
    epochs: float | None = Field(None, gt=0, description=_POSITIVE)
    lr: float | None = Field(None, gt=0, description=_POSITIVE)
    batch_size: int | None = Field(None, ge=1, description=_COUNT)
    optimizer: Optimizer = "adamw"
    max_length: int | None = Field(None, ge=8, description=_SIDE)
    image_size: int | None = Field(None, ge=8, description=_SIDE)
    augment: Augment = "auto"
    dropout: float = Field(0.0, ge=0, lt=1, description="a number from 0 to below 1")
    freeze: Annotated[str, Field(min_length=1)] | int | None = Field(None, description=_FREEZE)
    freeze_threshold: Annotated[float, Field(gt=0)] | Literal["auto", "off"] = Field(
        "off", description=_THRESHOLD
    )
    freeze_threshold_rule: RuleName = "left"
    freeze_threshold_scope: RuleScope = "prefix"
    control: bool = Field(False, description="true or false")
    ema: float | None = Field(None, gt=0, lt=1, description="a number above 0, below 1")
    layer_decay: float | None = Field(None, gt=0, le=1, description="a number above 0, at most 1")
    weight_decay: float = Field(0.01, ge=0, description="a number, at least 0")
    class_weights: ClassWeights = "auto"
    patience: int | None = Field(None, ge=1, description=_COUNT)
    max_seconds: float | None = Field(None, gt=0, description=_POSITIVE)
    device: str = Field("auto", pattern=_DEVICE_PATTERN, description=_DEVICE)
    precision: Precision = "auto"
    baselines: bool = Field(True, description="true or false")
    views: int | None = Field(None, ge=1, description=_COUNT)
    cache: bool = Field(True, description="true or false")
    check_cache: bool = Field(False, description="true or false")
    text: str | None = None
    image: str | None = None
    label: str | None = None
    domain: str | None = None
    split: str | None = None
    group: str | None = None
    repeat: Path | None = Field(None, strict=False, description="the run.toml of a run")

    @field_validator("freeze", mode="before")
    @classmethod
    def _as_words(cls, value: object) -> object:
        """Takes a plain number of blocks for the word that it is on the command line."""
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _threshold_of_something(self) -> Self:
        """Refuses a threshold without a value, and a twin where nothing or no time is there."""
        if self.control and self.freeze_threshold == "off":
            raise SettingsError(
                "control = true cannot be used without a freeze threshold: nothing would differ",
                hint="--freeze-threshold auto --control",
            )
        rule = self.freeze_threshold_rule
        if self.freeze_threshold == "auto" and rule in ("literal", "clock"):
            raise SettingsError(
                f"freeze_threshold = 'auto' cannot be used with the rule {rule}",
                expected="a number above 0" if rule == "literal" else "a number from 0 to 1",
                hint=f"--freeze-threshold {'0.01' if rule == 'literal' else '0.7'}",
            )
        if rule != "left" and self.freeze_threshold == "off":
            raise SettingsError(
                f"freeze_threshold_rule = {rule!r} cannot be used without a freeze threshold",
                hint=f"--freeze-threshold 0.1 --freeze-threshold-rule {rule}",
            )
        if rule == "clock" and not isinstance(self.freeze_threshold, str):
            _within(self.freeze_threshold, "freeze_threshold", "of the rule clock")
        if rule == "staggered" and self.freeze_threshold_scope == "any":
            raise SettingsError(
                "freeze_threshold_rule = 'staggered' cannot be used with the scope any",
                expected="the scope prefix",
            )
        if self.check_cache and not self.cache:
            raise SettingsError("check_cache cannot be used without the cache")
        if self.control and self.max_seconds is not None:
            raise SettingsError(
                "control = true cannot be used with max_seconds: the twin takes its own time",
                expected="one of the two",
            )
        return self

    @field_validator("freeze_threshold", mode="before")
    @classmethod
    def _as_number(cls, value: object) -> object:
        """Takes the word of a number, as the command line gives it, for the number."""
        try:
            return float(value) if isinstance(value, str) else value
        except ValueError:
            return value


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
    epochs: float | None
    lr: float | None
    batch_size: int | None
    optimizer: Optimizer
    max_length: int | None
    image_size: int | None
    augment: Augment
    dropout: float
    freeze: str | int | None
    freeze_threshold: float | Literal["auto", "off"]
    freeze_threshold_rule: RuleName
    freeze_threshold_scope: RuleScope
    control: bool
    ema: float | None
    layer_decay: float | None
    weight_decay: float
    class_weights: ClassWeights
    patience: int | None
    max_seconds: float | None
    device: str
    precision: Precision
    baselines: bool
    views: int | None
    cache: bool
    check_cache: bool
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


def _within(value: float, name: str, whose: str) -> None:
    if value > 1:
        raise SettingsError(
            f"{name} = {value} {whose} cannot be used", expected="a number from 0 to 1"
        )


def _settings_error(model: type[Settings], errors: list[ErrorDetails]) -> SettingsError:
    # A setting that may be of two types has an error for each.
    each = {error["loc"][:1]: error for error in reversed(errors)}
    told = [_one_error(model, error) for error in reversed(each.values())]
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
