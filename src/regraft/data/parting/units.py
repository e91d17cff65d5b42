"""Joins rows that a split must not part: equal rows, rows of one group, what these join."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.data.mapped.digests import Digests, Numbered, digests_of, numbered, sorted_order
from regraft.data.mapped.room import blocks, picked, room_for, room_made, room_of

Numbers = npt.NDArray[np.int64]
_SALT = b"regraft split 1"


@dataclass(frozen=True)
class Units:
    """Rows in units, the units in the order of a hash.

    Args:
        members: (M,) the unit of each row.
        sizes: (V,) rows of each unit.
        labels: (V,) the class of most of its rows; the lowest of several.
    """

    members: Numbers
    sizes: Numbers
    labels: Numbers


def unit_keys(digests: Digests, groups: Sequence[str]) -> Digests:
    """Returns (N, 16) the digest of each row's unit: the least of its rows' digests.

    Args:
        digests: (N, 16) of the rows' contents.
        groups: N names, or empty; an empty name is no group.
    """
    found = numbered(digests)
    return digests[found.firsts[_joined(found, np.arange(len(digests)), groups)]]


def units_of(found: Numbered, labels: Numbers, *, rows: Numbers, groups: Sequence[str]) -> Units:
    """Returns some rows in units.

    Args:
        found: N rows by content.
        labels: (N,) numbers of classes.
        rows: (M,) which rows.
        groups: N names, or empty; an empty name is no group.
    """
    least = _joined(found, rows, groups)
    there = np.zeros(found.count, bool)
    there[least] = True
    place = _places(sorted_order(_ranks(found, np.flatnonzero(there))))
    at = room_for((found.count,), np.int64)
    at[there] = place
    members = room_made(rows.shape, np.int64, make=lambda block: at[least[block]])
    sizes = np.bincount(members)
    return Units(members, sizes, _commonest(members, sizes, labels=picked(labels, rows)))


def _joined(found: Numbered, rows: Numbers, groups: Sequence[str]) -> Numbers:
    """Returns (M,) the least content of the unit of each row."""
    contents = picked(found.numbers, rows)
    if not groups:
        return contents
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names = numbered(digests_of(map(_digest, groups), len(groups)))
    named = np.flatnonzero(room_of(map(bool, groups), len(groups), dtype=bool)[rows])
    ends = (contents[named], found.count + names.numbers[rows[named]])
    size = found.count + names.count
    graph = coo_array((np.ones(len(named), bool), ends), shape=(size, size))
    component = connected_components(graph, directed=False)[1][contents]
    least = np.full(size, found.count)
    np.minimum.at(least, component, contents)
    return np.asarray(least[component])


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:16]


def _ranks(found: Numbered, contents: Numbers) -> Digests:
    """Returns (V, 16) hashes of the units' least contents, by which they are put in order."""
    # Hashed again, or large units, whose least key is small, would come first.
    keys = (found.digests[found.firsts[content]].tobytes() for content in contents)
    hashed = (hashlib.sha256(_SALT + key).digest()[:16] for key in keys)
    return digests_of(hashed, len(contents))


def _places(order: Numbers) -> Numbers:
    """Returns (V,) where each unit stands in an order."""
    place = room_for(order.shape, np.int64)
    for block in blocks(len(order)):
        place[order[block]] = np.arange(block.start, block.stop)
    return place


def _commonest(members: Numbers, sizes: Numbers, *, labels: Numbers) -> Numbers:
    """Returns (V,) the label of most of a unit's rows, the lowest where several are."""
    found = room_for(sizes.shape, np.int64)
    found[members] = labels  # Most units have one row.
    several = np.flatnonzero((sizes > 1)[members])
    if len(several):
        units, commonest = _counted(members[several], labels[several])
        found[units] = commonest
    return found


def _counted(members: Numbers, labels: Numbers) -> tuple[Numbers, Numbers]:
    """Returns the units among the members, and the label of most of the rows of each."""
    lowest = int(labels.min())
    kinds = int(labels.max()) - lowest + 1
    pairs, counts = np.unique(members * kinds + (labels - lowest), return_counts=True)
    units, kind = pairs // kinds, pairs % kinds
    order = np.lexsort((kind, -counts, units))
    first = np.flatnonzero(np.diff(units, prepend=-1))
    return units[first], kind[order][first] + lowest
