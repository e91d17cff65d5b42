"""Makes two tables from one, whose column says which domain a row belongs to."""

from collections.abc import Sequence, Set
from dataclasses import replace

from regraft.data.reading.sources import open_source
from regraft.data.reading.tables import Table
from regraft.data.starters.wheels import Say, say_nothing
from regraft.errors import DataError, nearest


def domain_tables(
    source: object,
    column: str,
    *,
    first: str | Sequence[str],
    second: str,
    say: Say = say_nothing,
) -> tuple[Table, Table]:
    """Returns the rows of a source of one or more domains and of a target of another.

    Args:
        source: A path, a name or an object, as for `load`.
        column: Whose cells name the domains.
        first: The domains of the first table. A name that is none, but has commas between
            names that are, stands for these.
        second: The domain of the second.
        say: Takes one line of progress.

    Raises:
        DataError: If the source cannot be read, has no such column or domain, or one domain
            is asked for twice.
    """
    table = open_source(source, say=say)
    cells = _cells(table, column)
    known = {cell for cell in cells if cell}
    names = domain_names([first] if isinstance(first, str) else first, known)
    if second in names:
        raise DataError(
            f"the domain '{second}' is source and target", expected="a target that is no source"
        )
    # What is no row at all is told once, with the first.
    target = replace(_of_domains(table, cells, [second]), outside=())
    return _of_domains(table, cells, names), target


def domain_names(words: Sequence[str], known: Set[str]) -> list[str]:
    """Returns the names in words, each of which is one or has several with commas between.

    >>> domain_names(["film,news", "a, b"], {"film", "news", "a, b"})
    ['film', 'news', 'a, b']
    """
    found: list[str] = []
    for word in words:
        pieces = [piece.strip() for piece in word.split(",")]
        several = word not in known and len(pieces) > 1 and bool(known & set(pieces))
        found += pieces if several else [word]
    return list(dict.fromkeys(found))


def _cells(table: Table, column: str) -> list[str]:
    if column not in table.columns:
        near = nearest(column, table.columns)
        raise DataError(
            f"{table.name} has no column '{column}'",
            expected="one of " + ", ".join(table.columns),
            hint=f"--domain {near}" if near else "",
        )
    return [(cell or "").strip() for cell in table.columns[column]]


def _of_domains(table: Table, cells: Sequence[str], domains: Sequence[str]) -> Table:
    for domain in domains:
        _check_there(table, cells, domain)
    wanted = set(domains)
    rows = [row for row, cell in enumerate(cells) if cell in wanted]
    return replace(table.keep(rows), name=f"{table.name}-{joined_name(domains)}")


def joined_name(names: Sequence[str]) -> str:
    """Returns one short name for what has several.

    >>> joined_name(["film", "news"]), joined_name(["film", "news", "shop"])
    ('film-and-news', 'film-and-2-more')
    """
    if len(names) > 2:
        return f"{names[0]}-and-{len(names) - 1}-more"
    return "-and-".join(names)


def _check_there(table: Table, cells: Sequence[str], domain: str) -> None:
    if domain not in cells:
        known = sorted({cell for cell in cells if cell})
        near = nearest(domain, known)
        raise DataError(
            f"{table.name} has no row of the domain '{domain}'",
            expected="one of " + ", ".join(known[:20]),
            hint=f"'{near}'" if near else "",
        )
