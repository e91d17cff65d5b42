"""Makes the block of lines that says what was understood of a data set."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np

from regraft.data.rows import Dataset, Part, Problem, Rows
from regraft.data.spec import Cut
from regraft.errors import counted

_PARTS: tuple[Part, ...] = ("train", "val", "test")
_MOST_CLASSES = 12
_MOST_PROBLEMS = 3
_MUCH = 0.05
"""Share of cut texts from which the length limit is worth a warning."""
_TEXTS = 2000
_CHARACTERS = 500
_STYLES = ("FULLWIDTH", "HALFWIDTH", "MATHEMATICAL", "MODIFIER")
_SAME = {"hiragana": "japanese", "katakana": "japanese", "katakana-hiragana": "japanese"}


def explain(
    dataset: Dataset,
    *,
    cut_share: float | None = None,
    length: int | None = None,
    scripts: Sequence[str] = (),
    network: str = "",
    cut: Cut = "end",
) -> list[str]:
    """Returns lines of plain text: rows, classes, columns and why, and what to look at.

    Args:
        dataset: The data as they were understood.
        cut_share: Share of texts that the length limit cuts, a fraction in [0, 1].
        length: The length limit, in tokens.
        scripts: Scripts that the backbone knows; empty = any.
        network: Which backbone the data made us take, and why; empty = the usual one.
        cut: What is left out of longer texts.
    """
    lines = [_headline(dataset), *_columns(dataset)]
    lines += [f"  {note}" for note in dataset.notes]
    lines.append(f"split: {dataset.split_rule}")
    lines += [_part_line(part, dataset.parts[part]) for part in _PARTS if dataset.parts.get(part)]
    lines += [network] if network else []
    lines += _cut_lines(cut_share, length, cut)
    lines += _problem_lines(dataset.problems)
    warnings = [*dataset.warnings, *_script_warnings(dataset, scripts)]
    return [*lines, *(f"warning: {warning}" for warning in warnings)]


def _headline(dataset: Dataset) -> str:
    total = sum(len(rows) for rows in dataset.parts.values())
    line = f"{dataset.name}: {total:,} {dataset.modality}s in {len(dataset.classes)} classes"
    if dataset.pictures is None:
        return line
    facts = dataset.pictures
    return f"{line}; short side {facts.short_side} pixels (median), {facts.grey_share:.0%} grey"


def _columns(dataset: Dataset) -> list[str]:
    if not dataset.columns:
        return []
    return ["columns: " + ", ".join(f"{role} = '{c}'" for role, c in dataset.columns.items())]


def _part_line(part: Part, rows: Rows) -> str:
    counts = rows.counts()
    if len(counts) <= _MOST_CLASSES:
        listed = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    else:
        sizes = np.array(list(counts.values()))
        least, most = int(sizes.min()), int(sizes.max())
        listed = f"{'' if least == most else f'{least:,} to '}{counted(most, 'row')} a class"
    return f"  {part} {len(rows):,} ({listed})"


def _cut_lines(cut_share: float | None, length: int | None, cut: Cut) -> list[str]:
    if not cut_share:
        return []
    limit = f" of {length} tokens" if length is not None else ""
    few = "fewer than 0.1%" if cut_share < 0.001 else f"{cut_share:.1%}"
    line = f"the length limit{limit} cuts {few} of the texts"
    if cut_share < _MUCH:
        return [line]
    if cut == "middle":
        return [f"warning: {line}: their middle is not read; --max-length raises it"]
    more = "--max-length raises it, --cut middle reads their ends too"
    return [f"warning: {line}: what they say after it is not read; {more}"]


def _problem_lines(problems: Sequence[Problem]) -> list[str]:
    if not problems:
        return []
    lines = [f"left out: {len(problems):,}"]
    lines += [f"  {problem.origin}: {problem.reason}" for problem in problems[:_MOST_PROBLEMS]]
    more = len(problems) - _MOST_PROBLEMS
    return [*lines, f"  and {more:,} more"] if more > 0 else lines


def _script_warnings(dataset: Dataset, scripts: Sequence[str]) -> list[str]:
    warning = script_warning(script_of(dataset), scripts) if scripts else ""
    return [warning] if warning else []


def script_warning(script: str, scripts: Sequence[str], *, whose: str = "the texts") -> str:
    """Returns what to say of texts that the backbone cannot read; empty where it can.

    Args:
        script: Of most letters; empty = no letters.
        scripts: Those that the backbone knows; empty = any.
        whose: Texts they are.
    """
    if not script or not scripts or script in scripts:
        return ""
    return (
        f"most letters of {whose} are {script}, but the backbone was trained on "
        f"{', '.join(scripts)}: expect poor scores, or take a backbone that knows {script}"
    )


def script_of(dataset: Dataset) -> str:
    """Returns the script of most letters of the training texts; nothing for images."""
    return script_of_rows(dataset.parts["train"]) if dataset.modality == "text" else ""


def script_of_rows(rows: Rows) -> str:
    """Returns the script of most letters of rows that are texts."""
    texts = rows.inputs
    sample = texts[:: max(1, len(texts) // _TEXTS)]
    return dominant_script([text for text in sample if isinstance(text, str)])


def dominant_script(texts: Sequence[str]) -> str:
    """Returns the script of most letters of a sample, or the empty string without letters.

    Names are those of Unicode in lower case (`latin`, `cjk`, `cyrillic`, `arabic`), but
    `japanese` for kana, also where most letters beside them are Chinese characters.

    >>> dominant_script(["Ça va", "大"])
    'latin'
    """
    counts = Counter(_scripts(texts))
    del counts[""]
    if not counts:
        return ""
    if counts["japanese"] > 0.2 * counts["cjk"]:
        counts["japanese"] += counts.pop("cjk", 0)
    return max(sorted(counts), key=lambda script: counts[script])


def _scripts(texts: Sequence[str]) -> Iterable[str]:
    for text in texts[:: max(1, len(texts) // _TEXTS)]:
        for letter in text[:_CHARACTERS]:
            yield _script(letter)


@cache
def _script(letter: str) -> str:
    """Returns the script of a letter, or nothing for what is none."""
    if not letter.isalpha():
        return ""
    words = unicodedata.name(letter, "").split()
    plain = [word for word in words if word not in _STYLES][:1]
    name = "".join(plain).lower()
    return _SAME.get(name, name)
