"""Pictures of identity splitting and of MIE: one person's clusters, weights, splitting by camera pair, rules, maps.

Taught in: notebooks/04_mie.ipynb
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from dmic.plots.curves import COLORS, MARKERS

if TYPE_CHECKING:
    from dmic.images import ImageTable

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
    "camera": ("#56B4E9", "o", "-"),
    "modality": ("#E69F00", "^", "--"),
    "modality_camera": ("#009E73", "s", "-"),
}
_NAMES = ("visible", "infrared")
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
    """Draw all images of one person, a camera a row, framed and lettered by cluster: who is split, and where.

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
    pairs = sorted(set(zip(table.modalities[mine].tolist(), table.cameras[mine].tolist(), strict=True)))
    height, width = table.size
    step_x, step_y = 1.12 * width, 1.06 * height
    total = (per_camera * step_x, len(pairs) * step_y)
    if ax is None:
        ax = plt.subplots(figsize=(5.0, 5.0 * total[1] / total[0] + 0.4))[1]
    for row, (modality, camera) in enumerate(pairs):
        side = _NAMES[modality]
        middle, name = row * step_y + height / 2, f"camera {camera}\n{side}"
        ax.text(-0.1 * width, middle, name, color=COLORS[side], ha="right", va="center", fontsize="small")
        images = mine[table.cameras[mine] == camera][:per_camera]
        for place, (image, pixels) in enumerate(zip(images, table.gather(images), strict=True)):
            x, y = place * step_x, row * step_y
            ax.imshow(pixels, extent=(x, x + width, y + height, y))
            _frame(ax, (x, y), (width, height), order.index(label[image]) if label[image] >= 0 else None)
    ax.set(xlim=(-2, total[0]), ylim=(total[1], -2), aspect="equal")
    ax.set_axis_off()
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
    if ax is None:
        ax = plt.subplots(figsize=(1.0 + 0.95 * len(members), 0.7 + 0.55 * len(weights)))[1]
    table = np.array([np.asarray(row, dtype=float) for row in weights.values()])
    texts = [[str(Fraction(float(w)).limit_denominator(999)) for w in row] for row in table]
    options = {"cmap": "Blues", "vmin": 0, "vmax": 0.7, "linewidths": 1, "cbar": False}
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
        camera. The same pairs as ``camera_splitting`` and ``modality_splitting`` of ``diagnostics.describe``, apart.

    Notes
    -----
    With A the counts of (cluster and person) x camera, pairs that stay together are A^T A, less n on the diagonal.
    Taught in: notebooks/04_mie.ipynb
    """
    label = np.asarray(labels)
    columns = np.unique(np.asarray(cameras), return_inverse=True)[1]
    inside = label >= 0
    person, camera = np.asarray(identities)[inside], columns[inside]
    together = _pairs(np.stack([label[inside], person]), camera, columns.max() + 1)
    whole = _pairs(person[None], camera, columns.max() + 1)
    return np.divide(whole - together, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def plot_splitting(
    matrix: ArrayLike, cameras: Sequence[int], modalities: Sequence[int], ax: Axes | None = None, *, title=""
) -> Axes:
    """Draw ``splitting_matrix``, visible cameras first; white lines part the modalities.

    Parameters
    ----------
    matrix : (c, c)
    cameras, modalities
        Number and modality (0 visible, 1 infrared) of each row.
    ax
        Axes to draw on; a new figure if None.
    title
        Written above.

    Taught in: notebooks/04_mie.ipynb
    """
    ax = ax if ax is not None else plt.subplots(figsize=(4.4, 3.8))[1]
    order = np.lexsort((cameras, modalities))
    names = [f"{cameras[i]} {_NAMES[modalities[i]][:3]}" for i in order]
    shown = np.asarray(matrix)[np.ix_(order, order)]
    style = {"vmin": 0, "vmax": 1, "annot": True, "fmt": ".2f", "cmap": "cividis_r", "square": True}
    labels = {"xticklabels": names, "yticklabels": names, "annot_kws": {"size": 8}}
    sns.heatmap(shown, ax=ax, cbar_kws={"label": "pairs split (share)"}, **style, **labels)
    border = int((np.asarray(modalities) == 0).sum())
    ax.axhline(border, color="white", linewidth=3)
    ax.axvline(border, color="white", linewidth=3)
    ax.tick_params(axis="y", rotation=0)
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
    ax = ax if ax is not None else plt.subplots(figsize=(4.6, 3.4))[1]
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
    person, camera, kind = (np.asarray(values) for values in (identities, cameras, modalities))
    columns = {"person": person, "camera": camera, "modality": kind}
    axes = plt.subplots(len(maps), 3, figsize=(11.0, 3.4 * len(maps)), squeeze=False)[1]
    for row, (name, points) in zip(axes, maps.items(), strict=True):
        place = np.asarray(points)
        for ax, (what, values) in zip(row, columns.items(), strict=True):
            palette = _palette(what, np.unique(values))
            for value, color in palette.items():
                for modality, side in enumerate(_NAMES):
                    mine = place[(values == value) & (kind == modality)]
                    label = side if what == "modality" else str(value)
                    style = {"marker": MARKERS[side], "linewidths": 0.2, "edgecolors": "white"}
                    ax.scatter(*mine.T, 16, color=[color], label=label if len(mine) else None, **style)
            ax.set(xticks=[], yticks=[], title=f"{name}, by {what}", xlabel="t-SNE 1 (no unit)")
            if what != "person":
                ax.legend(loc="best", fontsize="x-small", handletextpad=0.0, borderpad=0.1, labelspacing=0.2)
        row[0].set_ylabel("t-SNE 2 (no unit)")
    return axes


def _palette(what: str, values: NDArray[np.int64]) -> dict[int, str]:
    """Return a colour per value: the course's own for modalities, colour-blind safe for cameras, a wheel for people."""
    if what == "modality":
        return {value: COLORS[_NAMES[value]] for value in values.tolist()}
    colors = sns.color_palette("colorblind" if what == "camera" else "husl", len(values))
    return dict(zip(values.tolist(), colors.as_hex(), strict=True))


def _pairs(groups: NDArray[np.int64], camera: NDArray[np.int64], cameras: int) -> NDArray[np.int64]:
    """Count the image pairs within groups, by camera pair: (c, c)."""
    group = np.unique(groups, axis=1, return_inverse=True)[1].ravel()
    counts = np.zeros((group.max(initial=-1) + 1, cameras), np.int64)
    np.add.at(counts, (group, camera), 1)
    return counts.T @ counts - np.diag(counts.sum(axis=0))


def _frame(ax: Axes, corner: tuple[float, float], size: tuple[float, float], rank: int | None) -> None:
    """Frame an image in the colour of its cluster, with the letter; None is an outlier."""
    palette = sns.color_palette("colorblind").as_hex()[:7]  # without its grey, yellow and pale blue
    color = COLORS["noise"] if rank is None else palette[rank % 7]
    text = "–" if rank is None else _LETTERS[rank % 26]
    ax.add_patch(Rectangle(corner, *size, fill=False, edgecolor=color, linewidth=2.4))
    box = {"boxstyle": "round,pad=0.1", "facecolor": color, "edgecolor": "none"}
    at = (corner[0] + 0.8 * size[0], corner[1] + 0.12 * size[1])
    ax.text(*at, text, color="white", ha="center", va="center", fontsize=8, weight="bold", bbox=box)
