import numpy as np
import pytest
import torch

from dmic import augment
from dmic.config import DataConfig

MEAN, STD = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.25, 0.5])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pixels_of(b, h=16, w=8, seed=0):
    """Random pixels in 0.1..1: never 0, so padding and holes can be told."""
    return 0.1 + 0.9 * torch.rand(b, 3, h, w, generator=seeded(seed))


# Sizes ---------------------------------------------------------------------------------------------------------


def test_stored_bytes_become_pixels_between_0_and_1():
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 16, 8, 3), dtype=np.uint8))
    before = images.clone()
    pixels = augment.to_pixels(images, (16, 8))
    assert pixels.shape == (4, 3, 16, 8) and pixels.dtype == torch.float32
    for channel in range(3):
        torch.testing.assert_close(pixels[:, channel], images[..., channel].float() / 255)
    assert torch.equal(images, before)
    assert pixels.is_contiguous(memory_format=torch.channels_last)


def test_resize_returns_the_same_images_where_the_size_is_right():
    images = pixels_of(2)
    assert augment.resize(images, (16, 8)) is images


def test_resize_by_half_spreads_a_row_over_its_neighbours():
    # Antialiased halving weighs four rows 1 : 3 : 3 : 1, so row 4 gives 1/8 to row 1 and 3/8 to row 2.
    line = torch.zeros(1, 3, 16, 8)
    line[:, :, 4] = 8
    small = augment.resize(line, (8, 4))
    assert small.shape == (1, 3, 8, 4)
    expected = torch.tensor([0.0, 1, 3, 0, 0, 0, 0, 0]).view(8, 1).expand(8, 4)
    torch.testing.assert_close(small[0, 0], expected)


def test_resized_bytes_stay_between_0_and_1():
    images = torch.full((1, 20, 10, 3), 255, dtype=torch.uint8)
    torch.testing.assert_close(augment.to_pixels(images, (8, 4)), torch.ones(1, 3, 8, 4))


# Crop and mirror -------------------------------------------------------------------------------------------------


def windows(image, pad):
    """All crops of a padded image (3, h, w), by slicing: {(top, left): crop}."""
    _, h, w = image.shape
    canvas = torch.zeros(3, h + 2 * pad, w + 2 * pad)
    canvas[:, pad : pad + h, pad : pad + w] = image
    offsets = [(top, left) for top in range(2 * pad + 1) for left in range(2 * pad + 1)]
    return {(top, left): canvas[:, top : top + h, left : left + w] for top, left in offsets}


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_every_crop_is_a_window_of_the_padded_image_and_all_windows_come(mirror):
    pad, image = 2, pixels_of(1)[0]
    found = augment.crop_and_flip(
        image.expand(1000, -1, -1, -1), pad=pad, flip_probability=mirror, generator=seeded()
    )
    if mirror:
        found = found.flip(3)
    candidates = windows(image, pad)
    stacked = torch.stack(list(candidates.values()))
    equal = (found[:, None] == stacked[None]).flatten(2).all(2)  # (1000, 25)
    assert (equal.sum(1) == 1).all()
    assert ((equal.sum(0) - 40.0) ** 2 / 40).sum() < 51.2  # chi-square, 24 degrees of freedom, 99.9 %


def test_known_offsets_give_the_window_cut_by_hand():
    """The draws are, in order: tops, lefts, mirrors."""
    pixels, pad = pixels_of(6), 3
    found = augment.crop_and_flip(pixels, pad=pad, flip_probability=0.5, generator=seeded(7))
    again = seeded(7)
    tops = torch.randint(0, 7, (6, 1), generator=again).ravel().tolist()
    lefts = torch.randint(0, 7, (6, 1), generator=again).ravel().tolist()
    mirrors = (torch.rand((6, 1), generator=again) < 0.5).ravel().tolist()
    assert len(set(mirrors)) == 2
    for image, crop, top, left, mirror in zip(pixels, found, tops, lefts, mirrors, strict=True):
        expected = windows(image, pad)[top, left]
        torch.testing.assert_close(crop, expected.flip(2) if mirror else expected, rtol=0, atol=0)


