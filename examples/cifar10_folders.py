"""Writes CIFAR-10 as a folder of class folders, from torchvision's loader.

    python examples/cifar10_folders.py cifar10

fetches the 170 MB that torchvision knows and writes cifar10/{train,test}/CLASS/NUMBER.png;
then `regraft fit cifar10`.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def write_folders(pairs: Iterable[tuple[Any, int]], classes: Sequence[str], *, folder: Path) -> int:
    """Returns how many pictures were written, one folder a class.

    Args:
        pairs: Pictures of Pillow with the numbers of their classes.
        classes: Names, by number.
        folder: To make; what exists is left alone.

    Raises:
        FileExistsError: If the folder exists.
    """
    folder.mkdir(parents=True)
    for name in classes:
        (folder / name).mkdir()
    count = 0
    for count, (picture, label) in enumerate(pairs, 1):
        picture.save(folder / classes[label] / f"{count:05d}.png")
    return count


def main() -> None:
    """Fetches CIFAR-10 and writes both parts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="to make, such as cifar10")
    parser.add_argument("--downloads", type=Path, default=Path("downloads"))
    typed = parser.parse_args()
    from torchvision.datasets import CIFAR10

    for part in ("train", "test"):
        loaded = CIFAR10(typed.downloads, train=part == "train", download=True)
        count = write_folders(loaded, loaded.classes, folder=typed.folder / part)
        print(f"{count:,} pictures in {typed.folder / part}")


if __name__ == "__main__":
    main()
