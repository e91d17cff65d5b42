"""Makes a run for a place without labels: `regraft adapt SOURCE --target TARGET`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

from typer import Argument

from regraft.cli.options import (
    DATA,
    OUTPUT,
    TRAINING,
    FreezeFlags,
    OutputFlags,
    SharedFlags,
    StepFlags,
    merged,
    option,
    spelled_out,
    switch,
)

if TYPE_CHECKING:
    from regraft.settings import AdaptSettings

Sources = Annotated[
    list[str] | None,
    Argument(
        metavar="SOURCE…",
        help="Labelled data, as for fit; several train together, and need the same classes.",
        show_default=False,
    ),
]


class AdaptFlags(SharedFlags, FreezeFlags, StepFlags, OutputFlags, total=False):
    """Flags of `adapt`."""

    out: Annotated[
        Path | None,
        option(OUTPUT, "RUN", "Folder to make (runs/SOURCE-to-TARGET-adapt-NNN)."),
    ]
    target: Annotated[
        str | None,
        option(
            DATA,
            "TARGET",
            "Data of the place where the model will work; its labels are not read.",
        ),
    ]
    from_domain: Annotated[
        list[str] | None,
        option(
            DATA,
            "NAME",
            "Domain of SOURCE with labels, as --domain COLUMN names it; may be repeated.",
            name="--from",
        ),
    ]
    to_domain: Annotated[
        str | None,
        option(DATA, "NAME", "Domain of SOURCE that is the target.", name="--to"),
    ]
    target_labels: Annotated[
        int | None,
        option(TRAINING, "COUNT", "Labelled rows of the target that train and choose (none)."),
    ]
    method: Annotated[
        list[str] | None,
        option(
            TRAINING,
            "NAME[:OPTION=VALUE][,…]",
            "auto tries several (few where the trunk moves, unless --preset best); see "
            "regraft list methods. PREPARATION+METHOD for both.",
        ),
    ]
    strategy: Annotated[
        str | None,
        option(
            TRAINING,
            "NAME",
            "How the source is trained; one that moves the trunk lets methods move it on "
            "(head: the trunk is frozen).",
        ),
    ]
    preset: Annotated[
        str | None,
        option(
            TRAINING,
            "NAME",
            "fast: frozen trunk; balanced, best: it moves, by few or all methods.",
        ),
    ]
    score_target: Annotated[
        bool | None,
        switch(
            TRAINING,
            "--score-target/--no-score-target",
            "Score with the target's labels in the end; nothing is chosen by them.",
        ),
    ]
    strict: Annotated[
        bool | None,
        switch(TRAINING, "--strict/--no-strict", "Exit with 4 where no method is fit to be kept."),
    ]


@spelled_out(AdaptFlags)
def adapt(sources: Sources = None, **flags: Unpack[AdaptFlags]) -> int:
    """Adapt a classifier of labelled data to other data without labels, or say why not."""
    from regraft.cli.printing import write_checked
    from regraft.cli.progress import progress_for

    settings = adapt_settings(sources or [], flags)
    quiet = flags.get("quiet", False)
    from regraft.runs.adapt import run_adapt

    result = run_adapt(settings, progress_for(quiet=quiet))
    write_adaptation(result, as_json=flags.get("json", False), quiet=quiet)
    write_checked(result, asked=settings.check_cache, quiet=quiet)
    return 0


def adapt_settings(sources: Sequence[str], flags: Mapping[str, Any]) -> "AdaptSettings":
    """Returns the settings of `adapt` from what was typed and the TOML file.

    Args:
        sources: Each SOURCE that was typed; they replace those of the file.
        flags: The values of `AdaptFlags`, None where a flag was not typed.
    """
    from regraft.errors import SettingsError
    from regraft.settings import AdaptSettings

    words = ",".join(flags.get("method") or ()) or None
    one = sources[0] if len(sources) == 1 else None
    several = {"sources": tuple(sources)} if len(sources) > 1 else {}
    replaced = ("data", "sources") if sources else ()
    typed = {**flags, **several, "method": words}
    settings = AdaptSettings(**merged(one, typed, passed_over=replaced))
    if not settings.data and not settings.sources:
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
