"""Tests that bytes become the text that was meant, whatever the encoding."""

from pathlib import Path

import pytest

from regraft.data.mapped import room
from regraft.data.reading import encodings
from regraft.data.reading.encodings import decode_text, open_text
from regraft.errors import DataError


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert decode_text(b"\xef\xbb\xbftext", "a.csv") == ("text", ())


def test_western_accents_are_read_with_a_note() -> None:
    text, notes = decode_text("café – très bon, à bientôt".encode("cp1252"), "a.csv")
    assert text == "café – très bon, à bientôt"
    assert notes == ("a.csv is not UTF-8 and was read as cp1252",)


def test_chinese_of_older_programs_is_not_taken_for_western_letters() -> None:
    text, notes = decode_text("文本,标签\n很好吃,正面\n".encode("gb18030"), "a.csv")
    assert text.startswith("文本,标签")
    assert "gb18030" in notes[0]


def test_utf16_is_known_by_its_mark() -> None:
    assert decode_text("text\tlabel".encode("utf-16"), "a.tsv")[0] == "text\tlabel"


def test_single_nul_characters_are_dropped_with_a_note() -> None:
    text, notes = decode_text(b"a long enough line\0 of text", "a.csv")
    assert "\0" not in text
    assert notes == ("1 NUL characters in a.csv were dropped",)


def test_a_file_full_of_nul_is_refused() -> None:
    with pytest.raises(DataError, match="NUL"):
        decode_text(b"\0\1\2\0" * 50, "a.csv")


def test_bytes_of_no_encoding_are_refused_with_their_place() -> None:
    with pytest.raises(DataError, match="byte 2 fits neither"):
        decode_text(b"ab\x81 c", "a.csv")


_LONG = ["a,b\r\n", '"quoted\nline",é\r\n', "x\ry,z"] * 40


@pytest.mark.parametrize(
    ("content", "read_as"),
    [
        ("".join(_LONG).encode(), ""),
        (b"\xef\xbb\xbf" + "".join(_LONG).encode(), ""),
        ("".join(_LONG).encode("utf-16"), "UTF-16"),
        ("".join(_LONG).encode("cp1252"), "cp1252"),
        ("很好吃,正面\n文本\n".encode("gb18030") * 40, "gb18030"),
        ("".join(_LONG).encode().replace(b"x", b"\0", 1), "1 NUL characters"),
    ],
)
def test_a_large_file_is_read_from_the_disk_as_a_small_one_from_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, read_as: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    usual, notes = open_text(path, "a.csv")
    monkeypatch.setattr(room, "IN_MEMORY", 100)
    large, same = open_text(path, "a.csv")
    assert same == notes
    assert read_as in "".join(notes)
    for newline in ("", "\n"):
        with usual(newline) as expected, large(newline) as found:
            assert list(found) == list(expected)


def test_a_large_file_of_no_encoding_is_refused_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "IN_MEMORY", 1)
    (tmp_path / "a.csv").write_bytes(b"ab\x81 c")
    with pytest.raises(DataError, match="byte 2 fits neither"):
        open_text(tmp_path / "a.csv", "a.csv")


@pytest.mark.parametrize("in_memory", [1 << 20, 100])
@pytest.mark.parametrize(("word", "stray"), [("é", b"\xe9"), ("猫", b"\xb5")])
def test_a_stray_byte_in_utf8_is_named_and_does_not_garble_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, word: str, stray: bytes, in_memory: int
) -> None:
    monkeypatch.setattr(room, "IN_MEMORY", in_memory)
    monkeypatch.setattr(encodings, "_LOOK", 64)
    start = f"text,label\n{word} fine,a\n".encode() * 40
    (tmp_path / "a.csv").write_bytes(start + b"bad " + stray + f",b\n{word}\n".encode() * 20)
    said = f"a.csv is not UTF-8 at byte {len(start) + 4}, in line 81, though nearly all of it is"
    with pytest.raises(DataError, match=said):
        open_text(tmp_path / "a.csv", "a.csv")


def test_a_letter_that_is_cut_off_at_the_end_of_utf8_is_named() -> None:
    raw = ("é" * 100).encode()[:-1]
    with pytest.raises(DataError, match="at byte 198, in line 1"):
        decode_text(raw, "a.csv")


@pytest.mark.parametrize("in_memory", [1 << 20, 100])
def test_chinese_behind_a_long_start_in_ascii_is_chinese(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, in_memory: int
) -> None:
    monkeypatch.setattr(room, "IN_MEMORY", in_memory)
    monkeypatch.setattr(encodings, "_LOOK", 64)
    text = "a,b\n" * 79 + "ab 很好吃,正面\n" * 9
    (tmp_path / "a.csv").write_bytes(text.encode("gb18030"))
    opened, notes = open_text(tmp_path / "a.csv", "a.csv")
    with opened("\n") as stream:
        assert stream.read() == text
    assert notes == ("a.csv is not UTF-8 and was read as gb18030",)
