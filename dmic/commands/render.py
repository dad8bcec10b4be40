"""Render a data set of people under visible and near-infrared cameras; nothing is downloaded.

    dmic render toy                        # into data/synthvi-toy
    dmic render small --out DIR --seed 7 --world b --set images_per_walk=4

Everything behind the preset goes to data_scripts/render_synthvi.py; ``dmic render --help`` shows its options.
"""

from __future__ import annotations

from collections.abc import Sequence

from dmic.storage.project import load_renderer, project_path

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Run ``dmic render``; returns the exit status of the renderer."""
    words = list(arguments)
    renderer = load_renderer()
    if words and not words[0].startswith("-"):
        words = ["--preset", *words]
    asked_for_help = {"-h", "--help"} & set(words)
    if not asked_for_help and not any(word.split("=")[0] == "--out" for word in words):
        preset = renderer.parse([*words, "--out", "."], "dmic render").preset
        words += ["--out", str(project_path(f"data/synthvi-{preset}"))]
    status: int = renderer.main(words, "dmic render")
    return status
