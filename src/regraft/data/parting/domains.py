"""Makes two tables from one, whose column says which domain a row belongs to."""

from collections.abc import Sequence
from dataclasses import replace

from regraft.data.reading.sources import open_source
from regraft.data.reading.tables import Table
from regraft.data.starters.wheels import Say, say_nothing
from regraft.errors import DataError, nearest


def domain_tables(
    source: object, column: str, *, first: str, second: str, say: Say = say_nothing
) -> tuple[Table, Table]:
    """Returns the rows of two domains, each as a table of its own.

    Args:
        source: A path, a name or an object, as for `load`.
        column: Whose cells name the domains.
        first: The domain of the first table.
        second: That of the second.
        say: Takes one line of progress.

    Raises:
        DataError: If the source cannot be read, or has no such column or domain.
    """
    table = open_source(source, say=say)
    cells = _cells(table, column)
    return _of_domain(table, cells, first), _of_domain(table, cells, second)


def _cells(table: Table, column: str) -> list[str]:
    if column not in table.columns:
        near = nearest(column, table.columns)
        raise DataError(
            f"{table.name} has no column '{column}'",
            expected="one of " + ", ".join(table.columns),
            hint=f"--domain {near}" if near else "",
        )
    return [(cell or "").strip() for cell in table.columns[column]]


def _of_domain(table: Table, cells: Sequence[str], domain: str) -> Table:
    rows = [row for row, cell in enumerate(cells) if cell == domain]
    if not rows:
        known = sorted({cell for cell in cells if cell})
        near = nearest(domain, known)
        raise DataError(
            f"{table.name} has no row of the domain '{domain}'",
            expected="one of " + ", ".join(known[:20]),
            hint=f"'{near}'" if near else "",
        )
    return replace(table.keep(rows), name=f"{table.name}-{domain}")
