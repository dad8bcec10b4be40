"""Train here, score there: ``python -m dmic.lab.transfer TRAIN TEST`` trains on one data set and tests on another one's people.

    python -m dmic.lab.transfer data/synthvi-sysu-shaped data/sysu-mm01 --preset sysu-mm01 --run runs/shaped

Training sees nothing of TEST. The same command goes on where it stopped, and a finished run is only scored. Prints, for each protocol
of TEST's name, the ImageNet start's scores and the trained network's.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from dmic import backbone
from dmic.compute.embedding import embed
from dmic.config import Config, ConfigError, preset, with_overrides
from dmic.evaluation import evaluate
from dmic.evaluation.protocols import PROTOCOLS
from dmic.images import DatasetError, ImageTable, open_dataset
from dmic.training import fit

__all__ = ["main", "protocols_of", "score"]


def protocols_of(table: ImageTable) -> list[str]:
    """Names of the protocols whose name begins as the data set's does: ``sysu-…`` for ``sysu-mm01``."""
    return [name for name in PROTOCOLS if name.partition("-")[0] == table.name.partition("-")[0]]


def score(
    model: backbone.Backbone, table: ImageTable, protocols: list[str], *, batch: int
) -> dict[str, dict[str, float]]:
    """Score a network on the test images of a table.

    Parameters
    ----------
    model : Backbone
        In evaluation mode; images are resized as it was trained.
    table : ImageTable
        A whole data set.
    protocols : list of str
        See `protocols_of`.
    batch : int
        Images at once.

    Returns
    -------
    dict
        Protocol -> rank1, rank10, rank20, mAP, mINP in percent.
    """
    features = {split: embed(model, getattr(table, split), batch=batch) for split in ("query", "gallery")}
    return {name: dict(evaluate(features, table, PROTOCOLS[name]).mean) for name in protocols}


def _start(config: Config, like: backbone.Backbone) -> backbone.Backbone:
    """Build the network as training began, with size, device and precision of the trained one."""
    torch.manual_seed(config.training.seed)
    model = backbone.build(config.backbone).to(memory_format=torch.channels_last).eval()
    model.size, model.bf16 = like.size, like.bf16
    return model.to(next(like.parameters()).device)


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Run the command line; returns stage -> protocol -> scores."""
    parser = argparse.ArgumentParser(
        prog="python -m dmic.lab.transfer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("train", type=Path, metavar="TRAIN", help="prepared data set folder to train on")
    add("test", type=Path, metavar="TEST", help="prepared data set folder whose test people are searched")
    add("--preset", default="sysu-mm01", help="of the training (default: sysu-mm01)")
    add("--run", type=Path, required=True, help="run folder")
    add("--overrides", type=json.loads, default={}, metavar="JSON", help="changed fields as one JSON object")
    chosen = parser.parse_args(arguments)
    try:
        table, other = open_dataset(chosen.train), open_dataset(chosen.test)
        config = with_overrides(preset(chosen.preset), chosen.overrides)
    except (DatasetError, ConfigError) as error:
        parser.error(str(error))
    protocols = protocols_of(other)
    if not protocols:
        parser.error(
            f"no protocol is named like the data set {other.name!r}; there are: {', '.join(PROTOCOLS)}"
        )
    batch = config.training.embed_batch
    trained = fit(config, table, run_dir=chosen.run).model
    networks = {"ImageNet start": _start(config, trained), f"trained on {table.name}": trained}
    stages = {stage: score(model, other, protocols, batch=batch) for stage, model in networks.items()}
    print(f"| {other.name} | protocol | Rank-1 % | Rank-10 % | mAP % | mINP % |\n|---|---|---|---|---|---|")
    for stage, found in stages.items():
        for name, scores in found.items():
            shown = " | ".join(f"{scores[key]:.2f}" for key in ("rank1", "rank10", "mAP", "mINP"))
            print(f"| {stage} | {name} | {shown} |")
    return stages


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("interrupted; the same command goes on") from None
