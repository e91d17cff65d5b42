"""Tests that pictures come out whole, upright, grey or RGB, or not at all."""

import errno
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pil
from PIL import ImageFile

from regraft.data.reading import pictures
from regraft.data.reading.pictures import (
    LARGE,
    are_paths,
    decode,
    folders_in,
    holds_pictures,
    is_grey,
    on_all_cores,
    open_picture,
    to_pixels,
    whole_picture,
)
from regraft.errors import DataError, StorageError


def _encoded(picture: Pil.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _noise(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Pil.Image:
    channels = () if mode == "L" else (3,)
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], *channels))
    return Pil.fromarray(values.astype(np.uint8))


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + check


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_each_allowed_format_is_decoded_to_rgb(kind: str) -> None:
    picture = open_picture(_encoded(_noise(), kind))
    assert (picture.mode, picture.size) == ("RGB", (40, 30))


def test_grey_stays_grey() -> None:
    assert open_picture(_encoded(_noise("L"), "PNG")).mode == "L"


@pytest.mark.parametrize("kind", ["PPM", "ICO", "PCX", "TGA"])
def test_other_formats_are_never_decoded(kind: str) -> None:
    with pytest.raises(DataError, match="cannot be decoded"):
        open_picture(_encoded(_noise(), kind))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_a_picture_that_was_cut_off_is_an_error(kind: str) -> None:
    whole = _encoded(_noise(), kind)
    with pytest.raises(DataError, match="cannot be decoded"):
        open_picture(whole[: len(whole) * 2 // 3])


@pytest.mark.parametrize("side", [8_000, 12_000, 60_000])
def test_a_header_that_promises_too_many_pixels_is_refused_before_decoding(side: int) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"")) + _chunk(b"IEND", b"")
    with pytest.raises(DataError, match=r"pixels|decompression bomb"):
        open_picture(b"\x89PNG\r\n\x1a\n" + body)


def test_a_picture_that_is_open_already_is_made_as_its_file_is() -> None:
    exif = Pil.Exif()
    exif[0x0112] = 6
    encoded = _encoded(_noise().convert("CMYK"), "JPEG", exif=exif)
    found = whole_picture(Pil.open(io.BytesIO(encoded)), "it")
    assert found.mode == "RGB"
    assert to_pixels(found).tolist() == to_pixels(open_picture(encoded)).tolist()


