"""Batched augmentation on the device: crop, mirror, channel exchange, channel gray, normalisation, erasing.

Taught in: notebooks/07_two_phase_training.ipynb
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from dmic.config import DataConfig

__all__ = [
    "channel_exchange",
    "channel_gray",
    "crop_and_flip",
    "erase",
    "normalize",
    "resize",
    "to_pixels",
    "training_view",
]

View = Literal["visible", "exchanged", "infrared"]


def to_pixels(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Turn stored images (b, h, w, 3) uint8 into pixels (b, 3, height, width) float32 in 0..1, channels last in memory."""
    return resize(images.permute(0, 3, 1, 2), size).float().div_(255)


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (b, 3, h, w) images bilinearly, with antialiasing, to size = (height, width); no-op if they have it."""
    if tuple(images.shape[-2:]) == tuple(size):
        return images
    return functional.interpolate(
        images.float(), size=size, mode="bilinear", antialias=True, align_corners=False
    )


def crop_and_flip(pixels: Tensor, *, pad: int, flip_probability: float, generator: torch.Generator) -> Tensor:
    """Pad by ``pad`` zeros, crop a window of the old size at random, mirror at random; (b, 3, h, w) in and out."""
    b, _, h, w = pixels.shape
    padded = functional.pad(pixels, (pad, pad, pad, pad))
    top = torch.randint(0, 2 * pad + 1, (b, 1), generator=generator)
    left = torch.randint(0, 2 * pad + 1, (b, 1), generator=generator)
    mirrored = torch.rand((b, 1), generator=generator) < flip_probability
    rows = (top + torch.arange(h)).to(pixels.device)
    across = torch.arange(w).expand(b, w)
    columns = (left + torch.where(mirrored, w - 1 - across, across)).to(pixels.device)
    image = torch.arange(b, device=pixels.device)
    cut = padded.permute(0, 2, 3, 1)[
        image[:, None, None], rows[:, :, None], columns[:, None, :]
    ]  # (b, h, w, 3)
    return cut.permute(0, 3, 1, 2)


def channel_exchange(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Copy one random channel of each image to all three (the paper's channel-augmented view c)."""
    b = len(pixels)
    channel = torch.randint(0, 3, (b,), generator=generator).to(pixels.device)
    return pixels[torch.arange(b, device=pixels.device), channel][:, None].expand(-1, 3, -1, -1)


def channel_gray(pixels: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """With the given probability replace an image by a random convex mix of its channels, in all three."""
    b = len(pixels)
    # exponential numbers, divided by their sum: uniform on the simplex
    mix = -torch.rand((b, 3), generator=generator).clamp_min(1e-12).log()
    mix = (mix / mix.sum(1, keepdim=True)).to(pixels.device)
    gray = torch.einsum("bchw,bc->bhw", pixels, mix)[:, None].expand_as(pixels)
    chosen = (torch.rand((b, 1, 1, 1), generator=generator) < probability).to(pixels.device)
    return torch.where(chosen, gray, pixels)


def normalize(pixels: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return (pixels - mean) / std with mean, std (3,) in 0..1 units."""
    return (pixels - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)


def erase(pixels: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Set a random rectangle of an image to 0, the mean colour after normalisation (Zhong et al., AAAI 2020).

    Area 2 to 40 % of the image, aspect ratio (height to width) 0.3 to 3.3, clipped to the image.
    """
    b, _, h, w = pixels.shape
    area = h * w * torch.empty(b).uniform_(0.02, 0.4, generator=generator)
    aspect = torch.empty(b).uniform_(0.3, 1 / 0.3, generator=generator)
    height = (area * aspect).sqrt().clamp(max=h - 1)
    width = (area / aspect).sqrt().clamp(max=w - 1)
    top = torch.rand(b, generator=generator) * (h - height)
    left = torch.rand(b, generator=generator) * (w - width)
    chosen = torch.rand(b, generator=generator) < probability
    inside_rows = _between(torch.arange(h) + 0.5, top, top + height)
    inside_columns = _between(torch.arange(w) + 0.5, left, left + width)
    hole = chosen[:, None, None] & inside_rows[:, :, None] & inside_columns[:, None, :]
    return pixels.masked_fill(hole[:, None].to(pixels.device), 0)


def training_view(
    images: Tensor, view: View, data: DataConfig, *, mean: Tensor, std: Tensor, generator: torch.Generator
) -> Tensor:
    """Make one training view of a batch.

    Parameters
    ----------
    images : (b, h, w, 3) uint8 tensor
        Stored images, on the device.
    view
        ``visible``: crop, mirror, normalise, erase. ``exchanged``: the same with channel exchange before normalising.
        ``infrared``: the same with channel gray.
    data : DataConfig
        Sizes and probabilities.
    mean, std : (3,) float tensors
        The backbone's normalisation.
    generator : torch.Generator
        CPU generator: the draws do not depend on the device.

    Returns
    -------
    (b, 3, height, width) float32.
    """
    pixels = to_pixels(images, (data.height, data.width))
    pixels = crop_and_flip(pixels, pad=data.pad, flip_probability=data.flip_probability, generator=generator)
    if view == "exchanged":
        pixels = channel_exchange(pixels, generator)
    elif view == "infrared":
        pixels = channel_gray(pixels, data.gray_probability, generator)
    elif view != "visible":
        raise ValueError(f"view is {view!r}; expected 'visible', 'exchanged' or 'infrared'")
    return erase(normalize(pixels, mean, std), data.erasing_probability, generator)


def _between(positions: Tensor, low: Tensor, high: Tensor) -> Tensor:
    return (positions[None, :] >= low[:, None]) & (positions[None, :] < high[:, None])
