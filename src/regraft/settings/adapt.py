"""Defines the settings of `adapt`."""

from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, model_validator

from regraft.errors import SettingsError
from regraft.settings.checked import DEVICE, DEVICE_PATTERN, SIDE
from regraft.settings.fit import ClassWeights, Precision
from regraft.settings.moving import MovingOptions, MovingSettings


class AdaptSettings(MovingSettings):
    """What `adapt` is asked to do; None = chosen from the source, with a reason.

    Args:
        data: Path or name of the labelled source; empty where Python objects were given.
        target: Path or name of the target; empty where it is a Python object, or the rows
            of another domain of the source.
        from_domain: Value of the domain column whose rows are the source.
        to_domain: Value of that column whose rows are the target.
        method: Words of methods with commas between, or `auto`; see `methods_asked`.
        score_target: Whether the target's labels are read in the end, to score with.
        strict: Whether it is an error if no method is fit to be kept.

    The others are those of `MovingSettings` and `FitSettings`.
    """

    verb: ClassVar[str] = "adapt"

    data: str = ""
    target: str = ""
    from_domain: str | None = Field(None, min_length=1, description="a value of the column")
    to_domain: str | None = Field(None, min_length=1, description="a value of the column")
    method: str = Field("auto", min_length=1, description="names")
    score_target: bool = Field(False, description="true or false")
    strict: bool = Field(False, description="true or false")
    out: Path | None = Field(None, strict=False, description="a path")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="a whole number from 0 to 4294967295")
    backbone: str = Field("auto", min_length=1, description="a name")
    arch: str | None = Field(None, min_length=1, description="a name")
    max_length: int | None = Field(None, ge=8, description=SIDE)
    image_size: int | None = Field(None, ge=8, description=SIDE)
    class_weights: ClassWeights = "auto"
    device: str = Field("auto", pattern=DEVICE_PATTERN, description=DEVICE)
    precision: Precision = "auto"
    baselines: bool = Field(True, description="true or false")
    cache: bool = Field(True, description="true or false")
    check_cache: bool = Field(False, description="true or false")
    text: str | None = None
    image: str | None = None
    label: str | None = None
    domain: str | None = None
    split: str | None = None
    group: str | None = None
    repeat: Path | None = Field(None, strict=False, description="the run.toml of a run")

    @model_validator(mode="after")
    def _two_domains(self) -> Self:
        """Refuses half a pair of domains, and a target that is given twice."""
        named = (self.domain, self.from_domain, self.to_domain)
        if (self.from_domain or self.to_domain) and not all(named):
            raise SettingsError(
                "two domains of one column need all of domain, from_domain and to_domain",
                hint="--domain COLUMN --from NAME --to NAME",
            )
        if self.to_domain and self.target:
            raise SettingsError(
                f"target = {self.target!r} cannot be used with to_domain = {self.to_domain!r}",
                expected="one of the two",
            )
        if self.to_domain and self.to_domain == self.from_domain:
            raise SettingsError(
                f"from_domain and to_domain are both {self.to_domain!r}",
                expected="two domains that differ",
            )
        if self.check_cache and not self.cache:
            raise SettingsError("check_cache cannot be used without the cache")
        return self


class AdaptOptions(MovingOptions, total=False):
    """The settings of `AdaptSettings` except `data` and `target`, for `**options`."""

    from_domain: str | None
    to_domain: str | None
    method: str
    score_target: bool
    strict: bool
    out: Path | None
    seed: int
    backbone: str
    arch: str | None
    max_length: int | None
    image_size: int | None
    class_weights: ClassWeights
    device: str
    precision: Precision
    baselines: bool
    cache: bool
    check_cache: bool
    text: str | None
    image: str | None
    label: str | None
    domain: str | None
    split: str | None
    group: str | None
    repeat: Path | None
