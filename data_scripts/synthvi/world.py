"""The knobs of the generated world, three worlds, and the presets that say how many people to render.

``knobs.py`` reads them from the command line and checks their ranges. No knob may be negative.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_CAMERAS = 16  # of one modality


@dataclass(frozen=True)
class World:
    """What the world is like. ``--set name=value`` changes any field but ``name``.

    Near-infrared is as materials reflect it; `EASED` says which preset makes it easier. World ``c`` is the harsh one.
    """

    # Which world, set by --world. Worlds of another name have other people, places and cameras.
    name: str = "a"

    # --- near-infrared (850 nm) ---
    # Share of the visible picture's brightness mixed into people's near-infrared, 0..1: 0 = as materials reflect, 1 = gray copy.
    nir_gray_copy: float = 0.0
    # Share of near-black cloth that is black with carbon, 0..1, and so stays dark; the rest is dyed and turns bright.
    carbon_black: float = 0.35
    # How often patterns and prints keep their contrast in near-infrared: factor, 0 = never, 1 = about half of them (`cloth.ON`).
    pattern_contrast: float = 1.0
    # How much materials of one kind differ in near-infrared: factor, 0 = not at all, 1 = as designed.
    nir_spread: float = 1.0

    # --- people ---
    # Number of different cloth colours in this world, at least 4.
    wardrobe_colors: int = 40
    # How often tops have patterns, and clothes and bags prints and cuts of two colours, 0..1: 0 = never, 0.6 = as designed.
    pattern_share: float = 0.60
    # Share of people who may carry a bag, 0..1 (four in five do). Shares of hats and scarves are proportional to it.
    accessory_share: float = 0.55
    # Share of people who look alike, 0..1: no patterns, the same few calm colours; half of them have no prints and cuts either.
    lookalikes: float = 0.5
    # How much body shapes and carriages differ: factor, 0 = all have the average body, 1 = as designed.
    shape_spread: float = 1.0
    # Share of people with hair with a style of its own, 0..1: bob, curls, braids, fringes, …; the others have plain hair.
    hairstyles: float = 1.0
    # Share of people dressed for heat, 0..1: no coat, short sleeves, often bare legs.
    summer: float = 0.0

    # --- camera network ---
    # Number of visible cameras, 1..16. Their numbers are 1, 2, 4, 5, 7, 8, …
    visible_cameras: int = 4
    # Number of infrared cameras, 1..16. Their numbers are 3, 6, 9, …
    infrared_cameras: int = 2
    # Share of cameras outdoors, 0..1: the last of every six.
    outdoor_share: float = 0.5
    # Mean height of cameras above the floor, metres. Each camera lies in 1.2..6.
    camera_height: float = 2.35
    # Nearest people to a camera, metres along the floor, at least 1.5; the distance is drawn anew for every walk. Cameras differ in
    # it by up to 17 % (times camera_gap and view_gap), and in `farthest` as much.
    nearest: float = 4.0
    # Farthest people from a camera, metres along the floor, at most 30.
    farthest: float = 8.0
    # Number of walking directions that each camera sees, 0..4; 0 = people walk in any direction.
    headings: int = 0
    # Spread of people around a walking direction: standard deviation in degrees, 0 or more.
    heading_jitter: float = 14.0
    # Largest rotation of all walking directions of one camera, degrees, 0 or more.
    heading_offset: float = 18.0

    # --- differences between cameras ---
    # Size of all differences between cameras: factor on the next four knobs, 0 = all cameras alike, 1 = as designed.
    camera_gap: float = 0.7
    # Differences between cameras in white balance and saturation: factor, 0 = none, 1 = as designed.
    color_gap: float = 1.0
    # Differences between cameras in exposure, largest gain, contrast and haze: factor, 0 = none, 1 = as designed.
    exposure_gap: float = 1.0
    # Differences between cameras in height, distance, focal length and angle to the wall: factor, 0 = none, 1 = as designed.
    view_gap: float = 1.0
    # Differences between cameras in blur and JPEG quality: factor, 0 = none, 1 = as designed.
    sharpness_gap: float = 1.0
    # Noise of every sensor: factor on its standard deviation, 0 = none, 1 = as designed. It grows with gain and light.
    sensor_noise: float = 1.0
    # Weight of whoever walks by in automatic exposure, 0..1; the rest is the whole frame's. The less, the more people close to an
    # infrared lamp are burnt out, and the darker those far away.
    metering: float = 0.5
    # Direct light of sun, windows and ceiling lamps: factor, 0 = only light from all around, 1 = as designed, 2 = hard.
    sunlight: float = 1.0
    # Blur of every camera: factor, 0 = sharp, 1 = as designed.
    blur: float = 1.0
    # Mean JPEG quality over cameras, 1..100.
    jpeg_quality: float = 88.0

    # --- places ---
    # How crowded and vivid places are: factor, 0 = plain, grey and empty, 1 = as designed, 2 = crowded.
    background_contrast: float = 0.4
    # Hue that walls and floors lean to, 0..1.
    place_hue: float = 0.09

    # --- differences between images of one person and camera ---
    # Consecutive images that show the same walk (heading, distance, light), as in a tracklet; at least 1. Whoever has fewer images
    # from a camera than twice as many, but two at least, still walks past it twice.
    images_per_walk: int = 2
    # Share of images in which an obstacle or another person stands before the person, 0..1.
    occlusion: float = 0.05
    # Share of occluded images in which another person occludes, 0..1; in the others it is an obstacle.
    occluding_people: float = 0.4
    # How far an occluder reaches over the person: factor, 0 or more, 1 = as designed.
    occlusion_depth: float = 1.0
    # Share of images with another person behind, 0..1.
    bystanders: float = 0.05
    # Share of people who have a companion, always the same, who walks beside them in half of their walks, 0..1.
    companions: float = 0.0
    # How tightly boxes lie around people, 0..1: 0 = of the saved image's shape, with a margin; 1 = touching them on every side.
    tight_boxes: float = 0.4
    # Share of images whose box cuts off feet, head or a side, 0..1.
    truncation: float = 0.05
    # Largest share of the person that a box cuts off, 0..0.5.
    truncation_depth: float = 0.22
    # Share of images with motion blur, 0..1; people who stand have none.
    motion_blur: float = 0.05
    # Longest way during an exposure, metres, 0..0.5.
    motion_length: float = 0.05
    # Largest error of the box in size, share of it, and twice the largest one in position, share of its height, 0..0.5.
    box_jitter: float = 0.05
    # Spread of exposure between walks past one camera: standard deviation of its logarithm, 0 or more.
    light_jitter: float = 0.08
    # Length of steps and swing of arms: factor, 0 or more, 1 = as designed.
    gait: float = 1.0
    # Share of walks with a posture, 0..1: hands in pockets, phone, folded arms, hand on a strap, turned head.
    postures: float = 0.3


WORLDS = {
    "a": World(),
    # For domain shift: mostly indoors, cool and bright places, summer clothes in fewer colours, high and blurry cameras.
    "b": World(
        name="b",
        outdoor_share=1 / 3,
        summer=0.75,
        wardrobe_colors=24,
        pattern_share=0.4,
        accessory_share=0.4,
        camera_height=3.2,
        nearest=4.0,
        farthest=9.0,
        headings=4,
        heading_offset=40.0,
        blur=1.5,
        jpeg_quality=60.0,
        place_hue=0.58,
        occlusion=0.12,
        bystanders=0.2,
    ),
    # Surveillance: people near and far, light that is too much or too little, tight boxes, companions, cameras that differ.
    "c": World(
        name="c",
        nearest=3.0,
        farthest=15.0,
        camera_gap=1.0,
        color_gap=1.6,
        sensor_noise=1.5,
        metering=0.1,
        sunlight=1.6,
        background_contrast=1.0,
        jpeg_quality=70.0,
        occlusion=0.13,
        bystanders=0.12,
        companions=0.4,
        tight_boxes=0.9,
        truncation=0.15,
        motion_blur=0.15,
        light_jitter=0.15,
        box_jitter=0.1,
    ),
}


def is_infrared(number: int) -> bool:
    """Whether camera ``number`` is infrared: every third is."""
    return number % 3 == 0


def camera_numbers(world: World) -> tuple[int, ...]:
    """Numbers of a world's cameras, sorted: the first visible ones and the first infrared ones."""
    numbers = range(1, 3 * MOST_CAMERAS + 1)
    visible = [number for number in numbers if not is_infrared(number)]
    infrared = [number for number in numbers if is_infrared(number)]
    return tuple(sorted(visible[: world.visible_cameras] + infrared[: world.infrared_cameras]))


