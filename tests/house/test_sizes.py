"""Holds the package as a whole to its sizes: bodies, files and rooms."""

import statistics
from collections import Counter
from collections.abc import Sequence

from tests.house.source import body_lines, modules

# One method or one verb, one file: these may hold more than 12.
WIDE_ROOMS = {"losses", "strategies", "adaptation", "backbones/sources", "cli", "runs"}

INNER_FOLDERS = {
    *("backbones/sources", "backbones/splicing"),
    *("data/mapped", "data/parting", "data/reading"),
    *("runs/adapting", "runs/choosing", "runs/comparing", "runs/fitting", "runs/moving"),
    *("data/starters", "runs/trials", "runs/shifting", "adaptation/shifting"),
    *("training/aligning", "training/batching", "training/heads", "training/keeping"),
    "training/moving",
}


def share(sizes: Sequence[int], fraction: float) -> int:
    """Returns the size that a fraction of all sizes does not exceed."""
    return sorted(sizes)[max(0, round(fraction * len(sizes)) - 1)]


def bodies() -> list[int]:
    lines = [body_lines(f) for module in modules() for f in module.functions()]
    return [count for count in lines if count > 0]


def files_by_folder() -> Counter[str]:
    paths = [module.path for module in modules() if module.stem != "__init__"]
    return Counter(path.rpartition("/")[0] for path in paths)


def test_a_share_is_the_size_that_so_many_do_not_exceed() -> None:
    assert share([5, 1, 2, 3, 4, 6, 7, 8, 9, 100], 0.9) == 9


def test_half_of_the_bodies_have_at_most_6_lines() -> None:
    assert statistics.median(bodies()) <= 6


def test_nine_bodies_of_ten_have_at_most_20_lines() -> None:
    assert share(bodies(), 0.9) <= 20


def test_nine_files_of_ten_have_at_most_300_lines() -> None:
    assert share([len(module.text.splitlines()) for module in modules()], 0.9) <= 300


def test_a_room_holds_at_most_12_files() -> None:
    counts = files_by_folder()
    crowded = {room: n for room, n in counts.items() if n > 12 and room not in WIDE_ROOMS}
    assert crowded == {}


def test_only_named_folders_lie_inside_a_room() -> None:
    assert {folder for folder in files_by_folder() if "/" in folder} <= INNER_FOLDERS
