"""Worker processes of the renderer: order, shared frames, what is on disk meanwhile, and how they end."""

import os
import signal
import time
from contextlib import closing

import numpy as np
import psutil
import pytest

from data_scripts.synthvi import dataset, world

WORLD, PRESET = world.World(), world.PRESETS["tiny"]
BROKEN, FULL, DEADLY = (
    66,
    77,
    88,
)  # seeds of worlds in which a person cannot be rendered, or kept, or kills who tries


class Studio:
    """Frames and people that say who made them from what; imported by each worker process."""

    def __init__(self, seed, world, preset, traced=None):
        self.seed, self.traced = seed, traced
        dataset.render_person = render_person

    def trace(self, number):
        return np.full((2, 2, 5), self.seed + number, np.float32)

    def place_picture(self, number):
        return np.load(self.traced / f"{number}.npy", mmap_mode="r") if self.traced else self.trace(number)


def render_person(studio, person):
    """The sum of all frames and who it is."""
    if studio.seed == BROKEN and person == 3:
        raise ValueError("no such person")
    if studio.seed == FULL and person == 3:
        raise OSError(28, "No space left on device")
    if studio.seed == DEADLY and person == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if person == 1 and studio.traced:  # until the other process has rendered somebody, however late it starts
        end = time.monotonic() + 60
        while not (studio.traced / "person-2.pickle").exists() and time.monotonic() < end:
            time.sleep(0.01)
    light = sum(studio.place_picture(number).sum() for number in world.CAMERAS)
    return dataset.Rendered(
        np.full((2, 4, 2, 3), person, np.uint8),
        np.ones((2, 4, 2), bool),
        [{"light": light, "by": os.getpid()}],
    )


@pytest.fixture(autouse=True)
def fake(monkeypatch):
    monkeypatch.setattr(dataset, "Studio", Studio)
    monkeypatch.setattr(dataset, "render_person", render_person)
    yield
    assert not [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


def render_all(folder, workers, seed=1):
    return dataset.render_all(seed, WORLD, PRESET, workers, folder)


def test_people_come_in_order_from_several_processes_that_share_frames(tmp_path):
    alone, together = (list(render_all(tmp_path, workers)) for workers in (1, 2))
    assert [int(person.images[0, 0, 0, 0]) for person in together] == list(dataset.people(PRESET))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.images, other.images) and one.rows[0]["light"] == other.rows[0]["light"]
    assert {person.rows[0]["by"] for person in alone} == {os.getpid()}
    assert len({person.rows[0]["by"] for person in together} - {os.getpid()}) == 2
    assert list(tmp_path.iterdir()) == []


def test_people_nobody_asked_for_do_not_pile_up(tmp_path):
    with closing(render_all(tmp_path, 2)) as people:
        next(people)
        end = time.monotonic() + 60
        while len(list(tmp_path.glob("*/person-*"))) < 5 and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.3)  # enough to render all others
        assert len(list(tmp_path.glob("*/person-*"))) == 5  # four ahead, and the one that is looked at
        assert {path.name for path in tmp_path.glob("*/*.npy")} == {f"{n}.npy" for n in world.CAMERAS}
    assert list(tmp_path.iterdir()) == []


def test_what_goes_wrong_in_a_worker_is_said_here(tmp_path):
    with pytest.raises(ValueError, match="no such person"):
        list(render_all(tmp_path, 2, seed=BROKEN))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("seed", "hint"), [(DEADLY, "Try fewer --workers than 2"), (FULL, "No space .* more room")]
)
def test_a_killed_worker_and_a_full_disk_end_all(tmp_path, seed, hint):
    with pytest.raises(dataset.WorkerError, match=hint):
        list(render_all(tmp_path, 2, seed=seed))
    assert list(tmp_path.iterdir()) == []


def test_where_nobody_watches_progress_is_lines(capsys):
    bar = dataset.Progress(40, seconds=0.0)
    for _ in range(4):
        bar(10)
    bar.close()
    out, err = capsys.readouterr()
    assert err == "" and [line.split(",")[0] for line in out.splitlines()] == [
        f"rendered {done}/40 images" for done in (10, 20, 30, 40)
    ]
