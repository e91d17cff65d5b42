"""Defines what all settings share: checked in one place, all mistakes told at once."""

from collections.abc import Iterator
from typing import Any, ClassVar, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from regraft.errors import SettingsError, nearest, one_of

ROLES = ("text", "image", "label", "domain", "split", "group")
COUNT = "a whole number, at least 1"
LAST_SEED = 2**32 - 1
SEED = f"a whole number from 0 to {LAST_SEED}"
PIXELS = "a whole number from 8 to 4096"
TOKENS = "a whole number from 8 to 1000000"
ROWS = "a whole number from 1 to 1000000"
MOST_UNITS = 65_536
"""Units of a layer of a head: more are a slip of the keyboard, and fill any memory."""
POSITIVE = "a number above 0"
PASSES = "a number above 0, at most 10000"
SHARE = "a number above 0, at most 1"
DEVICE_PATTERN = r"^(auto|cpu|mps|cuda(:\d+)?)$"
DEVICE = "one of auto, cpu, cuda, cuda:NUMBER, mps"


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
        named = {role: getattr(self, role, None) for role in ROLES}
        return {role: column for role, column in named.items() if column is not None}


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
    choices = list(_choices(field.annotation))
    if not choices:
        return SettingsError(given, expected=field.description or "a text")
    near = nearest(str(error["input"]), choices)
    return SettingsError(given, expected=field.description or one_of(choices), hint=near)


def _choices(annotation: Any) -> Iterator[str]:
    """Yields the words that a field may be, those inside `... | None` too."""
    for each in get_args(annotation):
        if isinstance(each, str):
            yield each
        else:
            yield from _choices(each)


def _unknown_name(model: type[Settings], name: str) -> SettingsError:
    # Of `to_domain` one may have typed a word alone; such a name is like no other.
    part = next((each for each in model.model_fields if name in each.split("_")), "")
    near = part or nearest(name, model.model_fields)
    expected = "" if near else one_of(model.model_fields)
    return SettingsError(f"{name} is not a setting of {model.verb}", expected=expected, hint=near)