CAMERAS = camera_numbers(World())  # of the default world: 1 … 6, as in SYSU-MM01
INFRARED_CAMERAS = tuple(number for number in CAMERAS if is_infrared(number))


@dataclass(frozen=True)
class Preset:
    """How many people and images to render, and how large. ``--set name=value`` changes any field."""

    # Number of training people: identities 1 … train_people.
    train_people: int
    # Number of test people: the identities after those for training.
    test_people: int
    # Images per training person and camera, at least 1.
    train_images_per_camera: int
    # Images per test person and camera, at least 1.
    test_images_per_camera: int
    # Height of images, pixels, at least 32.
    height: int = 128
    # Width of images, pixels, at least 16.
    width: int = 64
    # Smallest share of the cameras that see a person, above 0 and at most 1; which cameras is drawn.
    least_share: float = 0.6
    # Largest share of the cameras that see a person, least_share..1.
    most_share: float = 1.0
    # Largest number of images per person and camera that is kept; 0 = all.
    most_images_per_camera: int = 0
    # A pixel of the frame is the mean of supersampling² samples, 1..4; of one where people are drawn much larger than saved.
    supersampling: int = 2
    # 1 = images per person and camera from a table with SYSU-MM01's margins, 0 = the numbers above.
    sysu_counts: int = 0


PRESETS = {
    # for runs of seconds: the preset "debug" of dmic/presets.py trains on it
    "debug": Preset(
        train_people=12,
        test_people=12,
        train_images_per_camera=4,
        test_images_per_camera=2,
        height=64,
        width=32,
    ),
    "tiny": Preset(train_people=4, test_people=3, train_images_per_camera=2, test_images_per_camera=1),
    "toy": Preset(train_people=120, test_people=160, train_images_per_camera=7, test_images_per_camera=2),
    "small": Preset(train_people=300, test_people=200, train_images_per_camera=10, test_images_per_camera=4),
    "sysu-shaped": Preset(
        train_people=395,
        test_people=96,
        train_images_per_camera=20,
        test_images_per_camera=20,
        height=288,
        width=144,
        sysu_counts=1,
    ),
}

# What a preset changes in every world: two cores cannot learn the real near-infrared, nor people who look alike, from 120 people in
# minutes. The name of the data set tells the gray copy. Values that `--set` names come first.
EASED = {"toy": {"nir_gray_copy": 0.3, "lookalikes": 0.0}}
