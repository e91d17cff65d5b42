"""Shows and drops features that are kept: `regraft cache [list|prune|clear]`."""

from typing import Annotated, Unpack

from typer import Argument

from regraft.cli.options import OutputFlags, spelled_out

ACTIONS = ("list", "prune", "clear")
Action = Annotated[
    str,
    Argument(
        metavar="[list|prune|clear]",
        help="list: what is there; prune: drop what is damaged or too much; clear: drop all.",
    ),
]


@spelled_out(OutputFlags)
def cache(action: Action = "list", **flags: Unpack[OutputFlags]) -> int:
    """Show or drop the features of frozen networks that are kept on the disk."""
    from regraft.cli.printing import write_json, write_out
    from regraft.runs.cache import clear_cache, prune_cache

    name = _known(action)
    if name == "list":
        return _list(as_json=flags.get("json", False))
    freed = {"prune": prune_cache, "clear": clear_cache}[name]()
    if flags.get("json"):
        write_json({"freed_bytes": freed})
    else:
        write_out(f"{_megabytes(freed)} freed\n")
    return 0


def _list(*, as_json: bool) -> int:
    from regraft.cli.printing import write_json, write_out, write_table
    from regraft.runs.cache import list_cache

    found = list_cache()
    if as_json:
        write_json(found)
        return 0
    write_out(f"{found['folder']}\n{_megabytes(found['bytes'])} of {_megabytes(found['limit'])}\n")
    if found["stores"]:
        lines = [
            [str(each["key"])[:12], str(each["rows"]), _megabytes(each["bytes"]), str(each["used"])]
            for each in found["stores"]
        ]
        write_out("\n")
        write_table(("store", "rows", "size", "used last"), lines)
    return 0


def _known(action: str) -> str:
    from regraft.errors import SettingsError, nearest, one_of

    if action not in ACTIONS:
        near = nearest(action, ACTIONS)
        raise SettingsError(
            f"the cache cannot be told to {action!r}", expected=one_of(ACTIONS), hint=near
        )
    return action


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
