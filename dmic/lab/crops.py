"""What crops are like: ``python -m dmic.lab.crops DATA [DATA ...]`` says how bright, how clipped, how large and how well boxed they are.

The same for rendered and real people, in each modality: 5 %, 50 % and 95 % quantiles over images. What a folder does not know (size
and box in the camera's frame: no set of real people keeps them; pixels of the person: no masks) is left out. Several folders stand
side by side. A filter that overshoots, as Lanczos', with which real sets are prepared, makes more white pixels than these images' bilinear one.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dmic.images import DatasetError, ImageTable, Modality, open_dataset
from dmic.lab.results_file import made
from dmic.storage.files import write_json
from dmic.storage.project import project_path

__all__ = ["LABELS", "main", "measure", "table_of"]

QUANTILES = {"low": 0.05, "middle": 0.5, "high": 0.95}
WHITE, BLACK = 254, 4  # values from which on, and up to which, a pixel counts as clipped or black
CHUNK = 64  # images in memory at once

LABELS = {
    "brightness": ("brightness of the image, 0 to 1", "{:.2f}"),
    "person": ("brightness of the person, 0 to 1", "{:.2f}"),
    "contrast": ("person minus surroundings", "{:.2f}"),
    "clipped": ("pixels that are white, %", "{:.1f}"),
    "black": ("pixels that are black, %", "{:.1f}"),
    "filled": ("pixels that show the person, %", "{:.0f}"),
    "native_height": ("rows of the box in the camera's frame", "{:.0f}"),
    "box_overlap": ("overlap of the box with the tightest one", "{:.2f}"),
    "hidden": ("share of the person hidden by others, %", "{:.0f}"),
    "outside": ("share of the person outside the box, %", "{:.0f}"),
}
"""Row of the table -> what it is called, and how its numbers are written."""
ANNOTATED = {
    "native_height": 1.0,
    "box_overlap": 1.0,
    "hidden": 100.0,
    "outside": 100.0,
}  # columns of the manifest
Measured = dict[str, dict[str, dict[str, float]]]  # row of LABELS -> modality -> quantile


def _of_pixels(table: ImageTable) -> dict[str, NDArray[np.float64]]:
    """Numbers of every image that its pixels say, (images,) each."""
    found: dict[str, list[float]] = {name: [] for name in ("brightness", "clipped", "black")}
    if table.masks is not None:
        found |= {name: [] for name in ("person", "contrast", "filled")}
    for start in range(0, len(table), CHUNK):
        rows = slice(start, start + CHUNK)
        images = np.asarray(table.images[rows])
        gray = images @ np.array([0.299, 0.587, 0.114]) / 255
        found["brightness"] += gray.mean((1, 2)).tolist()
        found["clipped"] += (100 * (images.max(3) >= WHITE).mean((1, 2))).tolist()
        found["black"] += (100 * (images.max(3) <= BLACK).mean((1, 2))).tolist()
        if table.masks is None:
            continue
        for one, mask in zip(gray, table.masks[rows], strict=True):
            person = one[mask].mean() if mask.any() else np.nan
            found["person"].append(person)
            found["contrast"].append(person - one[~mask].mean() if not mask.all() else np.nan)
            found["filled"].append(100 * mask.mean())
    return {name: np.array(values) for name, values in found.items()}


def _of_manifest(table: ImageTable) -> dict[str, NDArray[np.float64]]:
    """Numbers of every image that its annotations say, (images,) each; only columns that the manifest has."""
    with (Path(str(table.folder)) / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    known = [name for name in ANNOTATED if name in rows[0]]
    return {name: ANNOTATED[name] * np.array([float(row[name]) for row in rows]) for name in known}


def measure(table: ImageTable) -> Measured:
    """Measure the images of a whole data set.

    Parameters
    ----------
    table : ImageTable
        As `open_dataset` returns it.

    Returns
    -------
    dict
        Row (of `LABELS`) -> ``visible`` or ``infrared`` -> ``low``, ``middle``, ``high`` (5 %, 50 %, 95 % quantile). Rows that the
        folder cannot tell are left out.
    """
    values = _of_pixels(table) | _of_manifest(table)
    return {
        name: {
            modality.name.lower(): {
                level: float(np.nanquantile(values[name][table.modalities == modality], share))
                for level, share in QUANTILES.items()
            }
            for modality in Modality
            if (table.modalities == modality).any()
        }
        for name in LABELS
        if name in values
    }


def table_of(worlds: Mapping[str, Measured]) -> dict[str, list[Any]]:
    """Return a table of text, ``head`` and ``rows``: one column a data set and modality, "5 % · median · 95 %"."""
    columns = [(name, modality) for name, world in worlds.items() for modality in next(iter(world.values()))]
    rows = []
    for label, (text, shape) in LABELS.items():
        known = [worlds[name].get(label, {}).get(modality) for name, modality in columns]
        if any(known):
            rows.append([text, *(_cell(levels, shape) for levels in known)])
    head = ["5 % · median · 95 % of images", *(f"{name}, {modality}" for name, modality in columns)]
    return {"head": head, "rows": rows}


def _cell(levels: dict[str, float] | None, shape: str) -> str:
    """Write three quantiles."""
    return " · ".join(shape.format(value) for value in levels.values()) if levels else "unknown"


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m dmic.lab.crops",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, nargs="+", metavar="DATA", help="prepared data set folder")
    file = project_path("results/crops.json")
    parser.add_argument(
        "--out",
        type=Path,
        nargs="?",
        const=file,
        metavar="FILE",
        help="results file; alone: results/crops.json",
    )
    chosen = parser.parse_args(arguments)
    try:
        tables = [open_dataset(folder) for folder in chosen.data]
    except DatasetError as error:
        parser.error(str(error))
    worlds = {
        folder.resolve().name: measure(table) for folder, table in zip(chosen.data, tables, strict=True)
    }
    layout = table_of(worlds)
    for line in (layout["head"], ["---"] * len(layout["head"]), *layout["rows"]):
        print(f"| {' | '.join(line)} |")
    if chosen.out:
        seeds = [table.info["made"]["seed"] for table in tables if "seed" in table.info["made"]]
        sets = [{"name": table.name, "manifest_sha256": table.manifest_sha256} for table in tables]
        measured = {"crops": {**made(seeds), "numbers": {"crops": worlds, "sets": sets}}}
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        write_json(chosen.out, {"measured": measured, "tables": {"crops": layout}}, indent=1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("interrupted") from None
