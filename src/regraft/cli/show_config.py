"""Shows the settings that `fit` would run with: `regraft show-config [DATA]`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from regraft.cli.options import Data, FitFlags, merged, spelled_out, typed_settings

if TYPE_CHECKING:
    from regraft.settings import FitSettings

OFF = frozenset({"arch", "ema", "max_seconds", "out", "preset", "source", "views"})
"""Settings that do nothing where they are None."""


@spelled_out(FitFlags)
def show_config(data: Data = None, **flags: Unpack[FitFlags]) -> int:
    """Print the settings of fit, and where each is from, as TOML, ready for --config."""
    from regraft.cli.printing import write_json, write_out
    from regraft.settings import FitSettings

    given = merged(data, flags)
    settings = FitSettings(**given)
    origins = _origins(settings, data, flags)
    if settings.preset and not given.get("strategy"):
        origins["strategy"] = "preset"
    if flags.get("json"):
        write_json({**settings.model_dump(), "origins": origins})
    else:
        write_out(_toml(settings, origins))
    return 0


def _origins(settings: "FitSettings", data: str | None, flags: Mapping[str, Any]) -> dict[str, str]:
    """Returns where each setting is from, in the words of a comment."""
    typed = {
        **dict.fromkeys(typed_settings(flags), "flag"),
        **({} if data is None else {"data": "argument"}),
    }
    given = dict.fromkeys(settings.model_fields_set, _one_line(str(flags.get("config"))))
    defaults = dict.fromkeys(type(settings).model_fields, "default")
    return {**defaults, **given, **typed}


def _one_line(path: str) -> str:
    from regraft.errors import harmless

    return harmless(path).replace("\n", "\\n")


def _toml(settings: "FitSettings", origins: Mapping[str, str]) -> str:
    from regraft.toml import write_toml

    values = settings.model_dump()
    open_names = [n for n, value in values.items() if value is None and n != "repeat"]
    chosen = _listed("Chosen from the data unless set", [n for n in open_names if n not in OFF])
    if "strategy" not in settings.model_fields_set:
        # Written as one that was typed it would leave nothing for a preset to choose.
        chosen += (
            f'# Taken unless set, or chosen by a preset: strategy = "{values.pop("strategy")}"\n'
        )
    off = _listed("Nothing unless set", [n for n in open_names if n in OFF])
    lines = [
        f"{write_toml({n: v}).rstrip()}  # {origins[n]}\n"
        for n, v in values.items()
        if v is not None
    ]
    return chosen + off + "".join(lines)


def _listed(words: str, names: list[str]) -> str:
    return f"# {words}: {', '.join(names)}\n" if names else ""
