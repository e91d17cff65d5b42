"""Decides which encoding the bytes of a text file are in and makes text from them."""

import re

from regraft.errors import DataError

_HIGH_RUNS = re.compile(rb"[\x80-\xff]+")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def decode_text(raw: bytes, shown: str) -> tuple[str, tuple[str, ...]]:
    """Returns the text of a file and notes on how it was decoded.

    Tried in turn: UTF-16 by its mark, UTF-8 with or without mark, GB18030 where the bytes
    come in pairs as in Chinese, Windows-1252. NUL characters are dropped with a note.

    Raises:
        DataError: If no encoding fits, or the bytes are not text.
    """
    if raw.startswith(_UTF16_MARKS):
        return _without_nul(_decode(raw, "utf-16", shown=shown), shown, encodings=("UTF-16",))
    try:
        return _without_nul(raw.decode("utf-8-sig"), shown, encodings=())
    except UnicodeDecodeError:
        encoding = "gb18030" if _looks_chinese(raw) else "cp1252"
    return _without_nul(_decode(raw, encoding, shown=shown), shown, encodings=(encoding,))


def _decode(raw: bytes, encoding: str, *, shown: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{shown} is not text: byte {error.start} fits neither UTF-8 nor {encoding}",
            hint="saving it as UTF-8",
        ) from error


def _looks_chinese(raw: bytes) -> bool:
    """Says whether bytes above ASCII come in pairs: accents of cp1252 mostly stand alone."""
    lengths = [len(run) for run in _HIGH_RUNS.findall(raw[: 1 << 20])]
    paired = sum(length for length in lengths if length >= 2)
    if not lengths or paired < 0.9 * sum(lengths):
        return False
    try:
        raw.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return True


def _without_nul(
    text: str, shown: str, *, encodings: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    notes = [f"{shown} is not UTF-8 and was read as {name}" for name in encodings]
    count = text.count("\0")
    if count > 0.1 * len(text) and count > 1:
        raise DataError(f"{shown} is not text: it is full of NUL bytes", hint="saving it as UTF-8")
    if count:
        notes.append(f"{count} NUL characters in {shown} were dropped")
    return text.replace("\0", ""), tuple(notes)
