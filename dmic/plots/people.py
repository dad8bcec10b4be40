"""Pictures of people: the sample sheet, ranked galleries, and maps of embeddings. Curves are in `curves`.

Taught in: notebooks/09_full_training.ipynb
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from dmic.evaluation import RankedGallery, ranked_gallery
from dmic.images import INTRA_STREAMS, ImageTable, open_dataset
from dmic.plots.style import (
    COLORMAPS,
    COLORS,
    FALSE_MATCH,
    FILLS,
    GREYS,
    MARKERS,
    TRUE_MATCH,
    draw_camera_pairs,
    frame_image,
    new_axes,
    new_canvas,
    set_style,
    show_image,
)

__all__ = ["plot_camera_matrix", "plot_embedding", "plot_people", "plot_ranked_gallery", "project"]


def plot_people(
    table: ImageTable,
    identities: Sequence[int] | None = None,
    ax: Axes | None = None,
    *,
    people: int = 5,
    per_camera: int = 2,
) -> Axes:
    """Draw a sample sheet: rows are people, columns cameras, visible cameras first.

    Parameters
    ----------
    table
        A view of a data set, for example `table.train`.
    identities
        Which people; by default the first `people` of those seen by the most cameras.
    ax
        Axes to draw on; a new figure if None.
    people
        How many people to choose when `identities` is None.
    per_camera
        Images side by side per person and camera, the first ones of the table.

    Returns
    -------
    Axes
        A grey cell says that this camera did not see this person.

    Taught in: notebooks/09_full_training.ipynb
    """
    if identities is None:
        identities = _most_seen(table, people)
    pairs = sorted(set(zip(table.modalities.tolist(), table.cameras.tolist(), strict=True)))
    height, width = table.size
    step_x, step_y = per_camera * width + 0.18 * width, 1.06 * height
    total = (len(pairs) * step_x, len(identities) * step_y)
    ax = new_canvas(ax, total, inches=9.0)
    for column, (modality, camera) in enumerate(pairs):
        left, stream = column * step_x, INTRA_STREAMS[modality]
        middle = left + per_camera * width / 2
        title = f"camera {camera}\n{stream}"
        ax.text(middle, -0.05 * height, title, color=COLORS[stream], ha="center", va="bottom", weight="bold")
        for row, person in enumerate(identities):
            shown = np.flatnonzero((table.identities == person) & (table.cameras == camera))[:per_camera]
            if not len(shown):
                _empty_cell(ax, (left, row * step_y), (per_camera * width, height), "not seen")
                continue
            for place, image in enumerate(table.gather(shown)):
                show_image(ax, image, (left + place * width, row * step_y), (width, height))
    for row, person in enumerate(identities):
        middle = row * step_y + height / 2
        ax.text(-0.15 * width, middle, f"person {person}", ha="right", va="center", rotation=90)
    return ax


def plot_ranked_gallery(table: ImageTable, ranked: RankedGallery, ax: Axes | None = None) -> Axes:
    """Draw queries and their ranked galleries, nearest first: true matches thick green with ✓, false ones thin red with ✗.

    Parameters
    ----------
    table
        The whole data set.
    ranked
        From `evaluation.ranked_gallery`; its indices are positions in `table`.
    ax
        Axes to draw on; a new figure if None.

    Taught in: notebooks/09_full_training.ipynb
    """
    height, width = table.size
    step_x, step_y, gap = 1.14 * width, 1.16 * height, 0.45 * width
    queries, top = ranked.gallery.shape
    ax = new_canvas(ax, ((top + 1) * step_x + gap, queries * step_y), inches=8.0)
    for row in range(queries):
        y, query = row * step_y, int(ranked.queries[row])
        show_image(ax, table.gather(np.array([query]))[0], (0, y), (width, height))
        about = f"person {table.identities[query]}\ncamera {table.cameras[query]}"
        ax.text(-0.12 * width, y + height / 2, about, ha="right", va="center", fontsize="small")
        for place in range(top):
            found, corner = int(ranked.gallery[row, place]), (gap + (place + 1) * step_x, y)
            if found < 0:
                _empty_cell(ax, corner, (width, height), "–")
                continue
            show_image(ax, table.gather(np.array([found]))[0], corner, (width, height))
            match = (TRUE_MATCH, "✓", 3.0) if ranked.correct[row, place] else (FALSE_MATCH, "✗", 1.0)
            frame_image(ax, corner, (width, height), *match[:2], linewidth=match[2])
    ax.text(width / 2, -0.06 * height, "query", ha="center", va="bottom", weight="bold")
    for place in range(top):
        x = gap + (place + 1) * step_x + width / 2
        ax.text(x, -0.06 * height, f"{place + 1}", ha="center", va="bottom")
    return ax


def plot_camera_matrix(
    rank1: ArrayLike, cameras: ArrayLike, modalities: ArrayLike, ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """Draw Rank-1 for every pair of cameras: queries from one (rows), gallery of the other (columns); visible first.

    Parameters
    ----------
    rank1 : (c, c) float
        Percent; NaN where there is no query, stays white.
    cameras, modalities : (c,) int
        Number and modality (0 visible, 1 infrared) of the camera of each row and column.
    ax
        Axes to draw on; a new figure if None.
    title
        Which embedding it is.

    Returns
    -------
    Axes
        The four blocks are visible → visible, visible → infrared, infrared → visible and infrared → infrared.
    """
    ax = new_axes(ax, (4.6, 4.0))
    style = {"vmin": 0, "vmax": 100, "fmt": ".0f", "cmap": COLORMAPS["score"]}
    draw_camera_pairs(ax, rank1, cameras, modalities, label="Rank-1 (%)", **style)
    ax.set(xlabel="gallery camera", ylabel="query camera", title=title)
    return ax


def project(features: ArrayLike, *, seed: int = 0) -> NDArray[np.float32]:
    """Return (n, 2) t-SNE coordinates of (n, d) unit features by cosine distance, the same on every call.

    Notes
    -----
    van der Maaten and Hinton, JMLR 2008. Distances between far groups in the picture mean nothing.
    Taught in: notebooks/09_full_training.ipynb
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    points = np.asarray(features, dtype=np.float32)
    perplexity = max(1.0, min(30.0, (len(points) - 1) / 3))
    reduce = TSNE(init="pca", metric="cosine", perplexity=perplexity, random_state=seed, n_jobs=1)
    with threadpool_limits(limits=1):  # sums in one order, whatever the number of cores
        return np.asarray(reduce.fit_transform(points), dtype=np.float32)


