"""Makes a method from its name: the one table of all of them.

Source: none (regraft).
"""

from collections.abc import Callable

from regraft.adaptation.cdan import Cdan
from regraft.adaptation.coral import Coral
from regraft.adaptation.coral_recolour import CoralRecolour
from regraft.adaptation.dann import Dann
from regraft.adaptation.domains import Method
from regraft.adaptation.gaussian import Gaussian
from regraft.adaptation.mcc import Mcc
from regraft.adaptation.mmd import Mmd
from regraft.adaptation.pseudo import Pseudo
from regraft.adaptation.reweight import Reweight
from regraft.adaptation.shot import Shot
from regraft.adaptation.source_only import SourceOnly
from regraft.adaptation.standardise import Standardise
from regraft.adaptation.vae import Vae
from regraft.errors import SettingsError, nearest, one_of

AUTO = "auto"
SOURCE_ONLY = "source-only"
METHODS: dict[str, Callable[[], Method]] = {
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
    "mcc": Mcc,
    "shot": Shot,
    "pseudo": Pseudo,
}
"""From the free one to those that learn; `source-only` comes first in every table."""


def methods_asked(name: str) -> list[str]:
    """Returns the names of the methods to try, `source-only` first.

    Args:
        name: As typed, with dashes or underscores; `auto` = all of them.

    Raises:
        SettingsError: If there is no such method.
    """
    plain = name.replace("_", "-")
    if plain == AUTO:
        return list(METHODS)
    if plain not in METHODS:
        guess = nearest(plain, METHODS)
        raise SettingsError(
            f"there is no method {name!r}",
            expected=one_of((AUTO, *METHODS)),
            hint=f"--method {guess}" if guess else "regraft list methods",
        )
    return list(dict.fromkeys([SOURCE_ONLY, plain]))
