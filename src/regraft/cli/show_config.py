"""Shows the settings that `fit` would run with: `regraft show-config [DATA]`."""

from typing import TYPE_CHECKING, Unpack

from regraft.cli.options import Data, FitFlags, fit_settings, spelled_out

if TYPE_CHECKING:
    from regraft.settings import FitSettings

OFF = frozenset({"arch", "ema", "max_seconds", "out", "preset", "source", "views"})
"""Settings that do nothing where they are None."""


@spelled_out(FitFlags)
def show_config(data: Data = None, **flags: Unpack[FitFlags]) -> int:
    """Print the settings of fit as TOML, ready for --config."""
    from regraft.cli.printing import write_json, write_out

    settings = fit_settings(data, flags)
    if flags.get("json"):
        write_json(settings.model_dump())
    else:
        write_out(_toml(settings))
    return 0


def _toml(settings: "FitSettings") -> str:
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
    return chosen + off + write_toml(values)


def _listed(words: str, names: list[str]) -> str:
    return f"# {words}: {', '.join(names)}\n" if names else ""
