"""Makes settings from TOML files and TOML from settings."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regraft.errors import SettingsError


def read_toml(path: Path) -> dict[str, Any]:
    """Returns the settings written in a TOML file; a run's `run.toml` repeats the run.

    Raises:
        SettingsError: If the file cannot be read or is not TOML.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise SettingsError(f"{path}: {reason}", expected="a TOML file of settings") from None
    except ValueError as error:  # bad TOML and bad UTF-8 alike
        raise SettingsError(f"{path} is not TOML: {error}", hint="regraft show-config") from None
    if isinstance(values.get("settings"), dict) and "machine" in values:
        # The place is the run's own, and taken.
        shared = {n: v for n, v in values["settings"].items() if n != "out"}
        return {**shared, **values.get("compare", {}), "repeat": str(path)}
    if isinstance(values.get("settings"), dict) and values.get("measured") is False:
        return dict(values["settings"])  # of a run that was stopped before anything was measured
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