def test_without_padding_or_mirror_nothing_happens():
    pixels = pixels_of(5)
    found = augment.crop_and_flip(pixels, pad=0, flip_probability=0.0, generator=seeded())
    assert torch.equal(found, pixels)


def test_half_of_the_images_are_mirrored():
    pixels = pixels_of(1).expand(2000, -1, -1, -1)
    found = augment.crop_and_flip(pixels, pad=0, flip_probability=0.5, generator=seeded())
    mirrored = (found == pixels.flip(3)).flatten(1).all(1)
    assert torch.equal(found[~mirrored], pixels[~mirrored])
    assert 0.45 < mirrored.float().mean() < 0.55


# Colour ----------------------------------------------------------------------------------------------------------


def test_channel_exchange_copies_one_channel_of_the_image_to_all_three():
    pixels = pixels_of(300)
    found = augment.channel_exchange(pixels, seeded())
    assert found.shape == pixels.shape
    assert torch.equal(found[:, 0], found[:, 1]) and torch.equal(found[:, 0], found[:, 2])
    which = (found[:, :1] == pixels).flatten(2).all(2)  # (300, 3)
    assert (which.sum(1) == 1).all()
    assert which.sum(0).min() > 70  # each channel about 100 times


def test_channel_gray_is_a_convex_mix_of_the_channels():
    pixels = pixels_of(400)
    found = augment.channel_gray(pixels, 1.0, seeded())
    assert torch.equal(found[:, 0], found[:, 1]) and torch.equal(found[:, 0], found[:, 2])
    # Recover the three weights of each image by least squares: the mix is exact, and one mix serves all its pixels.
    columns = pixels.flatten(2).transpose(1, 2)
    weights = torch.linalg.lstsq(columns, found[:, 0].flatten(1)[..., None]).solution[..., 0]
    torch.testing.assert_close(
        (columns @ weights[..., None])[..., 0], found[:, 0].flatten(1), atol=1e-4, rtol=0
    )
    assert weights.min() > -1e-3
    torch.testing.assert_close(weights.sum(1), torch.ones(400), atol=1e-3, rtol=0)
    # Uniform on the triangle: each weight has mean 1/3 and variance 1/18.
    torch.testing.assert_close(weights.mean(0), torch.full((3,), 1 / 3), atol=0.04, rtol=0)
    torch.testing.assert_close(weights.var(0), torch.full((3,), 1 / 18), atol=0.015, rtol=0)


def test_channel_gray_happens_with_its_probability_and_leaves_the_others():
    pixels = pixels_of(1).expand(2000, -1, -1, -1)
    found = augment.channel_gray(pixels, 0.3, seeded())
    same = (found == pixels).flatten(1).all(1)
    assert 0.65 < same.float().mean() < 0.75
    assert (found[~same][:, 0] == found[~same][:, 1]).all()
    assert torch.equal(augment.channel_gray(pixels, 0.0, seeded()), pixels)


def test_normalisation_by_hand():
    pixels = torch.tensor([1.0, 0.4, 0.05]).view(1, 3, 1, 1)
    torch.testing.assert_close(augment.normalize(pixels, MEAN, STD).ravel(), torch.tensor([2.5, 0.0, -0.5]))


# Erasing -----------------------------------------------------------------------------------------------------------


def test_holes_are_zero_rectangles_of_the_stated_sizes():
    b, h, w = 600, 64, 32
    pixels = pixels_of(b, h, w)
    found = augment.erase(pixels, 1.0, seeded())
    hole = found[:, 0] == 0
    assert torch.equal(found[:, 1] == 0, hole) and torch.equal(found[:, 2] == 0, hole)
    assert torch.equal(found, torch.where(hole[:, None], 0, pixels))  # all else is as it was
    heights, widths = hole.any(2).sum(1), hole.any(1).sum(1)
    assert torch.equal(heights * widths, hole.sum((1, 2)))  # filled rectangles
    areas = hole.float().mean((1, 2))
    assert areas.max() <= 0.4 + 0.05 and areas.min() > 0.005  # whole pixels and clipping move it a little
    clipped = (widths >= w - 1) | (heights >= h - 1)
    assert 0.15 < areas.mean() < 0.23  # uniform in 0.02..0.4 has mean 0.21; clipping takes some
    assert (areas[~clipped] > 0.35).any() and (areas < 0.05).any()
    ratio = (heights / widths)[~clipped & (widths > 5) & (heights > 5)]
    assert 0.2 < ratio.min() < 0.6 and 2.3 < ratio.max() < 4.2


