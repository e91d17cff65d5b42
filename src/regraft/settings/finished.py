"""Defines the settings of the verbs that use a finished run."""

from pathlib import Path
from typing import ClassVar, Self, TypedDict

from pydantic import Field, model_validator

from regraft.errors import SettingsError
from regraft.settings.checked import DEVICE, DEVICE_PATTERN, Settings

TABLE = "a path that ends in .csv, .jsonl or .parquet"


class RunSettings(Settings):
    """What the verbs that use a finished run share.

    Args:
        run: Folder of a finished run.
        out: File to write; None = standard output.
        device: Where tensors live.
        text: Column of texts.
        image: Column of image paths.
        label: Column of labels.
        cache: Whether features of a trunk that is as it came are kept and read again.
    """

    run: Path = Field(strict=False, description="the folder of a run")
    out: Path | None = Field(None, strict=False, description="a path")
    device: str = Field("auto", pattern=DEVICE_PATTERN, description=DEVICE)
    text: str | None = None
    image: str | None = None
    label: str | None = None
    cache: bool = Field(True, description="true or false")


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
            raise SettingsError(f"out = {str(self.out)!r} cannot be used", expected=TABLE)
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


class RunOptions(TypedDict, total=False):
    """The settings of `RunSettings` except `run` and `out`, for `**options` in Python."""

    device: str
    text: str | None
    image: str | None
    label: str | None
    cache: bool


class PredictOptions(RunOptions, total=False):
    """The settings of `PredictSettings` except what is data, and `out`, for `**options`."""

    suffix: str


class EvaluateOptions(RunOptions, total=False):
    """The settings of `EvaluateSettings` except what is data, and `out`, for `**options`."""

    split: str | None
