"""Decides which encoding the bytes of a text file are in and makes text from them."""

import codecs
import io
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TextIO

from regraft.data.mapped import room
from regraft.errors import DataError

Opened = Callable[[str], TextIO]
"""Opens a text at its start; takes the line ends that are looked for, as `open` does."""

_HIGH_RUNS = re.compile(rb"[\x80-\xff]+")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_LOOK = 1 << 20
"""Bytes that are looked at together."""
_STRAY = re.compile("[\udc80-\udcff]+")
"""Bytes that are not UTF-8, as Python keeps them in a text."""
_FEW = 0.05
"""Share of the bytes above ASCII up to which others than UTF-8 are slips: of a text in GB18030 or
Windows-1252 far more are none."""


def open_text(path: Path, shown: str) -> tuple[Opened, tuple[str, ...]]:
    """Returns what opens the text of a file, and notes on how it is decoded.

    A large file stays on the disk, unless it has NUL characters, which are rare.

    Args:
        path: Of the file.
        shown: How messages call it.

    Raises:
        DataError: If no encoding fits, all but a few bytes are UTF-8, or they are not text.
    """
    encoding = _encoding_of(path, shown) if path.stat().st_size > room.IN_MEMORY else None
    if encoding is not None:
        return lambda newline: path.open(encoding=encoding, newline=newline), _read_as(
            encoding, shown
        )
    text, notes = decode_text(path.read_bytes(), shown)
    return lambda newline: io.StringIO(text, newline=newline), notes


def _encoding_of(path: Path, shown: str) -> str | None:
    """Returns the encoding of a large file, None where it has NUL or none fits."""
    for encoding in _candidates(path, shown):
        try:
            return None if any("\0" in text for text in _decoded(path, encoding)) else encoding
        except UnicodeDecodeError:
            continue
    return None


def _candidates(path: Path, shown: str) -> Iterator[str]:
    """Yields the encodings that a file may be in, each only when those before do not fit."""
    with path.open("rb") as stream:
        marked = stream.read(2) in _UTF16_MARKS
    if marked:
        yield "utf-16"
        return
    yield "utf-8-sig"
    _refuse_stray(_chunks(path), shown)
    if _comes_in_pairs(_from_first_high(path)):
        yield "gb18030"
    yield "cp1252"


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while raw := stream.read(_LOOK):
            yield raw


def _from_first_high(path: Path) -> bytes:
    """Returns the bytes from the first above ASCII on, as many as are looked at together."""
    with path.open("rb") as stream:
        while raw := stream.read(_LOOK):
            if found := _HIGH_RUNS.search(raw):
                return raw[found.start() :] + stream.read(found.start())
    return b""


def _decoded(path: Path, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for raw in _chunks(path):
        yield decoder.decode(raw)
    yield decoder.decode(b"", final=True)


def _refuse_stray(chunks: Iterable[bytes], shown: str) -> None:
    """Refuses what is UTF-8 but for a few bytes: as another encoding every letter would be lost."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    place, line, high, stray = 0, 1, 0, 0
    for raw in chain(chunks, [b""]):
        text = decoder.decode(raw, final=not raw)
        if not stray:
            fine = _STRAY.split(text, maxsplit=1)[0]
            place, line = place + len(fine.encode()), line + fine.count("\n")
        stray += sum(map(len, _STRAY.findall(text)))
        high += sum(map(len, _HIGH_RUNS.findall(raw)))
    if 0 < stray <= _FEW * high:
        raise DataError(
            f"{shown} is not UTF-8 at byte {place}, in line {line}, though nearly all of it is",
            expected="one encoding throughout",
            hint="typing that letter anew in an editor that saves UTF-8",
        )


def _read_as(encoding: str, shown: str) -> tuple[str, ...]:
    if encoding == "utf-8-sig":
        return ()
    return (f"{shown} is not UTF-8 and was read as {encoding.replace('utf', 'UTF')}",)


def decode_text(raw: bytes, shown: str) -> tuple[str, tuple[str, ...]]:
    """Returns the text of a file and notes on how it was decoded.

    Tried in turn: UTF-16 by its mark, UTF-8 with or without mark, GB18030 where the bytes
    come in pairs as in Chinese, Windows-1252. NUL characters are dropped with a note.

    Raises:
        DataError: If no encoding fits, all but a few bytes are UTF-8, or they are not text.
    """
    if raw.startswith(_UTF16_MARKS):
        return _without_nul(_decode(raw, "utf-16", shown=shown), shown, encoding="utf-16")
    try:
        return _without_nul(raw.decode("utf-8-sig"), shown, encoding="utf-8-sig")
    except UnicodeDecodeError:
        _refuse_stray([raw], shown)
        encoding = "gb18030" if _looks_chinese(raw) else "cp1252"
    return _without_nul(_decode(raw, encoding, shown=shown), shown, encoding=encoding)


def _decode(raw: bytes, encoding: str, *, shown: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{shown} is not text: byte {error.start} fits neither UTF-8 nor {encoding}",
            hint="saving it as UTF-8",
        ) from error


def _comes_in_pairs(raw: bytes) -> bool:
    """Says whether bytes above ASCII come in pairs: accents of cp1252 mostly stand alone."""
    found = _HIGH_RUNS.search(raw)
    start = found.start() if found else 0
    lengths = [len(run) for run in _HIGH_RUNS.findall(raw[start : start + _LOOK])]
    paired = sum(length for length in lengths if length >= 2)
    return bool(lengths) and paired >= 0.9 * sum(lengths)


def _looks_chinese(raw: bytes) -> bool:
    if not _comes_in_pairs(raw):
        return False
    try:
        raw.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return True


def _without_nul(text: str, shown: str, *, encoding: str) -> tuple[str, tuple[str, ...]]:
    notes = [*_read_as(encoding, shown)]
    count = text.count("\0")
    if count > 0.1 * len(text) and count > 1:
        raise DataError(f"{shown} is not text: it is full of NUL bytes", hint="saving it as UTF-8")
    if count:
        notes.append(f"{count} NUL characters in {shown} were dropped")
    return text.replace("\0", ""), tuple(notes)
