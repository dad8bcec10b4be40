"""The floor below every score: ``python -m dmic.lab.floor DATA [DATA ...]`` says what finds people without any training.

Untrained features (``dmic.lab.untrained``: brightness of strips, outline, background, framing), chance, and the ImageNet start of
preset `toy`. A score means something by its distance from these. Three columns: across modalities by the data set's protocol, and
within each modality between different cameras. Hand-made features are standardised over each camera's test images, which needs no
identity; the nearest neighbour is Euclidean. Several folders (worlds of other seeds) give the mean and each.

Taught in: notebooks/01_people_and_cameras.ipynb
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dmic import backbone
from dmic.compute.embedding import embed
from dmic.config import preset
from dmic.evaluation.protocols import PROTOCOLS, Protocol, ProtocolError, protocol_by_name
from dmic.images import DatasetError, ImageTable, Modality, open_dataset
from dmic.lab.formats import named
from dmic.lab.results_file import made, summarise
from dmic.lab.searches import COLUMNS, Scores, chance, score, searches
from dmic.lab.untrained import UNTRAINED, measure_features, standardized
from dmic.storage.files import write_json
from dmic.storage.project import project_path

__all__ = [
    "LABELS",
    "default_protocol",
    "imagenet_start",
    "main",
    "measure",
    "numbers_of",
    "table_of",
]

LABELS = {"chance": "chance", **{name: feature.label for name, feature in UNTRAINED.items()}}
LABELS["imagenet"] = "ImageNet start (network)"
"""What the rows are called in tables and figures, in their order."""

Floor = dict[str, Scores]  # row of LABELS -> column -> rank1, mAP in percent


def default_protocol(table: ImageTable) -> Protocol:
    """Return the protocol whose name begins as the data set's does: ``synthvi`` for ``synthvi-toy``."""
    for name in PROTOCOLS:
        if name.partition("-")[0] == table.name.partition("-")[0]:
            return PROTOCOLS[name]
    raise ProtocolError(
        f"no protocol is named like the data set {table.name!r}; choose one with --protocol: {', '.join(PROTOCOLS)}"
    )


def imagenet_start(table: ImageTable) -> NDArray[np.float32]:
    """Embed a table, (n, d) float32 unit rows, by the network of preset `toy` before any training."""
    config = preset("toy")
    with torch.random.fork_rng():
        torch.manual_seed(config.training.seed)
        model = backbone.build(config.backbone).to(memory_format=torch.channels_last)
    return embed(model, table, batch=config.training.embed_batch)


def measure(table: ImageTable, protocol: Protocol | str | None = None, *, network: bool = False) -> Floor:
    """Measure the floor of a data set.

    Parameters
    ----------
    table : ImageTable
        A whole data set; its test images are used. Without masks, the features that need them are left out.
    protocol : Protocol or str, optional
        Of the column ``across``; None: `default_protocol`.
    network : bool
        Also score the ImageNet start, which takes most of the time.

    Returns
    -------
    dict
        Row (of `LABELS`) -> column (of `COLUMNS`) -> ``rank1`` and ``mAP`` in percent.

    Taught in: notebooks/01_people_and_cameras.ipynb
    """
    protocol = (
        protocol_by_name(protocol) if isinstance(protocol, str) else protocol or default_protocol(table)
    )
    test = table.select(table.splits != "train")
    found = searches(test, protocol)
    camera = 2 * test.cameras + test.modalities  # in LLCM, a camera's pictures by day and by night apart
    scores: Floor = {"chance": chance(test, found)}
    for name, features in measure_features(test).items():
        scores[name] = score(standardized(features, camera), test, found)
    if network:
        scores["imagenet"] = score(imagenet_start(test), test, found)
    return scores


def _in_common(worlds: Sequence[Floor]) -> list[Floor]:
    """Keep the rows and columns that every world has."""
    rows = [row for row in LABELS if all(row in world for world in worlds)]
    columns = [column for column in COLUMNS if all(column in world["chance"] for world in worlds)]
    return [{row: {column: world[row][column] for column in columns} for row in rows} for world in worlds]


