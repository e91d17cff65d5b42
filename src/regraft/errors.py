"""Defines the tree of everything that a user or the world can cause, with exit codes.

The whole tree::

    RegraftError                 exit 1   never raised itself
    ├── UserError                exit 2   the user can mend it
    │   ├── SettingsError                 an option, a TOML file, an argument
    │   │   └── DivergedError             a rate at which training ran away
    │   ├── DataError                     the rows, their columns, their labels
    │   └── BackboneError                 the name or the shape of a network
    ├── WorldError               exit 3   the world failed
    │   ├── UnreachableError              the network or a package registry
    │   ├── DamagedFileError              a digest, a truncated or altered file
    │   └── StorageError                  the disk, a permission
    ├── GuardError               exit 4   a proof or a guard said no
    └── StoppedError             exit 130 the user stopped it; resumable
"""

import difflib
import re
from collections.abc import Iterable
from typing import ClassVar


class RegraftError(Exception):
    """Carries one sentence: what was given, what was expected, what to type.

    >>> print(DataError("reviews.csv has no column 'txt'", expected="one of text, stars",
    ...                 hint="--text text"))
    reviews.csv has no column 'txt'; expected one of text, stars; try --text text
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, given: str, *, expected: str = "", hint: str = "") -> None:
        super().__init__(given)
        self.given = given
        self.expected = expected
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.given]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.hint:
            parts.append(f"try {self.hint}")
        return "; ".join(parts)


class UserError(RegraftError):
    """Something that the user can mend."""

    exit_code = 2


class SettingsError(UserError):
    """An option, a setting in a TOML file or a Python argument that cannot be used."""


class DivergedError(SettingsError):
    """A rate, or the like, at which training came to numbers that are not finite."""


class DataError(UserError):
    """Rows, columns or labels that cannot be used."""


class BackboneError(UserError):
    """A network that is unknown, has an unknown shape or does not fit the data."""


class WorldError(RegraftError):
    """Something outside the program failed."""

    exit_code = 3


class UnreachableError(WorldError):
    """A registry or hub that did not answer, or that must not be asked."""


class DamagedFileError(WorldError):
    """A file whose digest, size or structure is not what it must be."""


class StorageError(WorldError):
    """A disk or a permission that said no."""


class GuardError(RegraftError):
    """A proof or a guard that said no."""

    exit_code = 4


class StoppedError(RegraftError):
    """The user stopped the run; it can be resumed."""

    exit_code = 130


def nearest(word: str, choices: Iterable[str], *, likeness: float = 0.5) -> str:
    """Returns the choice spelled most like a word, or the empty string.

    Args:
        word: As it was typed.
        choices: What there is.
        likeness: How much alike they must be, in [0, 1].

    >>> nearest("two-stag", ["head", "two-stage"])
    'two-stage'
    """
    matches = difflib.get_close_matches(word, list(choices), n=1, cutoff=likeness)
    return matches[0] if matches else ""


def one_of(choices: Iterable[str]) -> str:
    """Returns the phrase that lists what would have been accepted.

    >>> one_of(["b", "a"])
    'one of a, b'
    """
    return "one of " + ", ".join(sorted(choices))


def counted(count: int, thing: str, *, many: str = "") -> str:
    """Returns a number with its noun.

    Args:
        count: How many.
        thing: The noun for one.
        many: The noun for several, where it is not `thing` with an s.

    >>> counted(1, "row"), counted(2000, "class", many="classes")
    ('1 row', '2,000 classes')
    """
    return f"{count:,} {thing if count == 1 else many or thing + 's'}"


def harmless(text: str) -> str:
    r"""Returns text with control and direction marks spelled out, for terminals and pages.

    Text from data can otherwise recolour a terminal or turn a line around.

    >>> print(harmless("a\x1b[31mb"))
    a\x1b[31mb
    """
    return text.translate(_SPELLED_OUT)


def whole(text: str) -> str:
    r"""Returns text with each lone surrogate, which no file can hold, as U+FFFD.

    They come from JSON escapes, and from names of files and words that are not UTF-8.

    >>> whole("a\ud800b") == "a\ufffdb"
    True
    """
    return _SURROGATE.sub("\ufffd", text)


_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROLS = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SPELLED_OUT = {
    code: f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"
    for code in (*_CONTROLS, 0x2028, 0x2029, *_DIRECTIONS)
}
