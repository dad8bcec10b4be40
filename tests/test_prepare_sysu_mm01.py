"""SYSU-MM01 in its true shape gives the published counts and the field's galleries; every damage is named."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from raw_trees import SYSU_TEST, SYSU_TRAIN, build_sysu

from data_scripts import prepare_sysu_mm01
from data_scripts.prepare_sysu_mm01 import PUBLISHED, Published
from data_scripts.preparing import listing
from data_scripts.preparing.command import main
from dmic import evaluation
from dmic.evaluation import PROTOCOLS
from dmic.images import open_dataset

# --- the whole set ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """(raw folder, prepared folder) with all 44,745 images."""
    base = tmp_path_factory.mktemp("sysu")
    root, out = build_sysu(base), base / "prepared"
    command = ["--root", str(root), "--out", str(out), "--size", "8x4", "--workers", "2"]
    assert main(prepare_sysu_mm01.source(), None, command) == 0
    yield root, out
    shutil.rmtree(base)


def test_published_totals_are_those_of_the_literature():
    """Split over cameras from another source than the totals (Wu et al., ICCV 2017 and the data set's README)."""
    by_camera = {camera: images for camera, (images, _) in PUBLISHED.train.items()}
    assert sum(by_camera[camera] for camera in (1, 2, 4, 5)) == 22258
    assert sum(by_camera[camera] for camera in (3, 6)) == 11909
    assert PUBLISHED.test[3][0] + PUBLISHED.test[6][0] == 3803
    assert sum(PUBLISHED.test[camera][1] for camera in (1, 2, 4, 5)) == 301
    assert sum(PUBLISHED.test[camera][1] for camera in (1, 2)) == 112
    assert sum(PUBLISHED.people.values()) == 491
    assert (PUBLISHED.train, PUBLISHED.test) == (SYSU_TRAIN, SYSU_TEST)


def test_counts_of_the_prepared_set(whole):
    table = open_dataset(whole[1])
    train, query, gallery = table.train, table.query, table.gallery
    assert len(np.unique(train.identities)) == 395
    assert ((train.modalities == 0).sum(), (train.modalities == 1).sum()) == (22258, 11909)
    assert len(query) == 3803 and set(query.cameras) == {3, 6} and (query.modalities == 1).all()
    assert len(gallery) == 6775 and set(gallery.cameras) == {1, 2, 4, 5} and (gallery.modalities == 0).all()
    assert len(np.unique(np.concatenate([query.identities, gallery.identities]))) == 96
    assert table.size == (8, 4) and table.name == "sysu-mm01"


def test_rows_say_what_the_paths_say(whole):
    root, out = whole
    table, sources = open_dataset(out), manifest_sources(out)
    places = np.random.default_rng(0).choice(len(table), 200, replace=False)
    for place in places:
        camera, person, _ = sources[place].split("/")
        assert (f"cam{table.cameras[place]}", f"{table.identities[place]:04d}") == (camera, person)
        with Image.open(
            root / sources[place]
        ) as picture:  # 8x4 already: resizing to the same size changes nothing
            assert np.array_equal(table.gather([place])[0], np.asarray(picture))


def manifest_sources(out: Path) -> list[str]:
    lines = (out / "manifest.csv").read_text().splitlines()
    column = lines[0].split(",").index("source")
    return [line.split(",")[column] for line in lines[1:]]


def field_gallery(root: Path, cameras: tuple[str, ...], trial: int) -> set[str]:
    """The public code's way, from its description: global `random`, people, cameras, sorted names."""
    random.seed(trial)
    chosen = set()
    for person in sorted((root / "exp/test_id.txt").read_text().strip().split(","), key=int):
        for camera in cameras:
            folder = root / camera / f"{int(person):04d}"
            if folder.is_dir():
                chosen.add(
                    f"{camera}/{folder.name}/{random.choice(sorted(f.name for f in folder.iterdir()))}"
                )
    return chosen


@pytest.mark.parametrize(
    ("name", "cameras", "count"),
    [
        ("sysu-all-single", ("cam1", "cam2", "cam4", "cam5"), 301),
        ("sysu-indoor-single", ("cam1", "cam2"), 112),
    ],
)
def test_galleries_are_the_files_that_public_code_draws(whole, name, cameras, count):
    root, out = whole
    gallery, sources = open_dataset(out).gallery, np.array(manifest_sources(out))
    inside = np.flatnonzero(np.isin(gallery.cameras, PROTOCOLS[name].gallery_cameras))
    drawn = []
    for trial in (0, 1, 9):
        rows = inside[PROTOCOLS[name].gallery_of(trial, gallery.identities[inside], gallery.cameras[inside])]
        drawn.append(set(sources[gallery.indices[rows]]))
        assert len(drawn[-1]) == count
        assert drawn[-1] == field_gallery(root, cameras, trial)
    assert drawn[0] != drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("name", "count"), [("sysu-all-single", 301), ("sysu-indoor-single", 112), ("sysu-all-multi", 3010)]
)
def test_the_protocol_runs_on_it(whole, name, count, monkeypatch):
    table, shapes, score = open_dataset(whole[1]), [], evaluation.rank_metrics
    generator = np.random.default_rng(0)
    features = {
        split: generator.normal(size=(len(view), 4)).astype(np.float32)
        for split, view in (("query", table.query), ("gallery", table.gallery))
    }

    def watch(distance, **sides):
        shapes.append(distance.shape)
        return score(distance, **sides)

    monkeypatch.setattr(evaluation, "rank_metrics", watch)
    evaluation.evaluate(features, table, replace(PROTOCOLS[name], trials=1))
    assert shapes == [(3803, count)]