def numbers_of(worlds: Sequence[Floor]) -> dict[str, Any]:
    """Return the numbers of a results file (``dmic.lab.report``).

    Parameters
    ----------
    worlds
        What `measure` returned for each data set.

    Returns
    -------
    dict
        Row -> column -> score -> mean and standard deviation over the worlds; under ``each`` the same with lists, one number a
        world. Rows and columns that a world lacks are left out.
    """
    worlds = _in_common(worlds)
    each = {
        row: {
            column: {key: [world[row][column][key] for world in worlds] for key in scores}
            for column, scores in columns.items()
        }
        for row, columns in worlds[0].items()
    }
    return {**summarise(worlds), "each": each}


def table_of(numbers: Mapping[str, Any], protocol: Protocol) -> dict[str, list[Any]]:
    """Return the table of a results file, ``head`` and ``rows`` of text with ``{path:format}``: the mean, and each of several worlds.

    Parameters
    ----------
    numbers
        As `numbers_of` returns them.
    protocol : Protocol
        Of the column ``across``.
    """
    query = Modality(protocol.query_modality)
    columns = {"across": f"{query.name} → {Modality(1 - query).name}".lower()}
    columns |= {column: f"{column} → {column}, other cameras" for column in COLUMNS[1:]}
    shown = [("across", "rank1", "Rank-1"), ("across", "mAP", "mAP")]
    shown += [(column, "rank1", "Rank-1") for column in COLUMNS[1:] if column in numbers["chance"]]
    several = len(numbers["each"]["chance"]["across"]["rank1"]) > 1

    def cell(path: str) -> str:
        """Ask for a number."""
        return f"{{{path}.mean:.1f}} ({{each.{path}:.1f}})" if several else f"{{{path}:.1f}}"

    rows = [
        [LABELS[row], *(cell(f"{row}.{column}.{key}") for column, key, _ in shown)]
        for row in LABELS
        if row in numbers
    ]
    return {
        "head": ["no training", *(f"{columns[column]}: {name} %" for column, _, name in shown)],
        "rows": rows,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dmic.lab.floor",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    file, protocols = project_path("results/floor.json"), ", ".join(PROTOCOLS)
    add = parser.add_argument
    add("data", type=Path, nargs="+", metavar="DATA", help="prepared data set folder")
    add("--protocol", help=f"{protocols} (default: the first one named like the first data set)")
    add("--no-network", action="store_true", help="leave out the ImageNet start: seconds instead of minutes")
    add(
        "--out",
        type=Path,
        nargs="?",
        const=file,
        metavar="FILE",
        help="results file; alone: results/floor.json",
    )
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; see the module's docstring."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        tables = [open_dataset(folder) for folder in chosen.data]
        protocol = protocol_by_name(chosen.protocol) if chosen.protocol else default_protocol(tables[0])
    except (DatasetError, ProtocolError) as error:
        parser.error(str(error))
    worlds = []
    for table in tables:
        if table.masks is None:
            left_out = ", ".join(feature.label for feature in UNTRAINED.values() if feature.needs_mask)
            print(f"{table.folder} has no masks.npy; left out: {left_out}")
        worlds.append(measure(table, protocol, network=not chosen.no_network))
    numbers = numbers_of(worlds)
    layout, names = table_of(numbers, protocol), vars(named(numbers))
    for line in (layout["head"], ["---"] * len(layout["head"]), *layout["rows"]):
        print(f"| {' | '.join(text.format(**names) for text in line)} |")
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        numbers["worlds"] = [{"name": t.name, "manifest_sha256": t.manifest_sha256} for t in tables]
        seeds = [table.info["made"]["seed"] for table in tables if "seed" in table.info["made"]]
        measured = {"floor": {**made(seeds), "numbers": numbers}}
        write_json(chosen.out, {"measured": measured, "tables": {"floor": layout}}, indent=1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("interrupted") from None