def plot_embedding(
    points: ArrayLike, labels: ArrayLike, modalities: ArrayLike, ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """Draw a map of embeddings: colour is the person, the mark its modality; a line joins a person's two centres.

    Parameters
    ----------
    points
        (n, 2) coordinates, for example from `project`.
    labels
        (n,) int, the person of each image; about twenty different ones can be told apart.
    modalities
        (n,) int, 0 visible (circles), 1 infrared (triangles).
    ax
        Axes to draw on; a new figure if None.
    title
        Written above.

    Returns
    -------
    Axes
        Short lines: visible and infrared images of one person lie together.

    Taught in: notebooks/09_full_training.ipynb
    """
    ax = new_axes(ax, (5.0, 4.6))
    place, person, codes = np.asarray(points), np.asarray(labels), np.asarray(modalities)
    people = np.unique(person)
    dark, light = sns.husl_palette(len(people), l=0.42), sns.husl_palette(len(people), l=0.66)
    colors = [(dark, light)[i % 2][i] for i in range(len(people))]  # neighbours in hue differ in lightness
    for color, name in zip(colors, people, strict=True):
        centres = []
        for modality, stream in enumerate(INTRA_STREAMS):
            mine = place[(person == name) & (codes == modality)]
            look: dict[str, Any] = {"marker": MARKERS[stream], "linewidths": 0.3, "edgecolors": "white"}
            ax.scatter(mine[:, 0], mine[:, 1], 22, color=[color], **look)
            centres += [np.median(mine, axis=0)] if len(mine) else []
        if len(centres) == 2:
            ax.plot(*np.array(centres).T, color=color, linewidth=1.4, alpha=0.7, zorder=0)
    ax.set(xticks=[], yticks=[], title=title, xlabel="t-SNE 1 (no unit)", ylabel="t-SNE 2 (no unit)")
    grey: dict[str, Any] = {"color": GREYS["strong"], "linestyle": ""}
    marks = [Line2D([], [], marker=MARKERS[stream], label=stream, **grey) for stream in INTRA_STREAMS]
    ax.legend(handles=marks, loc="best", handletextpad=0.1, borderpad=0.2, fontsize="small")
    return ax


def _most_seen(table: ImageTable, people: int) -> list[int]:
    """Return the first `people` of the identities that the most cameras saw."""
    pairs = np.unique(np.stack([table.identities, table.cameras]), axis=1)  # (2, pairs)
    names, cameras = np.unique(pairs[0], return_counts=True)
    best = names[np.argsort(-cameras, kind="stable")][:people]
    return sorted(best.tolist())


def _empty_cell(ax: Axes, corner: tuple[float, float], size: tuple[float, float], text: str) -> None:
    """Draw an empty cell with a word in it."""
    ax.add_patch(Rectangle(corner, *size, facecolor=FILLS["empty"], edgecolor="none"))
    centre = (corner[0] + size[0] / 2, corner[1] + size[1] / 2)
    ax.text(*centre, text, ha="center", va="center", color=GREYS["text"], fontsize="small")


def _draw_ranked(table: ImageTable, run: Path, protocol: str = "synthvi", queries: int = 4) -> None:
    """Draw the same queries before and after a run's training, side by side; they are spread evenly, not picked."""
    size = (11.5, 1.15 * queries)
    axes = plt.figure(figsize=size).subplots(1, 2)
    for ax, stage, title in zip(axes, ("start", "final"), ("before training", "after training"), strict=True):
        with np.load(run / "embeddings" / f"{stage}.npz") as stored:
            features = {side: stored[side] for side in ("query", "gallery")}
        chosen = np.linspace(0, len(table.query) - 1, queries + 2).astype(int)[1:-1]
        plot_ranked_gallery(table, ranked_gallery(features, table, protocol, chosen, top=8), ax)
        ax.set_title(title, pad=24)


def main(arguments: Sequence[str]) -> None:
    """Draw the README's figures: `python -m dmic.plots.people DATA_FOLDER FIGURE_FOLDER [RUN_FOLDER]`."""
    parser = argparse.ArgumentParser(
        prog="python -m dmic.plots.people",
        description="Draw the README's figures, synthvi.png and ranked.png.",
    )
    parser.add_argument("data", type=Path, help="data set folder of rendered people")
    parser.add_argument("figures", type=Path, help="folder for the figures")
    parser.add_argument("run", type=Path, nargs="?", help="a finished run on it, for ranked.png")
    options = parser.parse_args(arguments)
    data, folder = options.data, options.figures
    folder.mkdir(parents=True, exist_ok=True)
    set_style()
    table = open_dataset(data)
    draw: dict[str, Callable[[], object]] = {"synthvi.png": lambda: plot_people(table.train)}
    if options.run is not None:
        draw["ranked.png"] = lambda: _draw_ranked(table, options.run)
    for name, make in draw.items():
        make()
        plt.savefig(folder / name, dpi=85, bbox_inches="tight", pil_kwargs={"optimize": True})
        print(f"Wrote {folder / name}")


if __name__ == "__main__":
    main(sys.argv[1:])