def test_an_open_picture_that_is_cut_off_or_too_large_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = _encoded(_noise(), "PNG")
    with pytest.raises(DataError, match="it cannot be decoded"):
        whole_picture(Pil.open(io.BytesIO(whole[: len(whole) // 2])), "it")
    monkeypatch.setattr(pictures, "PIXEL_LIMIT", 100)
    with pytest.raises(DataError, match="it has 40 x 30 pixels"):
        whole_picture(_noise(), "it")


def test_words_are_paths_of_pictures_where_nine_of_ten_are() -> None:
    assert are_paths(["a.PNG"] * 9 + ["N/A"])
    assert not are_paths(["a.png"] * 8 + ["N/A"])
    assert not are_paths(["a" * 1000 + ".png"])
    assert not are_paths([])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        open_picture(str(tmp_path / "none.png"))


def test_a_pipe_or_a_folder_called_png_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.png")
    (tmp_path / "f.png").mkdir()
    for name in ("p.png", "f.png"):
        with pytest.raises(DataError, match=rf"{name} is no file"):
            open_picture(tmp_path / name)


def test_a_text_called_png_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(DataError, match=r"a\.png cannot be decoded"):
        open_picture(tmp_path / "a.png")


class _Disk(io.BytesIO):
    """A file on a disk that may fail."""

    fails = False

    def read(self, size: int | None = -1, /) -> bytes:
        if self.fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().read(size)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        *((each, StorageError) for each in (errno.EIO, errno.ESTALE, errno.EMFILE)),
        *((each, DataError) for each in (errno.EACCES, errno.EPERM)),
    ],
)
def test_a_failing_system_is_no_damaged_picture_and_a_closed_file_one_row_s_problem(
    number: int, kind: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: Path, **_: object) -> Pil.Image:
        raise OSError(number, os.strerror(number), str(file))

    (tmp_path / "a.png").touch()
    monkeypatch.setattr(Pil, "open", refuse)
    with pytest.raises(kind, match=rf"a\.png cannot be read \({os.strerror(number)}\)$"):
        open_picture(tmp_path / "a.png")


def test_a_disk_that_fails_in_the_middle_of_a_picture_is_no_damaged_picture() -> None:
    disk = _Disk(_encoded(_noise(), "PNG"))
    picture = Pil.open(disk)
    disk.fails = True
    with pytest.raises(StorageError, match="it cannot be read"):
        whole_picture(picture, "it")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_program_that_takes_pictures_that_are_cut_off_takes_them_alone(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    whole = _encoded(_noise(), kind)
    with pytest.raises(DataError, match="cannot be decoded"):
        open_picture(whole[: len(whole) * 2 // 3])
    assert ImageFile.LOAD_TRUNCATED_IMAGES


def test_pictures_are_whole_until_the_last_of_several_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    picture, lenient = _noise(), list[bool]()

    def load() -> None:
        open_picture(_encoded(_noise(), "PNG"))  # as another thread does meanwhile
        lenient.append(ImageFile.LOAD_TRUNCATED_IMAGES)

    monkeypatch.setattr(picture, "load", load)
    whole_picture(picture, "it")
    assert lenient[0] is False
    assert ImageFile.LOAD_TRUNCATED_IMAGES


def test_the_camera_being_held_sideways_is_undone() -> None:
    exif = Pil.Exif()
    exif[0x0112] = 6
    assert open_picture(_encoded(_noise(), "JPEG", exif=exif)).size == (30, 40)


def _photo(side: int, *, kind: str = "JPEG") -> bytes:
    """Returns a smooth picture, twice as wide as high."""
    across, down = np.meshgrid(np.linspace(0, 9, 2 * side), np.linspace(0, 5, side))
    waves = np.stack([np.sin(across + down), np.cos(across), np.sin(down)], axis=2)
    return _encoded(Pil.fromarray(((waves + 1) * 127).astype(np.uint8)), kind)


@pytest.mark.parametrize(
    ("side", "wanted", "seen"), [(LARGE, 128, 256), (LARGE, 129, 512), (LARGE, 300, LARGE)]
)
def test_a_large_jpeg_is_decoded_at_a_scale_that_is_twice_what_is_wanted(
    side: int, wanted: int, seen: int
) -> None:
    photo = _photo(side)
    reduced = open_picture(photo, side=wanted)
    assert reduced.size == (2 * seen, seen)
    small = (2 * wanted, wanted)
    whole = np.asarray(open_picture(photo).resize(small, Pil.Resampling.BICUBIC), np.int64)
    part = np.asarray(reduced.resize(small, Pil.Resampling.BICUBIC), np.int64)
    assert np.abs(whole - part).max() <= 4


@pytest.mark.parametrize(("side", "kind"), [(LARGE - 1, "JPEG"), (LARGE, "PNG")])
def test_smaller_files_and_other_formats_are_decoded_whole(side: int, kind: str) -> None:
    assert open_picture(_photo(side, kind=kind), side=16).size == (2 * side, side)


def test_a_large_photograph_held_sideways_is_upright_at_a_smaller_scale_too() -> None:
    exif = Pil.Exif()
    exif[0x0112] = 6
    picture = Pil.open(io.BytesIO(_photo(LARGE)))
    turned = open_picture(_encoded(picture, "JPEG", exif=exif), side=64)
    assert turned.size == (128, 256)


def test_a_large_photograph_that_was_cut_off_is_an_error_at_a_smaller_scale_too() -> None:
    whole = _photo(LARGE)
    with pytest.raises(DataError, match="cannot be decoded"):
        open_picture(whole[: len(whole) // 2], side=64)


@pytest.mark.parametrize("pixels", [True, False])
def test_sources_come_in_their_order_a_few_at_a_time(pixels: bool) -> None:
    begun: list[int] = []

    def seen(source: np.ndarray | list[int]) -> int:
        begun.append(int(source[0]))
        return begun[-1]

    sources: list[Any] = [np.array([n]) if pixels else [n] for n in range(1000)]
    made = on_all_cores(seen, sources)
    assert [next(made) for _ in range(3)] == [0, 1, 2]
    assert len(begun) < 900
    assert list(made) == list(range(3, 1000))


def test_what_a_source_raises_comes_in_its_turn() -> None:
    made = on_all_cores(lambda source: 6 // source, [1, 2, 0, 3])
    assert [next(made), next(made)] == [6, 3]
    with pytest.raises(ZeroDivisionError):
        next(made)


def test_the_first_frame_stands_for_an_animation() -> None:
    red, blue = Pil.new("RGB", (4, 4), "red"), Pil.new("RGB", (4, 4), "blue")
    raw = _encoded(red, "GIF", save_all=True, append_images=[blue])
    assert open_picture(raw).getpixel((0, 0)) == (255, 0, 0)


def test_a_palette_becomes_its_colours() -> None:
    picture = Pil.new("RGB", (4, 4), (10, 200, 30)).quantize(4)
    assert open_picture(_encoded(picture, "PNG")).getpixel((0, 0)) == (10, 200, 30)


def test_transparent_pixels_are_laid_on_white() -> None:
    clear = Pil.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert open_picture(_encoded(clear, "PNG")).getpixel((0, 0)) == (255, 255, 255)
    grey = open_picture(_encoded(Pil.new("LA", (4, 4), (0, 0)), "PNG"))
    assert (grey.mode, grey.getpixel((0, 0))) == ("L", 255)


@pytest.mark.parametrize(
    ("mode", "ink", "shown"),
    [("L", 10, "L"), ("RGB", (10, 10, 10), "RGB"), ("1", 0, "L"), ("P", 0, "RGB")],
)
def test_a_colour_that_a_png_calls_transparent_is_laid_on_white(
    mode: str, ink: Any, shown: str
) -> None:
    encoded = _encoded(Pil.new(mode, (4, 4), ink), "PNG", transparency=ink)
    picture = open_picture(encoded)
    assert picture.mode == shown
    assert to_pixels(picture).min() == 255
    assert to_pixels(open_picture(_encoded(Pil.new(mode, (4, 4), ink), "PNG"))).max() <= 10


def test_sixteen_bits_are_scaled_to_eight() -> None:
    values = np.array([[0, 65_535], [32_768, 257]], dtype=np.uint16)
    pixels = to_pixels(open_picture(_encoded(Pil.fromarray(values), "PNG")))
    assert pixels.tolist() == [[0, 255], [128, 1]]


def test_bits_and_four_inks_become_grey_and_rgb() -> None:
    assert open_picture(_encoded(Pil.new("1", (4, 4), 1), "PNG")).getpixel((0, 0)) == 255
    assert open_picture(_encoded(Pil.new("CMYK", (4, 4)), "JPEG")).mode == "RGB"


def test_arrays_of_each_kind_become_pixels() -> None:
    grey = np.array([[0, 255], [1, 2]], dtype=np.uint8)
    assert decode(grey).tolist() == grey.tolist()
    assert decode(grey[:, :, None]).shape == (2, 2)
    assert decode(grey.astype(np.int64)).dtype == np.uint8
    assert decode(np.full((2, 2, 3), 0.5)).tolist() == np.full((2, 2, 3), 128).tolist()
    assert decode(np.zeros((2, 2, 4), np.uint8)).tolist() == np.full((2, 2, 3), 255).tolist()
    assert open_picture(grey).mode == "L"


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, 8, 8), np.uint8), "transpose"),
        (np.zeros((8,), np.uint8), "no picture"),
        (np.zeros((0, 8), np.uint8), "no picture"),
        (np.full((2, 2), 16.0), "fractions in 0..1"),
        (np.full((2, 2), np.nan), "fractions in 0..1"),
        (np.full((2, 2), 256), "0..255"),
        (np.full((2, 2), "a"), "0..255"),
    ],
)
def test_arrays_that_are_no_picture_are_refused(array: np.ndarray, said: str) -> None:
    with pytest.raises(DataError, match=said):
        decode(array)


def test_equal_channels_are_grey_and_one_pixel_that_differs_is_a_colour() -> None:
    flat = np.arange(12, dtype=np.uint8).reshape(3, 4)
    pixels = np.stack([flat] * 3, axis=2)
    assert is_grey(flat)
    assert is_grey(pixels)
    pixels[2, 3, 1] += 1
    assert not is_grey(pixels)


def test_folders_are_those_in_paths_of_pictures() -> None:
    cells: list[list[str | None]] = [
        ["cat/1.png", "a\\b\\2.JPG", None],
        [" x/3.png ", "good/bad", "4.png"],
    ]
    assert folders_in(cells) == {"cat", "a", "b", "x"}


def test_a_folder_holds_pictures_itself_or_one_folder_down(tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "1.PNG").touch()
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "deep" / "deeper" / "1.txt").touch()
    assert holds_pictures(tmp_path / "flat")
    assert holds_pictures(tmp_path)
    assert not holds_pictures(tmp_path / "deep")