def test_dry_run_tells_the_counts_and_writes_nothing(whole, tmp_path, capsys):
    command = ["--root", str(whole[0]), "--out", str(tmp_path / "new"), "--dry-run"]
    assert main(prepare_sysu_mm01.source(), None, command) == 0
    said = capsys.readouterr().out
    assert "train          395    22,258    11,909" in said
    assert "query           96         0     3,803" in said
    assert "44,745 images would take 5.57 GB" in said
    assert list(tmp_path.iterdir()) == []


def test_one_image_missing_of_the_whole_set_is_named(whole, tmp_path, capsys):
    root = whole[0]
    victim = next(
        folder for folder in sorted((root / "cam4").iterdir()) if int(folder.name) in train_ids(root)
    )
    (victim / "0003.jpg").rename(tmp_path / "taken")
    try:
        assert (
            main(prepare_sysu_mm01.source(), None, ["--root", str(root), "--out", str(tmp_path / "x")]) == 2
        )
    finally:
        (tmp_path / "taken").rename(victim / "0003.jpg")
    said = capsys.readouterr().err
    assert "training images of camera 4: expected 5,811, found 5,810 (1 missing)" in said
    assert f"perhaps missing images (1): cam4/{victim.name}/0003.jpg" in said
    assert said.count("  - ") == 2


def train_ids(root: Path) -> set[int]:
    return {int(word) for word in (root / "exp/train_id.txt").read_text().strip().split(",")}


# --- a small one, broken in many ways -----------------------------------------------------------------------------

SMALL = Published(
    people={"exp/train_id.txt": 4, "exp/val_id.txt": 2, "exp/test_id.txt": 3},
    train=dict.fromkeys(range(1, 7), (12, 4)),
    test=dict.fromkeys(range(1, 7), (6, 3)),
)


@pytest.fixture
def root(tmp_path):
    return build_sysu(tmp_path, (4, 2, 3), SMALL.train, SMALL.test)


def run(root: Path, *options: str) -> int:
    command = ["--root", str(root), "--out", str(root.parent / "out"), "--size", "8x4", "--workers", "1"]
    return main(prepare_sysu_mm01.source(SMALL), None, [*command, *options])


def a_file(root: Path, camera: int = 1, number: int = 1) -> Path:
    return sorted((root / f"cam{camera}").glob(f"*/{number:04d}.jpg"))[0]


def fresh(path: Path) -> Path:
    """The path, with its link cut: damage must not reach the other links."""
    path.unlink()
    return path


def edit(name: str, change):
    """Damage that rewrites an index file's bytes."""
    return lambda root: (root / name).write_bytes(change((root / name).read_bytes()))


def cut(root: Path) -> None:
    whole = a_file(root).read_bytes()
    fresh(a_file(root)).write_bytes(whole[: len(whole) - 40])


