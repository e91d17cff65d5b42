"""Makes one phase without any training: a class is where its mean or its name lies.

Source: Snell, Swersky and Zemel 2017, "Prototypical Networks for Few-shot Learning",
equation 1 and section 2.4, arXiv 1703.05175 (class means); Chang, Ratinov, Roth and
Srikumar 2008, "Importance of Semantic Representation: Dataless Classification" (names).
"""

from dataclasses import dataclass, replace

from regraft.backbones.chain import Chain
from regraft.errors import SettingsError, one_of
from regraft.strategies.options import check_options
from regraft.training.phase import Facts, Phase, Solving, on_features

WAYS: tuple[Solving, ...] = ("means", "names")


@dataclass(frozen=True)
class Zero:
    """The pretrained network used as it is.

    Args:
        by: `means`: the nearest mean of a class's training rows; `names`: the nearest name of
            a class, read as a text: labelled rows are there to score by, and decide nothing.
    """

    by: str = "means"

    def __post_init__(self) -> None:
        check_options("zero", ("by", self.by, self.by in WAYS, one_of(WAYS)))

    def phases(self, chain: Chain, facts: Facts) -> list[Phase]:
        """Returns the phase `head`.

        Raises:
            SettingsError: If names are asked for and the network reads no texts.
        """
        if self.by == "names" and facts.modality != "text":
            raise SettingsError(
                "zero:by=names cannot be used: the network reads no texts",
                expected="texts",
                hint="--strategy zero:by=means",
            )
        (way,) = [way for way in WAYS if way == self.by]
        return [replace(on_features(chain, facts), solving=way)]
