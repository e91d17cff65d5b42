"""Makes methods and preparations from their names: the two tables of all of them.

Source: none (regraft).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from regraft.adaptation.adabn import AdaBn
from regraft.adaptation.cdan import Cdan
from regraft.adaptation.coral import Coral
from regraft.adaptation.coral_recolour import CoralRecolour
from regraft.adaptation.dann import Dann
from regraft.adaptation.domains import Method
from regraft.adaptation.fourier import Fourier
from regraft.adaptation.gaussian import Gaussian
from regraft.adaptation.jdot import Jdot
from regraft.adaptation.mcc import Mcc
from regraft.adaptation.mmd import Mmd
from regraft.adaptation.moving import AT_A_POSITION, MOVING
from regraft.adaptation.numbers import wrong_numbers
from regraft.adaptation.preparation import Preparation
from regraft.adaptation.pseudo import Pseudo
from regraft.adaptation.reweight import Reweight
from regraft.adaptation.shot import Shot
from regraft.adaptation.source_only import SourceOnly
from regraft.adaptation.standardise import Standardise
from regraft.adaptation.tapt import Tapt
from regraft.adaptation.vae import Vae
from regraft.errors import SettingsError, nearest, one_of
from regraft.strategies.options import made_with, options_of

AUTO = "auto"
SOURCE_ONLY = "source-only"
PLUS = re.compile(r"\+(?=\s*[^\W\d_])")
"""Between a preparation and a method: a letter follows, unlike in `1e+2`."""
METHODS: dict[str, Callable[..., Method]] = {
    SOURCE_ONLY: SourceOnly,
    "standardise": Standardise,
    "reweight": Reweight,
    "coral-recolour": CoralRecolour,
    "gaussian": Gaussian,
    "vae": Vae,
    "dann": Dann,
    "cdan": Cdan,
    "mmd": Mmd,
    "coral": Coral,
    "jdot": Jdot,
    "mcc": Mcc,
    "shot": Shot,
    "pseudo": Pseudo,
}
"""From the free one to those that learn; `source-only` comes first in every table."""
PREPARATIONS: dict[str, Callable[..., Preparation]] = {
    "adabn": AdaBn,
    "fourier": Fourier,
    "tapt": Tapt,
}
"""What changes the network or the source's rows; a method may follow behind a plus.

`auto` tries none: each passes all rows through the trunk again, or trains it, where a method on
features that are there takes seconds. Where the trunk moves, `fourier` and `tapt` come before the
source's labels are learnt, and a method that moves the trunk may go on from there.
"""


@dataclass(frozen=True)
class Made:
    """What a word asks for.

    Args:
        method: Makes the classifier.
        preparation: Comes before it; None = the network and the rows as they are.
    """

    method: Method
    preparation: Preparation | None = None


def methods_asked(typed: str) -> list[str]:
    """Returns the words of the methods to try, `source-only` first.

    Args:
        typed: Words with commas between, each a method, a preparation, or both with a plus
            between, with options behind a colon: `gaussian:rounds=3,prior=2,adabn+dann`;
            `auto` = every method alone.

    Raises:
        SettingsError: If there is no such method or an option cannot be used; all that is
            wrong is told at once.
    """
    words = words_of(typed)
    found = [name for word in words for name in (METHODS if word == AUTO else [word])]
    check_words(found, make_method)
    return list(dict.fromkeys([SOURCE_ONLY, *found]))


def check_words(words: Iterable[str], check: Callable[[str], object]) -> None:
    """Refuses words of methods that cannot be used, all at once.

    Args:
        words: Of methods and preparations, perhaps with options.
        check: Raises a `SettingsError` for one that cannot.

    Raises:
        SettingsError: If there are such words.
    """
    errors: list[SettingsError] = []
    for word in words:
        try:
            check(word)
        except SettingsError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SettingsError("methods cannot be used:\n  " + "\n  ".join(map(str, errors)))


def words_of(typed: str) -> list[str]:
    """Returns the words of what was typed, names with dashes; a comma may also part options.

    >>> words_of("gaussian:rounds=3,prior=2,coral_recolour,adabn+dann")
    ['gaussian:rounds=3,prior=2', 'coral-recolour', 'adabn+dann']
    """
    found: list[str] = []
    for piece in filter(None, (piece.strip() for piece in typed.split(","))):
        if found and re.match(r"[^:+]*=", piece):
            found[-1] += f",{piece}"
        else:
            found.append(piece)
    return ["+".join(map(_dashed, PLUS.split(word))) for word in found] or [typed]


def parted(word: str) -> tuple[str, str]:
    """Returns a preparation or method, and the method behind a plus, empty where there is none.

    >>> parted("adabn+dann"), parted("gaussian:prior=1e+2")
    (('adabn', 'dann'), ('gaussian:prior=1e+2', ''))
    """
    first, *second = PLUS.split(word, maxsplit=1)
    return first, "".join(second)


def make_method(word: str) -> Made:
    """Returns what one word asks for.

    Raises:
        SettingsError: If it cannot be made.
    """
    first, second = parted(word)
    if not second and first.partition(":")[0] not in PREPARATIONS:
        return Made(_made(first, METHODS, others=PREPARATIONS))
    preparation = _made(first, PREPARATIONS)
    return Made(_made(second or SOURCE_ONLY, METHODS), preparation)


def _made(word: str, table: Mapping[str, Any], *, others: Mapping[str, Any] | None = None) -> Any:
    name, _, options = word.partition(":")
    if name not in table:
        known = [*table, *(others or ())]
        guess = nearest(name, known)
        kind = "preparation" if table is PREPARATIONS else "method"
        raise SettingsError(
            f"there is no {kind} {name!r}",
            expected=one_of([AUTO, *known] if others else known),
            hint=f"--method {guess}" if guess else "regraft list methods",
        )
    _check_still(name, options)
    made = made_with(table[name], name, words=options)
    wrong = wrong_numbers(made, name)
    if wrong:
        raise SettingsError("these options cannot be used: " + "; ".join(wrong))
    return made


def _check_still(name: str, words: str) -> None:
    """Refuses options that a method has only where it moves the trunk itself, and says so.

    Raises:
        SettingsError: If there is such a one.
    """
    if name not in MOVING:
        return
    elsewhere = options_of(MOVING[name]).keys() - options_of(METHODS[name])
    typed = [word.partition("=")[0].strip() for word in words.split(",")]
    found = [f"{name}:{option}" for option in typed if option in elsewhere]
    place = "position=1," if name in AT_A_POSITION and "position" not in typed else ""
    if found:
        raise SettingsError(
            f"{' and '.join(found)} cannot be used: here {name} reads features",
            hint=f"--strategy two-stage --method {name}:{place}{words}, so that it moves the trunk",
        )


def _dashed(part: str) -> str:
    name, colon, options = part.strip().partition(":")
    return f"{name.replace('_', '-')}{colon}{options}"
