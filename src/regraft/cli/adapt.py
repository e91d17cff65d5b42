"""Makes a run for a place without labels: `regraft adapt SOURCE --target TARGET`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

from typer import Argument, Option

from regraft.cli.options import (
    DATA,
    OUTPUT,
    TRAINING,
    OutputFlags,
    SharedFlags,
    merged,
    spelled_out,
)

if TYPE_CHECKING:
    from regraft.settings import AdaptSettings

Source = Annotated[
    str | None,
    Argument(metavar="SOURCE", help="Labelled data, as for fit.", show_default=False),
]


class AdaptFlags(SharedFlags, OutputFlags, total=False):
    """Flags of `adapt`."""

    out: Annotated[
        Path | None,
        Option(
            metavar="RUN",
            help="Folder to make (runs/SOURCE-adapt-NNN).",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ]
    target: Annotated[
        str | None,
        Option(
            metavar="TARGET",
            help="Data of the place where the model will work; labels in it are not read.",
            rich_help_panel=DATA,
            show_default=False,
        ),
    ]
    from_domain: Annotated[
        str | None,
        Option(
            "--from",
            metavar="NAME",
            help="Domain of SOURCE that has the labels, as --domain COLUMN names it.",
            rich_help_panel=DATA,
            show_default=False,
        ),
    ]
    to_domain: Annotated[
        str | None,
        Option(
            "--to",
            metavar="NAME",
            help="Domain of SOURCE that is the target.",
            rich_help_panel=DATA,
            show_default=False,
        ),
    ]
    method: Annotated[
        list[str] | None,
        Option(
            metavar="NAME[:OPTION=VALUE][,…]",
            help="auto tries all; see regraft list methods. PREPARATION+METHOD for both.",
            rich_help_panel=TRAINING,
            show_default=False,
        ),
    ]
    strategy: Annotated[
        str | None,
        Option(
            metavar="NAME",
            help="How the source is trained; one that moves the trunk lets methods move it on "
            "(head: the trunk is frozen).",
            rich_help_panel=TRAINING,
            show_default=False,
        ),
    ]
    preset: Annotated[
        str | None,
        Option(
            metavar="NAME",
            help="fast: frozen trunk; balanced, best: it moves, by few or all methods.",
            rich_help_panel=TRAINING,
            show_default=False,
        ),
    ]
    freeze: Annotated[
        str | None,
        Option(
            metavar="WHAT",
            help="Blocks at the bottom, conv, norm, embedding or a pattern that never move.",
            rich_help_panel=TRAINING,
            show_default=False,
        ),
    ]
    freeze_threshold: Annotated[
        str | None,
        Option(
            metavar="X",
            help="auto, off or a number: blocks freeze on the way, as for fit.",
            rich_help_panel=TRAINING,
            show_default=False,
        ),
    ]
    epochs: Annotated[
        float | None,
        Option(
            metavar="NUMBER",
            help="Passes of the source's training, and of each method's.",
            rich_help_panel=TRAINING,
            show_default=False,
        ),
    ]
    lr: Annotated[
        float | None,
        Option(
            metavar="RATE",
            help="Peak learning rate of head and top block.",
            rich_help_panel=TRAINING,
            show_default=False,
        ),
    ]
    score_target: Annotated[
        bool,
        Option(
            "--score-target",
            help="Score with the target's labels in the end; nothing is chosen by them.",
            rich_help_panel=TRAINING,
        ),
    ]
    strict: Annotated[
        bool,
        Option(
            "--strict",
            help="Exit with 4 where no method is fit to be kept.",
            rich_help_panel=TRAINING,
        ),
    ]


@spelled_out(AdaptFlags)
def adapt(source: Source = None, **flags: Unpack[AdaptFlags]) -> int:
    """Adapt a classifier of labelled data to other data without labels, or say why not."""
    from regraft.cli.progress import progress_for

    settings = adapt_settings(source, flags)
    quiet = flags.get("quiet", False)
    from regraft.runs.adapt import run_adapt

    result = run_adapt(settings, progress_for(quiet=quiet))
    write_adaptation(result, as_json=flags.get("json", False), quiet=quiet)
    return 0


def adapt_settings(source: str | None, flags: Mapping[str, Any]) -> "AdaptSettings":
    """Returns the settings of `adapt` from what was typed and the TOML file.

    Args:
        source: The SOURCE that was typed, if any.
        flags: The values of `AdaptFlags`, None where a flag was not typed.
    """
    from regraft.errors import SettingsError
    from regraft.settings import AdaptSettings

    words = ",".join(flags.get("method") or ()) or None
    settings = AdaptSettings(**merged(source, {**flags, "method": words}))
    if not settings.data:
        expected = "a file, a folder or starter:NAME"
        raise SettingsError("SOURCE is missing", expected=expected, hint="regraft adapt --help")
    return settings


def write_adaptation(result: Mapping[str, Any], *, as_json: bool, quiet: bool) -> None:
    """Writes the table of methods, then in words which one is kept.

    Args:
        result: Of an adaptation.
        as_json: Whether one JSON document is written instead.
        quiet: Whether the words are left out.
    """
    from regraft.cli.printing import closing_words, write_json, write_table, write_words
    from regraft.reports.methods import chosen_line, headers, lines

    if as_json:
        write_json(result)
        return
    write_table(headers(result), lines(result), strong=chosen_line(result))
    if not quiet:
        write_words(["", str(result.get("reason") or ""), *closing_words(result)])
