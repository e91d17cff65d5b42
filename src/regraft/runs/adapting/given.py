"""Makes what the source and the target are read from, out of settings and Python objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regraft.data.guess import Roles, guess_roles
from regraft.data.parting.domains import domain_tables
from regraft.data.parting.sources import check_same_classes, classes_of, join_sources
from regraft.data.reading.sources import open_source
from regraft.data.reading.tables import Table
from regraft.data.starters.wheels import Say
from regraft.errors import SettingsError
from regraft.settings import AdaptSettings


@dataclass(frozen=True)
class Given:
    """Python objects in the place of paths and names; None or empty where there are none.

    Args:
        source: The labelled data.
        sources: Several of them.
        target: The target.
    """

    source: object = None
    sources: Sequence[object] = ()
    target: object = None


NOTHING = Given()


def names_given(given: Given) -> dict[str, Any]:
    """Returns the paths and names among what was given, by setting; objects have none.

    Raises:
        SettingsError: If there is no source, or one and several, or these are no list.
    """
    if not isinstance(given.sources, list | tuple):
        kind = type(given.sources).__name__
        raise SettingsError(f"sources is of type {kind}", expected="a list of labelled sources")
    if given.source is None and not given.sources:
        raise SettingsError("the source is missing", hint="adapt(SOURCE, target=TARGET)")
    if given.source is not None and given.sources:
        raise SettingsError("source cannot be used with sources", expected="one of the two")
    names = tuple(_named(each) for each in given.sources)
    return {
        "data": _named(given.source),
        "sources": names if all(names) else (),
        "target": _named(given.target),
    }


def _named(data: object) -> str:
    return str(data) if isinstance(data, str | Path) else ""


def data_given(settings: AdaptSettings, given: Given, *, say: Say) -> tuple[object, object]:
    """Returns what the source and the target are read from.

    Args:
        settings: Checked settings.
        given: Objects, which come before what the settings name.
        say: Told one line at a time.

    Raises:
        SettingsError: If there is no target.
        DataError: If several sources cannot be joined, or a domain is not there.
    """
    if settings.domain and settings.from_domain and settings.to_domain:
        return _domains(settings, given, say)
    target = settings.target if given.target is None else given.target
    if isinstance(target, str) and not target:
        raise SettingsError(
            "the target is missing",
            expected="a file, a folder or starter:NAME, or two domains of the source",
            hint="--target TARGET, or --domain COLUMN --from NAME --to NAME",
        )
    several = given.sources or settings.sources
    if len(several) > 1:
        tables = [open_source(each, say=say) for each in several]
        return join_sources(tables, Roles(**settings.columns)), target
    return several[0] if several else _source(settings, given), target


def _source(settings: AdaptSettings, given: Given) -> object:
    return settings.data if given.source is None else given.source


def _domains(settings: AdaptSettings, given: Given, say: Say) -> tuple[Table, Table]:
    """Returns the rows of the domains that the settings name, all of one column."""
    column, to_domain = settings.domain or "", settings.to_domain or ""
    source, target = domain_tables(
        _source(settings, given),
        column,
        first=settings.from_domain,
        second=to_domain,
        say=say,
    )
    labels, _ = guess_roles(source, Roles(**settings.columns), need_label=True)
    cells = source.columns.get(labels.label or "", [])
    places = [(cell or "").strip() for cell in source.columns[column]]
    by_domain: dict[str, list[str | None]] = {place: [] for place in places}
    for place, cell in zip(places, cells, strict=False):
        by_domain[place].append(cell)
    check_same_classes({place: classes_of(each) for place, each in by_domain.items()})
    return source, target