def both_lists(root: Path) -> None:
    person = (root / "exp/val_id.txt").read_text().split(",")[0]
    text = (root / "exp/test_id.txt").read_text().split(",")
    (root / "exp/test_id.txt").write_text(",".join([person, *text[1:]]))


BROKEN = {
    "no camera folder": (lambda r: shutil.rmtree(r / "cam3"), ["folders that are missing (1): cam3"]),
    "a file for a folder": (
        lambda r: (shutil.rmtree(r / "cam3"), (r / "cam3").write_text("")),
        ["folders that cannot be read", "cam3 (Not a directory)"],
    ),
    "no list": (
        lambda r: (r / "exp/val_id.txt").unlink(),
        ["index files that are missing (1): exp/val_id.txt"],
    ),
    "empty list": (
        edit("exp/test_id.txt", lambda b: b"\n"),
        [
            "index files that are empty (1): exp/test_id.txt",
            "people in exp/test_id.txt: expected 3, found 0 (3 missing)",
        ],
    ),
    "a word in a list": (
        edit("exp/test_id.txt", lambda b: b"x7," + b),
        ["words in exp/test_id.txt that are no person number (1): 'x7'"],
    ),
    "a list in another encoding": (
        edit("exp/test_id.txt", lambda b: b"\xff\xfe" + b),
        ["index files that cannot be read (1): exp/test_id.txt"],
    ),
    "person named twice": (
        edit("exp/train_id.txt", lambda b: b.strip() + b"," + b.split(b",")[0]),
        ["people named twice in exp/train_id.txt (1): "],
    ),
    "person in two lists": (both_lists, ["people both in exp/val_id.txt and exp/test_id.txt (1): "]),
    "missing image": (
        lambda r: a_file(r, 2, 2).unlink(),
        ["images of camera 2: expected", "(1 missing)", "perhaps missing images (1): cam2/"],
    ),
    "missing person": (
        lambda r: shutil.rmtree(a_file(r, 5).parent),
        [
            "images of camera 5: expected",
            "people of camera 5: expected",
            "people without an image of camera 5, ",
        ],
    ),
    "person in other digits": (
        lambda r: a_file(r, 2).parent.rename(r / "cam2" / str(int(a_file(r, 2).parent.name))),
        ["person folders not named by four digits; rename them (1): cam2/", "(expected 00"],
    ),
    "a copied person": (
        lambda r: a_file(r, 2).parent.rename(r / "cam2" / f"{a_file(r, 2).parent.name} (1)"),
        [
            "people of camera 2: expected",
            "note: folders of people in none of the three lists",
            " (1): cam2/00",
            " (1)\n",
        ],
    ),
    "another case": (
        lambda r: [(r / f"cam{camera}").rename(r / f"Cam{camera}") for camera in (1, 2, 6)],
        [
            "folders spelled differently on disk; rename them (3): cam1 (there is Cam1), cam2 (there is Cam2), cam6"
        ],
    ),
    "lists in another case": (
        lambda r: (r / "exp/train_id.txt").rename(r / "exp/Train_ID.txt"),
        [
            "index files spelled differently on disk; rename them (1): exp/train_id.txt (there is exp/Train_ID.txt)"
        ],
    ),
    "copied image": (
        lambda r: shutil.copy(a_file(r), a_file(r).with_name("0001 (1).jpg")),
        ["images of camera 1: expected", "(1 too many)", "perhaps copies (1): cam1/", "0001 (1).jpg"],
    ),
    "zero bytes": (lambda r: fresh(a_file(r)).write_bytes(b""), ["zero-byte images (1): cam1/"]),
    "broken link": (
        lambda r: fresh(a_file(r)).symlink_to("nowhere.jpg"),
        ["images that cannot be read (1): cam1/", "No such file"],
    ),
    "truncated": (cut, ["damaged images (1): cam1/", "truncated"]),
    "text inside": (
        lambda r: fresh(a_file(r)).write_text("<html>not found</html>"),
        ["files that are no image inside (1): cam1/"],
    ),
    "16 bits": (
        lambda r: Image.fromarray(np.zeros((8, 4), np.uint16)).save(fresh(a_file(r)), format="PNG"),
        ["more than 8 bits per channel", "(1): cam1/", "mode I;16"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_damage_is_named_and_nothing_is_written(root, name, capsys):
    damage, messages = BROKEN[name]
    damage(root)
    assert run(root) == 2
    said = capsys.readouterr().err
    assert said.count("  - ") <= 3, "what follows from a missing list or folder is not told again"
    assert said.startswith("PreparationError: ") and "nothing was written" in said
    for message in messages:
        assert message in said
    assert sorted(path.name for path in root.parent.iterdir()) == ["SYSU-MM01", "pictures"]


def test_the_small_set_is_fine_without_damage(root, capsys):
    assert run(root) == 0
    assert len(open_dataset(root.parent / "out", verify=True)) == 6 * 12 + 6 * 6
    assert "note" not in capsys.readouterr().out


def test_people_who_are_gone_from_a_camera_are_named(root, capsys):
    listed = {
        int(word)
        for name in ("train_id", "val_id")
        for word in (root / f"exp/{name}.txt").read_text().split(",")
    }
    there = {int(folder.name) for folder in (root / "cam4").iterdir()} & listed
    lost = sorted(there)[-2:]
    for person in lost:
        shutil.rmtree(root / f"cam4/{person:04d}")
    names = ", ".join(f"cam4/{person:04d}" for person in sorted((listed - there) | set(lost)))
    assert run(root) == 2
    kind = f"training people without an image of camera 4, {len(listed - there)} of them as published"
    assert f"{kind} ({len(listed - there) + 2}): {names}" in capsys.readouterr().err


def test_the_folder_above_is_answered_with_the_right_one(root, capsys):
    assert (
        main(
            prepare_sysu_mm01.source(),
            None,
            ["--root", str(root.parent), "--out", str(root.parent / "x/out")],
        )
        == 2
    )
    assert f"but {root} does. Use --root {root}\n" in capsys.readouterr().err


def test_one_report_names_all_problems(root, capsys):
    for number, camera in enumerate((1, 2, 4, 5, 6)):
        for image in (1, 2)[: 1 + number % 2]:
            fresh(a_file(root, camera, image)).write_text("no image")
    (root / "exp/val_id.txt").unlink()
    assert run(root) == 2
    assert "no image inside" not in capsys.readouterr().err  # images are read only when the listing is right
    write = (root / "exp/val_id.txt").write_text
    listed = {int(p.name) for p in root.glob("cam*/*")}
    known = {
        int(w) for name in ("train_id", "test_id") for w in (root / f"exp/{name}.txt").read_text().split(",")
    }
    write(",".join(map(str, sorted(listed - known))))
    assert run(root) == 2
    said = capsys.readouterr().err
    assert "no image inside (7): cam" in said and "… and 2 more" in said


HARMLESS = {
    "Windows line ends": (edit("exp/test_id.txt", lambda b: b.strip() + b"\r\n"), "Windows line ends"),
    "byte order mark": (edit("exp/test_id.txt", lambda b: b"\xef\xbb\xbf" + b), "byte order mark"),
    "blanks": (edit("exp/test_id.txt", lambda b: b.replace(b",", b" , ")), ""),
    "upper case": (lambda r: a_file(r).rename(a_file(r).with_suffix(".JPG")), ""),
    "other files": (
        lambda r: (
            a_file(r).with_name("Thumbs.db").write_text("x"),
            a_file(r).with_name("._0001.jpg").write_text("x"),
        ),
        "no images, left out (2): cam1/",
    ),
    "another person": (lambda r: (r / "cam1/0999").mkdir(), "in none of the three lists"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_differences_are_read_and_noted(root, name, capsys):
    change, note = HARMLESS[name]
    change(root)
    assert run(root) == 0
    said = capsys.readouterr().out
    assert note in said
    assert len(open_dataset(root.parent / "out")) == 108


def test_unreadable_folder_is_named(root, monkeypatch, capsys):
    """The super-user may read everything, so the refusal is put in by hand."""
    closed = a_file(root, 2).parent
    scan = listing.os.scandir

    def refuse(path):
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(listing.os, "scandir", refuse)
    assert run(root) == 2
    assert (
        f"folders that cannot be read (1): cam2/{closed.name} (Permission denied)" in capsys.readouterr().err
    )
