"""Tests the exchange of amplitudes on images worked by hand and against the paper's code."""

import numpy as np
import numpy.typing as npt
import pytest

from regraft.adaptation.fourier import Fourier, restyled
from regraft.data.images import PixelRows
from regraft.errors import SettingsError
from tests.unit.adaptation.conftest import Give


def one(values: list[list[int]]) -> npt.NDArray[np.uint8]:
    return np.array(values, np.uint8)[None, :, :, None]


def test_at_0_the_mean_alone_is_taken_over_and_bytes_do_not_run_over() -> None:
    # Means of 25 and 60: every pixel is 35 brighter.
    source, target = one([[10, 30], [20, 40]]), one([[50, 70], [60, 60]])
    first = np.zeros(1, np.int64)
    found = restyled(source, target, picked=first, beta=0.0)
    assert found[0, :, :, 0].tolist() == [[45, 65], [55, 75]]
    dark = restyled(one([[0, 255], [0, 1]]), one([[0, 0], [0, 0]]), picked=first, beta=0.0)
    assert dark[0, :, :, 0].tolist() == [[0, 191], [0, 0]]


def shifted(
    source: npt.NDArray[np.float64], target: npt.NDArray[np.float64], beta: float
) -> object:
    """Returns what the authors' `FDA_source_to_target_np` does, channel by channel."""
    made = np.empty_like(source)
    height, width, channels = source.shape
    reach = int(np.floor(min(height, width) * beta))
    middle = (height // 2, width // 2)
    window = tuple(slice(m - reach, m + reach + 1) for m in middle)
    for channel in range(channels):
        own, other = np.fft.fft2(source[:, :, channel]), np.fft.fft2(target[:, :, channel])
        amplitude, low = np.fft.fftshift(np.abs(own)), np.fft.fftshift(np.abs(other))
        amplitude[window] = low[window]
        turned = np.fft.ifftshift(amplitude) * np.exp(1j * np.angle(own))
        made[:, :, channel] = np.real(np.fft.ifft2(turned))
    return made.round().clip(0, 255)


@pytest.mark.parametrize("beta", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("sides", [(8, 8), (9, 12)])
def test_it_is_the_authors_code_written_out(beta: float, sides: tuple[int, int]) -> None:
    generator = np.random.default_rng(0)
    source, target = (generator.integers(0, 256, (n, *sides, 3), np.uint8) for n in (70, 5))
    picked = generator.integers(5, size=70)
    found = restyled(source, target, picked=picked, beta=beta)
    for row in (0, 69):
        wanted = shifted(source[row].astype(float), target[picked[row]].astype(float), beta)
        assert np.abs(found[row].astype(float) - wanted).max() <= 1


def test_images_of_the_source_get_the_target_s_light(pictures: Give) -> None:
    given = pictures()
    changed = Fourier().prepare(given)
    assert not changed.tensors
    for new, old in ((changed.train, given.train), (changed.val, given.val)):
        assert isinstance(new, PixelRows)
        assert isinstance(old, PixelRows)
        assert new.pixels.shape == old.pixels.shape
    assert isinstance(changed.train, PixelRows)
    assert isinstance(given.train, PixelRows)
    assert isinstance(given.target, PixelRows)
    light = given.target.pixels.mean()
    assert abs(changed.train.pixels.mean() - light) < 5 < abs(given.train.pixels.mean() - light)
    again = Fourier().prepare(given).train
    assert isinstance(again, PixelRows)
    assert np.array_equal(again.pixels, changed.train.pixels)


def test_texts_and_a_beta_out_of_bounds_are_refused(pictures: Give, texts: Give) -> None:
    assert Fourier().refusal(pictures().trunk, pictures().spec) == ""
    assert "the data are texts" in Fourier().refusal(texts().trunk, texts().spec)
    with pytest.raises(SettingsError, match=r"fourier:beta=0.5"):
        Fourier(beta=0.5)
