"""Where things are in a checkout of the repository, whatever folder a command or a notebook starts in."""

from __future__ import annotations

import importlib
import json
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from dmic.presets import RENDERED
from dmic.storage.checking import near_names
from dmic.storage.dataset_folder import DatasetError

__all__ = [
    "default_data_folder",
    "ensure_data",
    "git_commit",
    "load_renderer",
    "project_path",
    "project_root",
]


def project_root() -> Path | None:
    """Return the folder that holds ``pyproject.toml`` and ``dmic/``: around the working folder, else around this file."""
    for place in (Path.cwd(), *Path.cwd().parents, Path(__file__).resolve().parents[2]):
        if (place / "pyproject.toml").is_file() and (place / "dmic").is_dir():
            return place
    return None


def project_path(path: str | Path) -> Path:
    """Return ``path`` as an absolute path; a relative one starts at the project's root, wherever the kernel runs.

    Parameters
    ----------
    path
        Absolute, or relative to the project's root; without a checkout, to the working folder. JupyterLab starts kernels
        in ``notebooks/``, papermill in the folder it is called from: both see the same files this way.
    """
    path = Path(path).expanduser()
    return path if path.is_absolute() else (project_root() or Path.cwd()) / path


def default_data_folder(preset: str) -> Path:
    """Return where a preset's images are kept: ``data/synthvi-toy`` for rendered people, ``data/regdb`` for others."""
    return project_path(f"data/synthvi-{preset}" if preset in RENDERED else f"data/{preset}")


def load_renderer(name: str = "render_synthvi") -> ModuleType:
    """Import ``data_scripts.render_synthvi``, or another module of ``data_scripts``, from the checkout.

    Raises
    ------
    DatasetError
        If there is none: a package that was installed from a wheel has no renderer.
    """
    root = project_root()
    if root is None or not (root / "data_scripts" / "render_synthvi.py").is_file():
        raise DatasetError(
            "people are rendered by data_scripts/, which comes with the repository, not with the installed package: run this "
            "in a clone of the repository, or give a prepared data set folder"
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    return importlib.import_module(f"data_scripts.{name}")


def ensure_data(data_root: str | Path, *, preset: str) -> Path:
    """Return the data set folder as an absolute path, rendering people if the preset's own place has none yet, or old ones.

    Parameters
    ----------
    data_root
        A prepared data set folder; relative paths start at the project's root.
    preset
        Those of ``presets.RENDERED`` are rendered into `default_data_folder` when missing or made by another version of the
        renderer, and nowhere else: another folder that is not there is a mistyped name, or somebody wants other people.
        Other data sets cannot be made, only prepared.

    Raises
    ------
    DatasetError
        If the folder is missing or of another version and not to be rendered here, or rendering failed.
    """
    folder = project_path(data_root)
    own_place = preset in RENDERED and folder.resolve() == default_data_folder(preset).resolve()
    by_hand = f"dmic render {preset} --out {shlex.quote(str(folder))}"
    if (folder / "dataset.json").is_file():
        made = _how_made(folder)
        if made is None:
            return folder
        current = load_renderer("synthvi").GENERATOR_VERSION
        if made.version == current:
            if preset in RENDERED and made.preset != preset:
                print(f"note: {folder} holds people of preset {made.preset}, not {preset}", flush=True)
            return folder
        outdated = f"{folder} was rendered by version {made.version}, now there is {current}"
        if not own_place or (made.preset, made.seed, made.world) != (preset, 0, "a"):
            raise DatasetError(
                f"{outdated}: other people, and other numbers than the pages say. For new people: dmic render "
                f"{made.preset} --out {shlex.quote(str(folder))} --force (and the --seed, --world and --set that it was made with)"
            )
        print(f"{outdated}: rendering them anew, once, about a minute ...", flush=True)
        return _render(preset, folder, f"{by_hand} --force")
    if preset not in RENDERED:
        raise DatasetError(
            f"no data set in {folder}{_near(folder)}; {preset} needs your own copy, prepared by the scripts of the repository "
            "(data_scripts/)"
        )
    if not own_place:
        raise DatasetError(
            f"no data set in {folder}{_near(folder)}; to render people there: {by_hand} (only "
            f"{default_data_folder(preset)} is rendered by itself)"
        )
    print(
        f"No data in {data_root} yet: rendering people (preset {preset}), once, about a minute ...",
        flush=True,
    )
    return _render(preset, folder, by_hand)


def _render(preset: str, folder: Path, by_hand: str) -> Path:
    """Render a preset into a folder, replacing what is there if ``by_hand``, the command to say on failure, does."""
    command = [sys.executable, "-m", "dmic", "render", preset, "--out", str(folder)]
    command += ["--force"] * by_hand.endswith(" --force")
    done = subprocess.run(command, capture_output=True, text=True, cwd=project_root())
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise DatasetError(f"rendering failed: {last}; run {by_hand} by hand to see all")
    return folder


def _near(folder: Path) -> str:
    """Data sets that may have been meant: those in this folder, else those beside it."""
    inside, beside = (
        sorted(file.parent.name for file in place.glob("[!.]*/dataset.json"))
        for place in (folder, folder.parent)
    )
    if inside:
        return f", but in it: {', '.join(inside)}"
    return f" ({near_names(folder.name, beside, what='data set')})" if beside else ""


class _Made(NamedTuple):
    """How a folder's people were rendered."""

    preset: str
    version: str
    seed: int
    world: str


def _how_made(folder: Path) -> _Made | None:
    """Read how people were rendered; None if they were not, or here is no renderer."""
    try:
        made = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))["made"]
        world = dict(made.get("world", {})).get("name", "a")
        found = _Made(made["preset"], made["generator_version"], made["seed"], world)
        load_renderer("synthvi")
    except (ValueError, KeyError, TypeError, DatasetError):
        return None  # whether it is a data set at all, `open_dataset` says
    return found


def git_commit() -> tuple[str | None, bool]:
    """Return the commit that this code is a checkout of, or None, and whether tracked files differ from it."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        """Run git here; without git or a checkout, an empty answer."""
        try:
            done = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=False)
        except OSError:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    return git("rev-parse", "HEAD") or None, bool(git("status", "--porcelain", "--untracked-files=no"))
