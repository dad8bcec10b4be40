"""The first half of the method as loops over sets: slow, dense, straight from the equations; only tests use it.

Neighbour lists are lists of indices, self first. Nothing here imports ``dmic``.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

RULES = {
    "vanilla": (),
    "camera": ("cameras",),
    "modality": ("modalities",),
    "modality_camera": ("modalities", "cameras"),
}


@st.composite
def points(draw, min_size=2, max_size=60):
    """Unit rows around a few centres: tight or loose, tiny clusters, and now and then exact duplicates."""
    n = draw(st.integers(min_size, max_size))
    dim = draw(st.integers(2, 6))
    centres = draw(st.integers(1, 8))
    spread = draw(st.sampled_from([0.05, 0.3, 1.0]))
    duplicates = draw(st.sampled_from([0.0, 0.3]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.normal(size=(centres, dim))[rng.integers(0, centres, n)] + spread * rng.normal(size=(n, dim))
    copies = np.flatnonzero(rng.random(n) < duplicates)
    x[copies] = x[rng.integers(0, n, len(copies))]
    return unit(x)


def unit(x):
    """Rows of length 1, float32."""
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def neighbor_lists(features, k):
    """Self, then the others by falling cosine, equal ones by index."""
    cosine = features.astype(np.float64) @ features.astype(np.float64).T
    lists = []
    for i in range(len(features)):
        others = [j for j in range(len(features)) if j != i]
        lists.append([i, *sorted(others, key=lambda j: (-cosine[i, j], j))][:k])
    return np.array(lists)


def reciprocal(lists, k):
    """R(i, k): j is in i's top-k list and i is in j's."""
    top = [set(row[:k]) for row in np.asarray(lists).tolist()]
    return [{j for j in top[i] if i in top[j]} for i in range(len(top))]


def half(k1):
    """k1 / 2 rounded, halves to the even number, plus 1 for the point itself."""
    whole, rest = divmod(k1, 2)
    return whole + (1 if rest and whole % 2 else 0) + 1


def expanded(lists, k1):
    """R*(i): R(i, k1) and each R(q, half) of a member q that lies in R(i, k1) by more than two thirds."""
    full, small = reciprocal(lists, k1), reciprocal(lists, half(k1))
    result = []
    for own in full:
        grown = set(own)
        for q in own:
            if 3 * len(own & small[q]) > 2 * len(small[q]):
                grown |= small[q]
        result.append(grown)
    return result


def encode(features, lists, k1):
    """D (n, n): softmax of -M(i, j) = 2 cos(f_i, f_j) - 2 over j in R*(i), 0 elsewhere (Eq. 1-2)."""
    x = features.astype(np.float64)
    encoding = np.zeros((len(x), len(x)))
    for i, members in enumerate(expanded(lists, k1)):
        for j in members:
            encoding[i, j] = np.exp(-(2 - 2 * x[i] @ x[j]))
        encoding[i] /= encoding[i].sum()
    return encoding


def expand(encoding, lists, k2, rule, labels):
    """Eq. 3 and 6-7: the mean of the listed rows, or means of means over the groups that RULES names."""
    return np.stack([_mean(encoding, row[:k2], [labels[x] for x in RULES[rule]]) for row in lists])


def _mean(rows, members, levels):
    if not levels:
        return sum(rows[j] for j in members) / len(members)
    groups = {}
    for j in members:
        groups.setdefault(int(levels[0][j]), []).append(j)
    return sum(_mean(rows, group, levels[1:]) for group in groups.values()) / len(groups)


def jaccard(encoding):
    """J (n, n): 1 - sum of minima / sum of maxima (Eq. 4-5)."""
    n = len(encoding)
    distance = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            a, b = encoding[i], encoding[j]
            distance[i, j] = 1 - np.minimum(a, b).sum() / np.maximum(a, b).sum()
    return distance


def dbscan(distance, eps, min_samples):
    """Clusters grow from the cores, the lowest index first; whoever a core reaches first joins; -1 = noise."""
    near = [np.flatnonzero(row <= eps).tolist() for row in distance]
    labels, clusters = [-1] * len(near), 0
    for start in range(len(near)):
        if labels[start] >= 0 or len(near[start]) < min_samples:
            continue
        labels[start], reached = clusters, [start]
        for i in reached:  # grows while we walk
            if len(near[i]) >= min_samples:
                fresh = [j for j in near[i] if labels[j] < 0]
                reached += fresh
                for j in fresh:
                    labels[j] = clusters
        clusters += 1
    return np.array(labels)
