"""Pictures of identity splitting and of MIE: one person's clusters, weights, splitting by camera pair, rules, maps.

Taught in: notebooks/04_mie.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from dmic.images import INTRA_STREAMS, ImageTable
from dmic.plots.style import (
    ACCENTS,
    COLORMAPS,
    COLORS,
    FONT_SIZES,
    MARKERS,
    draw_camera_pairs,
    frame_image,
    new_axes,
    new_canvas,
    new_panels,
    palette,
    show_image,
)

__all__ = [
    "RULES",
    "plot_cluster_map",
    "plot_maps",
    "plot_rules",
    "plot_splitting",
    "plot_weights",
    "splitting_matrix",
]

RULES = {  # rule of dmic.mie.expand -> colour, mark, line
    "vanilla": ("black", "x", ":"),
    "camera": (ACCENTS["sky"], "o", "-"),
    "modality": (ACCENTS["orange"], "^", "--"),
    "modality_camera": (ACCENTS["green"], "s", "-"),
}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def plot_cluster_map(
    table: ImageTable,
    labels: ArrayLike,
    person: int,
    ax: Axes | None = None,
    *,
    per_camera: int = 7,
    title: str = "",
) -> Axes:
    """Draw all images of one person, a camera a row, framed and lettered by cluster: how the person is split.

    Parameters
    ----------
    table : ImageTable
        n images; true identities are read, to look.
    labels : (n,) int
        Cluster of each image, -1 = not clustered.
    person
        Identity to show.
    ax
        Axes to draw on; a new figure if None.
    per_camera
        Most images shown of one camera.
    title
        Written above, with the number of clusters that hold this person.

    Returns
    -------
    Axes
        A is the cluster that holds most of this person's images; an outlier has a grey frame and a dash.

    Taught in: notebooks/04_mie.ipynb
    """
    mine, label = np.flatnonzero(table.identities == person), np.asarray(labels)
    names, sizes = np.unique(label[mine][label[mine] >= 0], return_counts=True)
    order = names[np.argsort(-sizes, kind="stable")].tolist()
    frames = palette()[:7]  # without its grey, yellow and pale blue
    pairs = sorted(set(zip(table.modalities[mine].tolist(), table.cameras[mine].tolist(), strict=True)))
    height, width = table.size
    step_x, step_y = 1.12 * width, 1.06 * height
    total = (per_camera * step_x, len(pairs) * step_y)
    ax = new_canvas(ax, total, inches=5.0, above=0.4)
    ax.set(xlim=(-2, total[0]), ylim=(total[1], -2))
    for row, (modality, camera) in enumerate(pairs):
        stream = INTRA_STREAMS[modality]
        middle, name = row * step_y + height / 2, f"camera {camera}\n{stream}"
        ax.text(-0.1 * width, middle, name, color=COLORS[stream], ha="right", va="center", fontsize="small")
        images = mine[table.cameras[mine] == camera][:per_camera]
        for place, (image, pixels) in enumerate(zip(images, table.gather(images), strict=True)):
            corner, color, letter = (place * step_x, row * step_y), COLORS["noise"], "–"
            if label[image] >= 0:
                rank = order.index(label[image])
                color, letter = frames[rank % len(frames)], _LETTERS[rank % len(_LETTERS)]
            show_image(ax, pixels, corner, (width, height))
            frame_image(ax, corner, (width, height), color, letter)
    held = f"{len(order)} cluster{'' if len(order) == 1 else 's'}"
    ax.set_title(f"{title} person {person} is in {held}".strip())
    return ax


def plot_weights(weights: Mapping[str, ArrayLike], members: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw how much each member of a neighbour list weighs, one row per rule, as fractions.

    Parameters
    ----------
    weights
        Rule -> (k2,) weights that sum to 1 (a row of ``mie.expansion_weights``, in the order of the list).
    members
        k2 names of the list's members.
    ax
        Axes to draw on; a new figure if None.

    Taught in: notebooks/04_mie.ipynb
    """
    ax = new_axes(ax, (1.0 + 0.95 * len(members), 0.7 + 0.55 * len(weights)))
    table = np.array([np.asarray(row, dtype=float) for row in weights.values()])
    texts = [[str(Fraction(float(w)).limit_denominator(999)) for w in row] for row in table]
    options = {"cmap": COLORMAPS["weight"], "vmin": 0, "vmax": 0.7, "linewidths": 1, "cbar": False}
    sns.heatmap(table, ax=ax, annot=texts, fmt="", xticklabels=members, yticklabels=list(weights), **options)
    ax.tick_params(length=0, rotation=0)
    ax.set(xlabel="member of the list (weight of its encoding)", ylabel="rule")
    return ax


