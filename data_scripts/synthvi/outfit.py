"""The mesh of one dressed person: body shape, cloth offset along the normals, hair, hat, bag."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from .body import Body, morph, vertex_normals
from .wardrobe import Bag, Hair, Person, Style

SHOULDER = np.array([0.170, 0.502, 0.019])  # rest position of the left shoulder, metres
WRIST = np.array([0.453, 0.197, 0.183])
ARM_BONES = ("upperarm_l", "lowerarm_l", "hand_l", "upperarm_r", "lowerarm_r", "hand_r")


class Surface(IntEnum):
    """Which surface a pixel shows; 0 is the background."""

    NONE = 0
    BODY = 1
    ARM = 2
    HEAD = 3
    HAND = 4
    SKIRT = 5
    HAIR = 6
    BAG = 7
    BRIM = 8


@dataclass(frozen=True)
class Outfit:
    """A dressed person in the rest pose, ready for skinning."""

    vertices: np.ndarray  # (n, 3) float32, this person's shape with clothes
    rest: np.ndarray  # (n, 3) float32, rest positions; for bags: place within the bag, -1..1
    cut: np.ndarray  # (n,) float32, pixels where it is negative are not drawn (hems of skirts, tips of hair)
    faces: np.ndarray  # (m, 3) int32
    surfaces: np.ndarray  # (m,) uint8 Surface
    weight_bones: np.ndarray  # (n, 4) int32; bone number len(joints) hangs from the left hand, never turning
    weights: np.ndarray  # (n, 4) float32
    joints: np.ndarray  # (bones, 3) float32


def arm_length_share(rest: np.ndarray) -> np.ndarray:
    """Where on the arm a rest position (n, 3) lies: 0 shoulder, 1 wrist."""
    axis = WRIST - SHOULDER
    mirrored = np.column_stack([np.abs(rest[:, 0]), rest[:, 1:]])
    return (mirrored - SHOULDER) @ axis / (axis @ axis)


def hair_edge(rest: np.ndarray, shift: float) -> np.ndarray:
    """Height (n,) above which the head is hair: low at the neck, high at the forehead."""
    return 0.700 + 0.65 * np.clip(rest[..., 2], -0.05, 0.2) + shift


def dress(body: Body, person: Person) -> Outfit:
    """Build the dressed mesh of a person."""
    style = person.style
    vertices, joints = morph(body, person.shape)
    surfaces = _surfaces(body)
    keep = np.ones(len(surfaces), dtype=bool)
    if not (style.skirt or (style.coat and style.coat_hem < 0.0)):
        keep &= surfaces != Surface.SKIRT
    if style.hair != Hair.LONG:
        keep &= surfaces != Surface.HAIR
    normals = vertex_normals(vertices, body.faces)
    vertices = vertices + normals * _offsets(body, style)[:, None]
    outfit = Outfit(
        vertices=vertices.astype(np.float32),
        rest=body.vertices,
        cut=_cuts(body, style),
        faces=body.faces[keep],
        surfaces=surfaces[keep],
        weight_bones=body.weight_bones,
        weights=body.weights,
        joints=joints,
    )
    for extra in _extras(body, style, outfit):
        outfit = _join(outfit, *extra)
    return outfit


def _surfaces(body: Body) -> np.ndarray:
    """Surface (m,) of every face of the body asset."""
    table = {
        "shell": Surface.BODY,
        "head": Surface.HEAD,
        "hand": Surface.HAND,
        "skirt": Surface.SKIRT,
        "hair": Surface.HAIR,
    }
    surfaces = np.array([table[name] for name in body.part_names], dtype=np.uint8)[body.face_parts]
    arm = np.isin(body.weight_bones[:, 0], [body.bone(name) for name in ARM_BONES])
    surfaces[(surfaces == Surface.BODY) & arm[body.faces].any(axis=1)] = Surface.ARM
    return surfaces


def _ramp(value: np.ndarray, start: float, end: float) -> np.ndarray:
    """0 at ``start``, 1 at ``end``, linear between."""
    return np.clip((value - start) / (end - start), 0.0, 1.0)


def _offsets(body: Body, style: Style) -> np.ndarray:
    """Distance (n,) in metres by which each vertex moves out along its normal."""
    rest = body.vertices
    y = rest[:, 1]
    offset = np.zeros(len(rest))
    shell = body.part_vertices("shell")
    share = arm_length_share(rest)
    arm_bones = [body.bone(name) for name in ARM_BONES]
    arm = np.isin(body.weight_bones[:, 0], arm_bones)
    is_shell = np.zeros(len(rest), dtype=bool)
    is_shell[shell] = True
    trunk, arms = is_shell & ~arm, is_shell & arm
    top = style.coat_volume if style.coat else style.top_volume
    hem = min(style.coat_hem, style.top_hem) if style.coat else style.top_hem
    leg = style.bottom_volume + style.flare * _ramp(y, -0.3, -0.75)
    leg = np.where(style.skirt, 0.0, leg * (y > style.bottom_hem))
    upper = top * (1 - _ramp(y, style.neckline - 0.03, style.neckline + 0.02))
    offset[trunk] = np.where(y > hem, np.maximum(upper, leg * (y < 0.1)), leg)[trunk]
    boots = (y < style.shoe_top) * (0.008 + 0.006 * (style.shoe_top > -0.7))
    offset[trunk] = np.maximum(offset, boots)[trunk]
    sleeve = 1.05 if style.coat else style.sleeve
    offset[arms] = (0.75 * top * (share < sleeve))[arms]
    head = body.part_vertices("head")
    hair = 0.0 if style.hair == Hair.BALD else 0.016
    over = _ramp(y - hair_edge(rest, style.hairline), -0.005, 0.02) * hair
    if style.hat:
        over = np.maximum(
            over, _ramp(y, style.hat_line - 0.012, style.hat_line) * (0.026 if style.hat == 1 else 0.02)
        )
    offset[head] = over[head]
    offset[body.part_vertices("skirt")] = 0.02 if style.coat else 0.004
    return offset


def _cuts(body: Body, style: Style) -> np.ndarray:
    """The attribute ``cut`` (n,): skirts end at their hem, coats are open in front, long hair ends where it ends."""
    rest = body.vertices
    cut = np.ones(len(rest), dtype=np.float32)
    skirt = body.part_vertices("skirt")
    hem = style.coat_hem if style.coat else style.bottom_hem
    cut[skirt] = rest[skirt, 1] - hem
    if not style.coat:  # the top hangs over the skirt
        cut[skirt] = np.minimum(cut[skirt], min(style.top_hem, 0.14) + 0.005 - rest[skirt, 1])
    if style.coat and style.coat_open > 0:
        front = rest[skirt, 2] > 0.05
        cut[skirt] = np.where(
            front, np.minimum(cut[skirt], np.abs(rest[skirt, 0]) - style.coat_open), cut[skirt]
        )
    hair = body.part_vertices("hair")
    fringe = np.where(rest[hair, 1] < 0.80, 0.072 - rest[hair, 2], 1.0)  # keeps the face free
    cut[hair] = np.minimum(rest[hair, 1] - style.hair_bottom, fringe)
    return cut


def box(
    center: np.ndarray, size: np.ndarray, roundness: float = 0.35, rings: int = 7
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A box with round edges (superellipsoid): vertices (n, 3), places within -1..1 (n, 3), faces (m, 3)."""
    latitude = np.linspace(-np.pi / 2, np.pi / 2, rings)
    longitude = np.linspace(-np.pi, np.pi, 2 * rings, endpoint=False)
    lat, lon = (grid.ravel() for grid in np.meshgrid(latitude, longitude, indexing="ij"))

    def power(value: np.ndarray) -> np.ndarray:
        return np.sign(value) * np.abs(value) ** roundness

    local = np.stack(
        [
            power(np.cos(lat)) * power(np.sin(lon)),
            power(np.sin(lat)),
            power(np.cos(lat)) * power(np.cos(lon)),
        ],
        1,
    )
    columns = 2 * rings
    faces = []
    for i in range(rings - 1):
        for j in range(columns):
            a, b = i * columns + j, i * columns + (j + 1) % columns
            faces += [[a, b, a + columns], [b, b + columns, a + columns]]
    return center + local * (np.asarray(size) / 2), local, np.array(faces)


