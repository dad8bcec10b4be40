"""Draws whole frames: what each camera sees, with a few people in it, and the boxes that would be cut out.

python -m data_scripts.synthvi.frames frames.png                      # world a
python -m data_scripts.synthvi.frames frames.png --world c --seed 7
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from .knobs import world_by_name
from .world import PRESETS, WORLDS

if TYPE_CHECKING:  # imported below where it is needed: --help does not wait for compiled code
    import numpy as np

    from .render import Studio

ROWS = 256  # of a saved image: frames are drawn at this scale
PEOPLE = 4


def draw_frame(studio: Studio, camera_id: int, people: int = PEOPLE) -> np.ndarray:
    """Take a picture of a whole frame, (h, w, 3) uint8, with people from near to far, and their boxes in yellow.

    One gain serves all of them, that for somebody in the middle; each image of a data set has its own.
    """
    import numpy as np

    from .captures import Stand
    from .composition import compose
    from .image.boxes import detected, extent
    from .image.sensor import Exposure, exposed, through_jpeg

    camera, frame = studio.cameras[camera_id], studio.frames[camera_id]
    shape, distances = (
        studio.preset.width / studio.preset.height,
        np.linspace(camera.nearest, camera.farthest, people),
    )
    figures, boxes, capture = [], [], studio.capture(1, camera_id, 0, studio.person(1))
    for number, distance in enumerate(distances.tolist(), start=1):
        person, outfit = studio.dressed(number)
        taken = studio.capture(number, camera_id, 0, person)
        stand = Stand(taken.heading, distance, (-0.3, 0.28, -0.08, 0.18)[(number - 1) % 4], taken.pose)
        figures.append(studio.figure(person, outfit, camera_id, stand))
        buffers = figures[-1].buffers
        boxes.append(detected(extent(buffers.surface, buffers.corner, buffers.samples), taken, shape, frame))
    picture = studio.place_picture(camera_id)
    scene = compose(picture, (0, 0, frame.height, frame.width), camera, frame, figures, capture, None)
    middle = float(distances[len(distances) // 2])
    gain = studio.gain(camera_id, middle, camera.light)
    exposure, rng = Exposure(gain, studio.world.sensor_noise), np.random.default_rng(0)
    image = through_jpeg(exposed(scene.light, camera, frame, (0, 0), exposure, rng), round(camera.quality))
    image = np.repeat(image, 3, axis=2) if camera.infrared else image.copy()
    for box in boxes:
        top, left, bottom, right = (int(edge) for edge in box)
        bottom, right = min(bottom, frame.height - 1), min(right, frame.width - 1)
        image[[top, bottom], left : right + 1] = image[top : bottom + 1, [left, right]] = (255, 210, 0)
    return image


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m data_scripts.synthvi.frames",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, help="PNG file to write")
    parser.add_argument("--world", choices=WORLDS, default="a", help="default: a")
    parser.add_argument("--seed", type=int, default=0, help="of places, cameras and people (default: 0)")
    options = parser.parse_args(arguments)
    import numpy as np
    from PIL import Image

    from .render import Studio

    preset = dataclasses.replace(PRESETS["toy"], height=ROWS, width=ROWS // 2)
    studio = Studio(options.seed, world_by_name(options.world), preset)
    drawn = [draw_frame(studio, camera_id) for camera_id in studio.cameras]
    high, wide = (max(image.shape[axis] for image in drawn) for axis in (0, 1))
    sheet = np.full((len(drawn[::3]), 3, high, wide, 3), 255, np.uint8)
    for index, image in enumerate(drawn):
        sheet[index // 3, index % 3, : image.shape[0], : image.shape[1]] = image
    rows = sheet.transpose(0, 2, 1, 3, 4).reshape(len(sheet) * high, 3 * wide, 3)
    picture = Image.fromarray(rows)
    small = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
    small.quantize(256, Image.Quantize.MEDIANCUT).save(options.out, optimize=True)  # a third of the size
    print(options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