def splitting_matrix(labels: ArrayLike, *, identities: ArrayLike, cameras: ArrayLike) -> NDArray[np.float64]:
    """Return, for each pair of cameras, the share of one person's image pairs that lie in two different clusters.

    Parameters
    ----------
    labels : (n,) int
        Clusters; -1 = not clustered, left out.
    identities, cameras : (n,) int

    Returns
    -------
    (c, c) float64
        Cameras in increasing order; 0-1, NaN where no person has such a pair. The diagonal is splitting within a
        camera. The same pairs as ``camera_splitting`` and ``modality_splitting`` of ``diagnostics.cluster_metrics``, apart.

    Notes
    -----
    With A the counts of (cluster and person) x camera, pairs that stay together are A^T A, less n on the diagonal.
    Taught in: notebooks/04_mie.ipynb
    """
    label = np.asarray(labels)
    columns = np.unique(np.asarray(cameras), return_inverse=True)[1]
    inside = label >= 0
    person, camera = np.asarray(identities)[inside], columns[inside]
    cameras_seen = int(columns.max()) + 1
    together = _pairs(np.stack([label[inside], person]), camera, cameras_seen)
    whole = _pairs(person[None], camera, cameras_seen)
    return np.divide(whole - together, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def plot_splitting(
    matrix: ArrayLike, cameras: ArrayLike, modalities: ArrayLike, ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """Draw ``splitting_matrix``, visible cameras first; white lines part the modalities.

    Parameters
    ----------
    matrix : (c, c)
    cameras, modalities : (c,) int
        Number and modality (0 visible, 1 infrared) of the camera of each row.
    ax
        Axes to draw on; a new figure if None.
    title
        Written above.

    Taught in: notebooks/04_mie.ipynb
    """
    ax = new_axes(ax, (4.4, 3.8))
    style = {"vmin": 0, "vmax": 1, "fmt": ".2f", "cmap": COLORMAPS["splitting"]}
    style |= {"annot_kws": {"size": FONT_SIZES["value"]}}
    draw_camera_pairs(ax, matrix, cameras, modalities, label="pairs split (share)", **style)
    ax.set(xlabel="camera", ylabel="camera", title=title)
    return ax


def plot_rules(
    x: ArrayLike,
    values: Mapping[str, ArrayLike],
    ax: Axes | None = None,
    *,
    xlabel: str,
    ylabel: str,
    legend: bool = True,
) -> Axes:
    """Draw one line per expansion rule.

    Parameters
    ----------
    x : (m,)
    values
        Rule -> (m,) numbers.
    ax
        Axes to draw on; a new figure if None.
    xlabel, ylabel
        What the axes mean, with the unit.
    legend
        False leaves the names out, for the second and third of a row of panels.

    Taught in: notebooks/04_mie.ipynb
    """
    ax = new_axes(ax, (4.6, 3.4))
    for rule, y in values.items():
        color, marker, line = RULES[rule]
        ax.plot(np.asarray(x), np.asarray(y), color=color, marker=marker, linestyle=line, label=rule)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if legend:
        ax.legend(loc="best", fontsize="small")
    return ax


def plot_maps(
    maps: Mapping[str, ArrayLike], identities: ArrayLike, cameras: ArrayLike, modalities: ArrayLike
) -> NDArray[np.object_]:
    """Draw the same images' maps, a row each, coloured by person, by camera and by modality.

    Parameters
    ----------
    maps
        Name -> (n, 2) coordinates, for example of ``plots.project``.
    identities, cameras, modalities : (n,) int
        Marks tell the modality everywhere: circles visible, triangles infrared.

    Returns
    -------
    (len(maps), 3) array of Axes

    Taught in: notebooks/04_mie.ipynb
    """
    labels = (identities, cameras, modalities)
    columns = dict(zip(("person", "camera", "modality"), map(np.asarray, labels), strict=True))
    panels = new_panels(None, (len(maps), 3), (11.0, 3.4 * len(maps)))
    axes = np.array(panels, dtype=object).reshape(len(maps), 3)
    for row, (name, points) in zip(axes, maps.items(), strict=True):
        place = np.asarray(points)
        for ax, (what, values) in zip(row, columns.items(), strict=True):
            for value, color in _value_colors(what, np.unique(values)).items():
                for modality, stream in enumerate(INTRA_STREAMS):
                    mine = place[(values == value) & (columns["modality"] == modality)]
                    label = stream if what == "modality" else str(value)
                    style = {"marker": MARKERS[stream], "linewidths": 0.2, "edgecolors": "white"}
                    ax.scatter(*mine.T, 16, color=[color], label=label if len(mine) else None, **style)
            ax.set(xticks=[], yticks=[], title=f"{name}, by {what}", xlabel="t-SNE 1 (no unit)")
            if what != "person":
                ax.legend(loc="best", fontsize="x-small", handletextpad=0.0, borderpad=0.1, labelspacing=0.2)
        row[0].set_ylabel("t-SNE 2 (no unit)")
    return axes


def _value_colors(what: str, values: NDArray[np.int64]) -> dict[int, str]:
    """Return a colour per value: the course's own for modalities, colour-blind safe for cameras, a wheel for people."""
    if what == "modality":
        return {value: COLORS[INTRA_STREAMS[value]] for value in values.tolist()}
    colors = palette(len(values)) if what == "camera" else sns.color_palette("husl", len(values)).as_hex()
    return dict(zip(values.tolist(), colors, strict=True))


def _pairs(groups: NDArray[np.int64], camera: NDArray[np.int64], cameras: int) -> NDArray[np.int64]:
    """Count the image pairs within groups, by camera pair: (c, c)."""
    group = np.unique(groups, axis=1, return_inverse=True)[1].ravel()
    counts = np.zeros((group.max(initial=-1) + 1, cameras), np.int64)
    np.add.at(counts, (group, camera), 1)
    return counts.T @ counts - np.diag(counts.sum(axis=0))
