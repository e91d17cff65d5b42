"""Thumbnails are small PNG data URIs; what cannot be read makes none."""

import base64
import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regraft.data.reading import pictures
from regraft.reports.thumbnails import SIDE, is_safe, thumbnail


def decoded(uri: str) -> Image.Image:
    assert is_safe(uri)
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_a_large_image_is_made_small_in_its_own_proportions(tmp_path: Path) -> None:
    file = tmp_path / "wide.png"
    Image.new("RGB", (400, 200), "red").save(file)
    assert decoded(thumbnail(file)).size == (SIDE, SIDE // 2)


def test_a_tiny_grey_array_is_shown_large_with_its_own_pixels() -> None:
    pixels = np.zeros((8, 8), dtype=np.uint8)
    pixels[0, 0] = 255
    shown = decoded(thumbnail(pixels))
    assert shown.size == (SIDE, SIDE)
    assert {colour for _, colour in shown.getcolors() or []} == {(0, 0, 0), (255, 255, 255)}


def test_a_missing_a_broken_and_a_foreign_file_make_no_picture(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    foreign = tmp_path / "drawing.ppm"  # a format that is not on the list
    Image.new("RGB", (4, 4)).save(foreign)
    assert [thumbnail(p) for p in (tmp_path / "none.png", broken, foreign)] == ["", "", ""]


def test_the_bytes_of_a_file_are_shown_as_the_file_is(tmp_path: Path) -> None:
    file = tmp_path / "wide.png"
    Image.new("RGB", (400, 200), "red").save(file)
    assert thumbnail(file.read_bytes()) == thumbnail(file) != ""
    assert thumbnail(b"nonsense") == ""


def test_a_photo_is_shown_as_the_network_saw_it(tmp_path: Path) -> None:
    turned, clear = tmp_path / "turned.jpg", tmp_path / "clear.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.new("RGB", (400, 200), "red").save(turned, exif=exif)
    Image.new("RGBA", (400, 400), (0, 0, 0, 0)).save(clear)
    assert decoded(thumbnail(turned)).size == (SIDE // 2, SIDE)
    assert decoded(thumbnail(clear)).getpixel((5, 5)) == (255, 255, 255)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    assert thumbnail(pipe) == ""


def test_a_report_does_without_a_picture_that_the_disk_does_not_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: Path, **_: object) -> Image.Image:
        raise OSError(errno.EIO, "Input/output error", str(file))

    (tmp_path / "a.png").touch()
    monkeypatch.setattr(Image, "open", refuse)
    assert thumbnail(tmp_path / "a.png") == ""


def test_an_image_of_too_many_pixels_is_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "large.png"
    Image.new("L", (20, 20)).save(file)
    monkeypatch.setattr(pictures, "PIXEL_LIMIT", 399)
    assert thumbnail(file) == ""


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://example.org/x.png",
        "data:image/svg+xml;base64,AAAA",
        'data:image/png;base64,AAAA" onerror="alert(1)',
        "data:text/html;base64,AAAA",
    ],
)
def test_only_pictures_of_pixels_are_safe(uri: str) -> None:
    assert not is_safe(uri)