def _extras(body: Body, style: Style, outfit: Outfit) -> list[tuple]:
    """Bags, buns and brims: (vertices, rest, faces, surface, bone) each."""
    extras = []
    shell = body.part_vertices("shell")
    rest, made = body.vertices[shell], outfit.vertices[shell]
    hanging = len(outfit.joints)
    size = style.bag_size
    if style.bag == Bag.BACKPACK:
        spine = (np.abs(rest[:, 0]) < 0.12) & (rest[:, 1] > 0.15) & (rest[:, 1] < 0.45) & (rest[:, 2] < 0)
        back, middle = made[spine, 2].min(), made[spine, 1].mean()
        thick = 0.16 * size
        center = np.array([0.0, middle + 0.03, back - 0.4 * thick])
        extras.append((*box(center, [0.30 * size, 0.42 * size, thick]), Surface.BAG, body.bone("spine_03")))
    elif style.bag == Bag.HANDBAG:
        hand = outfit.joints[body.bone("middle_01_l")]
        center = hand + [0.02, -0.10 - 0.14 * size, 0.0]
        extras.append((*box(center, [0.09, 0.22 * size, 0.27 * size]), Surface.BAG, hanging))
        extras.append((*box(hand + [0.02, -0.08, 0.0], [0.03, 0.16, 0.07], rings=4), Surface.BAG, hanging))
    elif style.bag == Bag.SHOULDER:
        hip = (np.abs(rest[:, 1] - 0.03) < 0.08) & (rest[:, 0] < 0)
        center = np.array([made[hip, 0].min() - 0.035, made[hip, 1].mean(), made[hip, 2].mean()])
        extras.append((*box(center, [0.09, 0.20 * size, 0.26 * size]), Surface.BAG, body.bone("pelvis")))
    head = body.part_vertices("head")
    shift = outfit.vertices[head].mean(0) - body.vertices[head].mean(0)
    bone = body.bone("head")
    if style.hair == Hair.BUN and not style.hat:
        extras.append((*box([0, 0.80, -0.075] + shift, [0.11, 0.11, 0.10], 1.0), Surface.HAIR, bone))
    elif style.hair == Hair.TAIL:
        extras.append((*box([0, 0.655, -0.085] + shift, [0.07, 0.26, 0.07], 0.8), Surface.HAIR, bone))
    if style.hat == 2:
        front = head[np.abs(body.vertices[head, 1] - style.hat_line) < 0.02]
        reach = outfit.vertices[front, 2].max()
        center = np.array([0.0, style.hat_line + shift[1] + 0.003, reach + 0.01])
        extras.append((*box(center, [0.16, 0.02, 0.16], 0.8), Surface.BRIM, bone))
    return extras


def _join(
    outfit: Outfit, points: np.ndarray, local: np.ndarray, faces: np.ndarray, surface: int, bone: int
) -> Outfit:
    """Add a rigid part that one bone moves."""
    count = len(points)
    bones = np.zeros((count, 4), dtype=np.int32)
    bones[:, 0] = bone
    weights = np.zeros((count, 4), dtype=np.float32)
    weights[:, 0] = 1.0
    return Outfit(
        vertices=np.concatenate([outfit.vertices, points.astype(np.float32)]),
        rest=np.concatenate([outfit.rest, local.astype(np.float32)]),
        cut=np.concatenate([outfit.cut, np.ones(count, dtype=np.float32)]),
        faces=np.concatenate([outfit.faces, (faces + len(outfit.vertices)).astype(np.int32)]),
        surfaces=np.concatenate([outfit.surfaces, np.full(len(faces), surface, dtype=np.uint8)]),
        weight_bones=np.concatenate([outfit.weight_bones, bones]),
        weights=np.concatenate([outfit.weights, weights]),
        joints=outfit.joints,
    )
