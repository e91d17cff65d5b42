"""Lists what can be named: `regraft list [KIND]`."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Annotated, Any, Unpack

from typer import Argument

from regraft.cli.options import OutputFlags, spelled_out

KINDS = ("backbones", "datasets", "methods", "strategies")
LEFT_OUT = ("source", "package", "bytes", "split")
"""What a terminal has no room for: the size is that of what is fetched."""
SIZE = "download_bytes"
HEADERS = {SIZE: "MB"}
LONGEST = 40
"""Letters of an origin."""
Kind = Annotated[
    str | None,
    Argument(metavar="[backbones|datasets|methods|strategies]", help="All of them if left out."),
]


@spelled_out(OutputFlags)
def list_names(kind: Kind = None, **flags: Unpack[OutputFlags]) -> int:
    """List the backbones, data sets, methods and strategies that can be named.

    MB is the size of what is fetched. Packages, splits and the papers behind methods and
    strategies are in the JSON document, origins at full length too.
    """
    from regraft.cli.printing import write_json, write_out, write_table

    found = {name: _entries(name) for name in ([_known(kind)] if kind else KINDS)}
    if flags.get("json"):
        write_json(found)
        return 0
    for number, (name, entries) in enumerate(found.items()):
        write_out(f"{'' if number == 0 else chr(10)}{name}\n\n")
        keys = [key for key in dict.fromkeys(chain(*entries)) if key not in LEFT_OUT]
        lines = [[_cell(key, entry.get(key)) for key in keys] for entry in entries]
        write_table([HEADERS.get(key, key) for key in keys], lines)
    return 0


def _known(kind: str) -> str:
    from regraft.errors import SettingsError, nearest, one_of

    if kind not in KINDS:
        near = nearest(kind, KINDS)
        raise SettingsError(f"{kind!r} cannot be listed", expected=one_of(KINDS), hint=near)
    return kind


def _entries(kind: str) -> Sequence[Mapping[str, Any]]:
    from regraft.runs.listing import (
        list_backbones,
        list_datasets,
        list_methods,
        list_strategies,
    )

    tables = {
        "backbones": list_backbones,
        "datasets": list_datasets,
        "methods": list_methods,
        "strategies": list_strategies,
    }
    entries: Sequence[Mapping[str, Any]] = tables[kind]()
    return entries


def _cell(key: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if key == SIZE:
        return f"{value / 1e6:.1f}"
    words = str(value)
    return words if key != "origin" or len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
