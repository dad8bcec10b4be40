"""One image file to one RGB array of the wanted size; what is broken is named, never crashed on.

Resizing is Pillow's Lanczos filter, which widens with the reduction and so does not alias. The public code that
many published numbers come from resizes test images the same way: to 144x288 pixels with ``Image.ANTIALIAS``, the
old name of ``LANCZOS`` (AGW, Ye et al., TPAMI 2021; ADCA, Yang et al., ACM MM 2022). For training images AGW uses it,
too, the unsupervised code after ADCA Pillow's bicubic filter, which does not alias either.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FILTER = "lanczos"
BLOCK = 32  # images in flight per worker: bounds the memory

# Modes that say the same in 8-bit RGB, by what a reader calls them. All others have more than 8 bits per channel.
CONVERTED = {
    "1": "black and white",
    "L": "8-bit gray",
    "P": "palette",
    "CMYK": "CMYK",
    "YCbCr": "YCbCr",
    "RGBA": "with transparency",
    "LA": "with transparency",
    "PA": "with transparency",
}


class Picture(NamedTuple):
    """What became of one file."""

    pixels: NDArray[np.uint8] | None  # (height, width, 3); None: see trouble
    converted: str  # from which kind it was turned into RGB; "" if it was RGB
    trouble: str  # a kind of problem, "" if there is none
    detail: str = ""


def read_picture(path: Path, size: tuple[int, int]) -> Picture:
    """Read, convert to RGB and resize one image.

    Parameters
    ----------
    path : Path
        An image file.
    size : (height, width)
        In pixels.

    Returns
    -------
    Picture
    """
    try:
        with Image.open(path) as file:
            file.load()
            mode = file.mode
            if mode != "RGB" and mode not in CONVERTED:
                trouble = "images with more than 8 bits per channel; decide yourself which range is white"
                return Picture(None, "", trouble, f"mode {mode}")
            if mode == "P" and "transparency" in file.info:  # Pillow wants the detour
                file = file.convert("RGBA")
            # To RGB first: Pillow cannot filter palettes and would take the nearest pixel.
            picture = file.convert("RGB").resize((size[1], size[0]), Image.Resampling.LANCZOS)
    except Image.UnidentifiedImageError:
        return Picture(None, "", "files that are no image inside")
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        return Picture(None, "", "damaged images", str(error))
    return Picture(np.asarray(picture), CONVERTED.get(mode, ""), "")


def read_pictures(
    paths: Sequence[Path], size: tuple[int, int], workers: int
) -> Generator[Picture, None, None]:
    """Read many images in order, whatever the number of threads (Pillow decodes and resizes outside the GIL)."""
    step = BLOCK * workers
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(paths), step):
            yield from pool.map(lambda path: read_picture(path, size), paths[start : start + step])
