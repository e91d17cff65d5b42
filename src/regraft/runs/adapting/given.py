"""Makes what the source and the target are read from, out of settings and Python objects."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from regraft.data.guess import Roles, existing, guess_roles
from regraft.data.meaning import usable_cells
from regraft.data.parting.domains import domain_tables
from regraft.data.parting.sources import check_same_classes, classes_of, join_sources
from regraft.data.reading.sources import exists, is_named, open_source
from regraft.data.reading.tables import Table
from regraft.data.starters.wheels import Say
from regraft.errors import DataError, SettingsError, nearest
from regraft.features import shelf
from regraft.settings import AdaptSettings

TYPED = ("text", "image", "label")
"""Columns that source and target may call by other names."""


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


def read_given(
    settings: AdaptSettings, given: Given, *, say: Say
) -> tuple[AdaptSettings, object, object]:
    """Returns the settings of the source's fit, and what the source and the target are read from.

    A column that was typed is that of the domain that has it, or of both; a domain that lacks
    it finds its own.

    Args:
        settings: Checked settings.
        given: Objects, which come before what the settings name.
        say: Told one line at a time.

    Raises:
        SettingsError: If there is no target, or two, or the limit of the cache is none.
        DataError: If the data cannot be opened or joined, a domain is not there, or neither
            source nor target has a column that was typed.
    """
    if settings.cache:
        shelf.limit()
    data = data_given(settings, given, say=say)
    typed = {role: name for role, name in settings.columns.items() if role in TYPED}
    if not typed:
        _refuse_missing(data)
        return settings, *data
    source, target = (open_source(each, say=say) for each in data)
    lacking = [role for role, name in typed.items() if existing(source, name) is None]
    found = {role: column for role, name in typed.items() if (column := existing(target, name))}
    for role in lacking:
        if role not in found:
            raise _nowhere((source, target), role, typed[role])
    own = settings.model_copy(update=dict.fromkeys(lacking))
    return own, source, replace(target, known={**target.known, **found})


def _refuse_missing(data: tuple[object, object]) -> None:
    """Refuses paths of nothing before a network is opened for the other domain."""
    for each in data:
        if isinstance(each, str) and not is_named(each) and not exists(each):
            open_source(each)


def _nowhere(tables: tuple[Table, Table], role: str, name: str) -> DataError:
    """Returns the error for a column that neither domain has."""
    source, target = tables
    names = list(dict.fromkeys([*source.names, *target.names]))
    near = nearest(name, names)
    return DataError(
        f"neither the source {source.name} nor the target {target.name} has a column '{name}'",
        expected="one of " + ", ".join(names),
        hint=f"--{role} {near}" if near else "",
    )


def data_given(settings: AdaptSettings, given: Given, *, say: Say) -> tuple[object, object]:
    """Returns what the source and the target are read from.

    Args:
        settings: Checked settings.
        given: Objects, which come before what the settings name.
        say: Told one line at a time.

    Raises:
        SettingsError: If there is no target, or two.
        DataError: If several sources cannot be joined, or a domain is not there.
    """
    _check_objects(settings, given)
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
        return join_sources(tables, _roles_of(tables, settings)), target
    return several[0] if several else _source(settings, given), target


def _check_objects(settings: AdaptSettings, given: Given) -> None:
    """Refuses of objects what the settings refuse of names."""
    if settings.to_domain and given.target is not None:
        raise SettingsError(
            f"a target cannot be used with to_domain = {settings.to_domain!r}",
            expected="one of the two",
        )
    if settings.domain and given.sources:
        raise SettingsError(
            f"domain = {settings.domain!r} cannot be used with several sources: each is a domain",
            expected="one of the two",
        )


def _roles_of(tables: Sequence[Table], settings: AdaptSettings) -> Roles:
    """Returns the columns that were typed, without those that none of several sources has."""
    there = {
        role: name
        for role, name in settings.columns.items()
        if role not in TYPED or any(existing(table, name) for table in tables)
    }
    return Roles(**there)


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
    cells = usable_cells(source, labels.label or "")
    places = [(cell or "").strip() for cell in source.columns[column]]
    by_domain: dict[str, list[str | None]] = {place: [] for place in places}
    for place, cell in zip(places, cells, strict=False):
        by_domain[place].append(cell)
    check_same_classes({place: classes_of(each) for place, each in by_domain.items()})
    return source, target
