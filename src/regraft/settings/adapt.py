"""Defines the settings of `adapt`."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, field_validator, model_validator

from regraft.errors import SettingsError
from regraft.settings.checked import COUNT
from regraft.settings.moving import MovingOptions, MovingSettings


class AdaptSettings(MovingSettings):
    """What `adapt` is asked to do; None = chosen from the source, with a reason.

    Args:
        sources: Paths or names of several labelled sources, in the place of `data`.
        target: Path or name of the target; empty where it is a Python object, or the rows
            of another domain of the source.
        from_domain: Values of the domain column whose rows are the source; one may be a
            plain string.
        to_domain: Value of that column whose rows are the target.
        target_labels: How many labelled rows of the target train and choose; None = none,
            and its labels are not read.
        method: Words of methods with commas between, or `auto`; see `methods_asked`.
        score_target: Whether the target's labels are read in the end, to score with.
        strict: Whether it is an error if no method is fit to be kept.

    The others are those of `MovingSettings`; `data` is the labelled source.
    """

    verb: ClassVar[str] = "adapt"

    sources: tuple[str, ...] = Field((), strict=False, description="paths or names of data")
    target: str = ""
    from_domain: tuple[str, ...] = Field((), strict=False, description="values of the column")
    to_domain: str | None = Field(None, min_length=1, description="a value of the column")
    target_labels: int | None = Field(None, ge=1, description=COUNT)
    method: str = Field("auto", min_length=1, description="names")
    score_target: bool = Field(False, description="true or false")
    strict: bool = Field(False, description="true or false")

    @property
    def named(self) -> bool:
        """Whether all data are paths or names, which can be read again."""
        return bool((self.data or self.sources) and (self.target or self.to_domain))

    @field_validator("from_domain", mode="before")
    @classmethod
    def _as_several(cls, value: object) -> object:
        """Takes one name, or none, for several."""
        if isinstance(value, str):
            return (value,) if value else ()
        return () if value is None else value

    @model_validator(mode="after")
    def _one_kind_of_source(self) -> Self:
        """Refuses sources that are given in two ways, or one of them twice."""
        seen: set[str] = set()
        for name in self.sources:
            if (place := _place(name)) in seen:
                raise SettingsError(f"{name} is given twice as a source", expected="each once")
            seen.add(place)
        if self.sources and self.data:
            raise SettingsError(
                f"data = {self.data!r} cannot be used with sources", expected="one of the two"
            )
        if self.sources and self.domain:
            raise SettingsError(
                f"domain = {self.domain!r} cannot be used with several sources: each is a domain",
                expected="one of the two",
            )
        return self

    @model_validator(mode="after")
    def _labels_for_somebody(self) -> Self:
        """Refuses target labels beside a method that learns nothing of the target."""
        if self.target_labels and self.method.replace("_", "-") == "source-only":
            raise SettingsError(
                f"target_labels = {self.target_labels} cannot be used with the method "
                f"{self.method}, which learns nothing of the target",
                expected="another method",
                hint="--method auto",
            )
        return self

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
        if (self.to_domain,) == self.from_domain:
            raise SettingsError(
                f"from_domain and to_domain are both {self.to_domain!r}",
                expected="two domains that differ",
            )
        if self.to_domain in self.from_domain:
            raise SettingsError(
                f"to_domain = {self.to_domain!r} is one of from_domain too",
                expected="a target that is no source",
            )
        return self


def _place(name: str) -> str:
    """Returns a path as it is from everywhere, however it was spelled; any other name as it is."""
    try:
        return str(Path(name).resolve()) if Path(name).exists() else name
    except (OSError, ValueError):  # a name that no file could have
        return name


class AdaptOptions(MovingOptions, total=False):
    """The settings of `AdaptSettings` except what is data, for `**options` in Python."""

    backbone: str
    from_domain: str | Sequence[str] | None
    to_domain: str | None
    target_labels: int | None
    method: str
    score_target: bool
    strict: bool