def test_holes_fall_everywhere():
    covered = (augment.erase(torch.ones(3000, 3, 32, 16), 1.0, seeded())[:, 0] == 0).float().mean(0)
    assert covered.min() > 0  # first and last row and column, too
    torch.testing.assert_close(covered, covered.flip(0), atol=0.05, rtol=0)
    torch.testing.assert_close(covered, covered.flip(1), atol=0.05, rtol=0)


def test_erasing_happens_with_its_probability():
    pixels = torch.ones(2000, 3, 16, 8)
    untouched = (augment.erase(pixels, 0.5, seeded()) == 1).flatten(1).all(1).float().mean()
    assert 0.45 < untouched < 0.56
    assert torch.equal(augment.erase(pixels, 0.0, seeded()), pixels)


# Views ---------------------------------------------------------------------------------------------------------------


def view(name, seed=0, stored=None, **changes):
    settings = {"height": 32, "width": 32, "pad": 2, **changes}
    if stored is None:
        stored = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), dtype=np.uint8))
    return augment.training_view(
        stored, name, DataConfig(**settings), mean=MEAN, std=STD, generator=seeded(seed)
    )


PLAIN = {"pad": 0, "flip_probability": 0.0, "erasing_probability": 0.0, "gray_probability": 0.0}


@pytest.mark.parametrize("name", ["visible", "exchanged", "infrared"])
def test_views_have_the_asked_size_and_follow_the_generator(name):
    one, same, other = view(name, 1), view(name, 1), view(name, 2)
    assert one.shape == (50, 3, 32, 32) and one.dtype == torch.float32
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert view(name, height=48, width=40).shape == (50, 3, 48, 40)


@pytest.mark.parametrize("name", ["visible", "infrared"])
def test_with_every_probability_at_zero_a_view_is_the_normalised_image(name):
    stored = torch.randint(0, 256, (5, 32, 32, 3), generator=seeded(), dtype=torch.uint8)
    expected = (stored.permute(0, 3, 1, 2).float() / 255 - MEAN.view(3, 1, 1)) / STD.view(3, 1, 1)
    torch.testing.assert_close(view(name, stored=stored, **PLAIN), expected)


def back_to_pixels(normalised):
    return normalised * STD.view(3, 1, 1) + MEAN.view(3, 1, 1)


def test_the_exchanged_view_is_one_channel_before_normalisation():
    found = back_to_pixels(view("exchanged", **PLAIN))
    torch.testing.assert_close(found[:, 0], found[:, 1])
    torch.testing.assert_close(found[:, 0], found[:, 2])


def test_the_infrared_view_is_gray_before_normalisation_with_its_probability():
    found = back_to_pixels(view("infrared", **{**PLAIN, "gray_probability": 0.5}))
    gray = ((found[:, 0] - found[:, 1]).abs() < 1e-5).flatten(1).all(1)
    assert 12 < gray.sum() < 38
    visible = back_to_pixels(view("visible", **{**PLAIN, "gray_probability": 1.0}))
    assert not ((visible[:, 0] - visible[:, 1]).abs() < 1e-5).flatten(1).all(1).any()


def test_holes_are_cut_after_normalisation_and_padding_before():
    stored = torch.full((200, 32, 32, 3), 255, dtype=torch.uint8)
    holes = view("visible", stored=stored, **{**PLAIN, "erasing_probability": 1.0})
    assert set(holes[:, 0].unique().tolist()) == {0.0, 2.5}  # (1 - 0.5) / 0.2
    padded = view("visible", stored=stored, **{**PLAIN, "pad": 4})
    assert set(padded[:, 0].unique().tolist()) == {-2.5, 2.5}  # black padding is (0 - 0.5) / 0.2


def test_an_unknown_view_is_refused():
    with pytest.raises(ValueError, match="view is 'thermal'; expected 'visible', 'exchanged' or 'infrared'"):
        view("thermal")
