"""Tests pixel rows: one size, the network's statistics, and repeatable augmentation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from regraft.data import images
from regraft.data.images import PixelRows, encode_images, fit_picture
from regraft.data.mapped import room
from regraft.data.reading.pictures import LARGE, open_picture
from regraft.data.rows import Input
from regraft.data.spec import ImageSpec
from regraft.errors import DataError

SPEC = ImageSpec(8, (0.5, 0.25, 0.0), (0.5, 1.0, 2.0), interpolation="nearest")
PLAIN = ImageSpec(8, (0.0,) * 3, (1.0,) * 3, interpolation="nearest")


def noise(rows: int = 5, side: int = 16, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (rows, side, side, 3), dtype=np.uint8)


def pixels_of(rows: PixelRows) -> np.ndarray:
    found: np.ndarray = rows.batch(np.arange(len(rows)))["pixels"].numpy()
    return found


def test_pixels_are_normalised_by_the_network_s_statistics() -> None:
    rows = PixelRows(np.full((1, 8, 8, 3), 255, np.uint8), SPEC)
    found = pixels_of(rows)
    assert found.shape == (1, 3, 8, 8)
    assert found[0, :, 0, 0] == pytest.approx([(1 - 0.5) / 0.5, (1 - 0.25) / 1, (1 - 0) / 2])


def test_statistics_of_another_scale_and_channel_order_are_obeyed() -> None:
    spec = replace(SPEC, mean=(10.0, 20.0, 30.0), std=(1.0,) * 3, scale=1.0, reversed_channels=True)
    pixels = np.zeros((1, 8, 8, 3), np.uint8) + np.array([100, 110, 120], np.uint8)
    found = pixels_of(PixelRows(pixels, spec))
    assert found[0, :, 0, 0].tolist() == [120 - 10, 110 - 20, 100 - 30]


def test_a_batch_lies_channels_last_in_memory() -> None:
    batch = PixelRows(noise(), SPEC).batch(np.array([0, 3]))["pixels"]
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_rows_can_be_taken_in_any_order_with_their_moves() -> None:
    rows = PixelRows(noise(), SPEC).augmented("flip-crop", 0, epoch=0)
    order = np.array([4, 1, 1])
    assert np.array_equal(pixels_of(rows.take(order)), pixels_of(rows)[order])


def test_many_images_lie_outside_of_memory_and_are_taken_and_joined_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    pixels, order = noise(7, side=8), np.array([6, 0, 0, 5, 2])
    usual = encode_images(list(pixels), SPEC, size=8)
    monkeypatch.setattr(room, "IN_MEMORY", 100)
    monkeypatch.setattr(images, "TOGETHER", 2)
    many = encode_images(list(pixels), SPEC, size=8)
    taken, both = many.take(order), many.joined(many.take(order))
    for rows in (many, taken, both):
        assert isinstance(rows.pixels.base, np.memmap)
    assert np.array_equal(pixels_of(many), pixels_of(usual))
    assert np.array_equal(taken.pixels, usual.pixels[order])
    assert np.array_equal(both.pixels, np.concatenate([usual.pixels, usual.pixels[order]]))
    assert not isinstance(many.take(order[:2]).pixels.base, np.memmap)


def test_every_image_costs_the_same() -> None:
    assert PixelRows(noise(3, side=16), SPEC).lengths.tolist() == [16, 16, 16]


@pytest.mark.parametrize("kind", ["crop", "flip-crop"])
def test_augmentation_is_a_pure_function_of_seed_epoch_and_row(kind: str) -> None:
    rows = PixelRows(noise(40), SPEC)
    found = {
        (seed, epoch): pixels_of(rows.augmented(kind, seed, epoch=epoch))  # type: ignore[arg-type]
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    np.random.default_rng().integers(9)
    again = rows.augmented(kind, 1, epoch=0)  # type: ignore[arg-type]
    assert np.array_equal(pixels_of(again), found[1, 0])
    assert len({each.tobytes() for each in found.values()}) == 4
    # Whatever batch a row is in, and however often it is asked for, it looks the same.
    for row in (0, 17, 39):
        alone = again.batch(np.array([row]))["pixels"].numpy()
        assert np.array_equal(alone[0], found[1, 0][row])


def test_an_augmented_image_is_augmented_anew_and_not_on_top() -> None:
    rows = PixelRows(noise(), SPEC)
    twice = rows.augmented("crop", 0, epoch=0).augmented("crop", 0, epoch=1)
    assert np.array_equal(pixels_of(twice), pixels_of(rows.augmented("crop", 0, epoch=1)))


def test_no_augmentation_gives_the_rows_themselves() -> None:
    rows = PixelRows(noise(), SPEC)
    assert rows.augmented("none", 0, epoch=0) is rows


def test_a_crop_never_mirrors_and_a_flip_crop_mirrors_half() -> None:
    rows = PixelRows(noise(400, side=8), SPEC)
    crop, flip = (rows.augmented(kind, 0, epoch=0).moves for kind in ("crop", "flip-crop"))
    assert crop is not None
    assert flip is not None
    assert crop[:, 0].sum() == 0
    assert 160 < flip[:, 0].sum() < 240


def test_an_image_moves_by_an_eighth_of_its_side_at_most() -> None:
    moves = PixelRows(noise(400, side=16), SPEC).augmented("crop", 0, epoch=0).moves
    assert moves is not None
    assert set(moves[:, 1:].ravel().tolist()) == {-2, -1, 0, 1, 2}


def test_a_moved_image_is_shifted_and_its_border_repeats_the_nearest_pixel() -> None:
    pixels = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1).repeat(3, axis=3)
    shifted = pixels_of(PixelRows(pixels, PLAIN, np.array([[0, 1, -2]])))[0, 0] * 255
    whole = pixels[0, :, :, 0]
    assert np.array_equal(shifted[:-1, 2:].round(), whole[1:, :-2])
    assert np.array_equal(shifted[-1].round(), shifted[-2].round())
    assert np.array_equal(shifted[:, 0].round(), shifted[:, 2].round())


def test_a_mirrored_image_is_mirrored_from_left_to_right() -> None:
    pixels = noise(1, side=8)
    found = pixels_of(PixelRows(pixels, PLAIN, np.array([[1, 0, 0]])))[0] * 255
    assert np.array_equal(found.round().transpose(1, 2, 0), pixels[0, :, ::-1])


@pytest.mark.parametrize("shape", [(8, 8), (20, 12), (12, 20), (5, 30), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_image_becomes_one_of_the_size(shape: tuple[int, int], channels: int) -> None:
    picture = Image.fromarray(np.zeros((*shape, 3), np.uint8))
    spec = replace(PLAIN, mean=(0.0,) * channels, std=(1.0,) * channels, channels=channels)
    assert fit_picture(picture, spec, size=8).shape == (8, 8, channels)


def test_an_image_of_the_size_is_taken_as_it_is_whatever_the_crop() -> None:
    pixels = noise(1, side=8)[0]
    spec = replace(PLAIN, crop_ratio=0.5)
    assert np.array_equal(fit_picture(Image.fromarray(pixels), spec, size=8), pixels)


def test_a_large_image_loses_the_border_that_the_network_crops() -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[4:12, 4:12] = 255
    picture = Image.fromarray(pixels)
    assert fit_picture(picture, replace(PLAIN, crop_ratio=0.5), size=8).min() == 255
    assert fit_picture(picture, PLAIN, size=8).min() == 0


def test_a_wide_image_is_cropped_at_both_sides_alike() -> None:
    pixels = np.zeros((8, 24, 3), np.uint8)
    pixels[:, 8:16] = 255
    assert fit_picture(Image.fromarray(pixels), PLAIN, size=8).min() == 255


def test_a_very_long_image_is_cropped_before_it_is_enlarged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pixels = np.zeros((1, 20_000, 3), np.uint8)
    pixels[:, 9_990:10_010] = 255
    asked: list[tuple[int, int]] = []
    real = Image.Image.resize

    def resize(picture: Image.Image, size: tuple[int, int], kind: int) -> Image.Image:
        asked.append(size)
        return real(picture, size, kind)

    monkeypatch.setattr(Image.Image, "resize", resize)
    assert fit_picture(Image.fromarray(pixels), PLAIN, size=8).min() == 255
    assert asked == [(32, 8)]


def test_paths_and_arrays_are_encoded_alike(tmp_path: Path) -> None:
    pixels = noise(2, side=12)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    from_files = encode_images([str(tmp_path / f"{n}.png") for n in range(2)], SPEC, size=8)
    assert np.array_equal(from_files.pixels, encode_images(list(pixels), SPEC, size=8).pixels)


@pytest.mark.parametrize(("crop", "seen"), [(1.0, 256), (0.5, 512)])
def test_a_large_photograph_is_decoded_at_a_scale_above_what_is_cropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, crop: float, seen: int
) -> None:
    Image.fromarray(noise(1, side=LARGE)[0]).save(tmp_path / "a.jpg")
    sizes: list[tuple[int, int]] = []

    def opened(source: Input, **options: int) -> Image.Image:
        picture = open_picture(source, **options)
        sizes.append(picture.size)
        return picture

    monkeypatch.setattr(images, "open_picture", opened)
    rows = encode_images([str(tmp_path / "a.jpg")], replace(SPEC, crop_ratio=crop), size=128)
    assert rows.pixels.shape == (1, 128, 128, 3)
    assert sizes == [(seen, seen)]


def test_an_image_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("no picture")
    with pytest.raises(DataError, match=r"bad\.png"):
        encode_images([str(tmp_path / "bad.png")], SPEC, size=8)
