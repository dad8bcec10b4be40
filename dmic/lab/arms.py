"""The recipes that are compared: each arm of the ablations, as the fields in which it differs from the preset.

Taught in: notebooks/08_ablations.ipynb
"""

from __future__ import annotations

from typing import Any

__all__ = ["ARMS", "PHASE2_ONLY"]

_VANILLA = {"clustering.expansion_intra": "vanilla", "clustering.expansion_joint": "vanilla"}
_STATIC = {
    "clustering.dynamic": False,
    "clustering.k2_start": 6,
}  # one eps, one k2, as Cluster Contrast and its heirs
ARMS: dict[str, dict[str, Any]] = {
    "dmic": {},
    "vanilla": {**_VANILLA, **_STATIC, "clustering.k2_joint": 6},
    "dnc": _VANILLA,
    "mie": _STATIC,
    "cluster_intra": {"loss.joint_weight": 0.0, "loss.instance_weight_intra": 0.0},
    "continued": {"loss.joint_weight": 0.0},
    "cluster_joint": {"loss.instance_weight": 0.0},
    "momentum": {"loss.memory_update": "momentum", "loss.momentum": 0.1},
    "slow_momentum": {"loss.memory_update": "momentum", "loss.momentum": 0.9},
    "camera": {"clustering.expansion_joint": "camera"},
    "modality": {"clustering.expansion_joint": "modality"},
    "supervised": {"clustering.label_source": "identities"},
}
"""Arm -> its overrides of the preset.

Clustering: ``vanilla`` uses one eps and one k2 for all clusterings, as the methods before DMIC do; ``dnc`` differs from
``dmic`` in the expansion alone, ``mie`` in the schedules alone; ``camera`` and ``modality`` in the joint expansion. Losses:
``cluster_intra`` has the intra cluster losses alone, ``continued`` adds the intra instance losses (phase 1 going on),
``cluster_joint`` adds the joint cluster loss to that, ``dmic`` has all four. Memories: ``momentum`` keeps a tenth of the
old entry at each update, ``slow_momentum`` nine tenths. ``supervised`` trains on true identities (upper bound).
"""

PHASE2_ONLY: dict[str, Any] = {
    "loss.joint_weight": 1.0,
    "loss.instance_weight": 0.1,
    "clustering.expansion_joint": "modality_camera",
    "clustering.k2_joint": 1,
}
"""Fields that phase 1 never reads, each set to any one value: arms that are equal then share their phase 1.

A field that is missing here costs time only: phase 1 is trained once more. A field that phase 1 *does* read must not stand here:
arms that differ in it would silently share a phase 1. Not listed, as no arm changes them: ``clustering.eps_joint_offset``,
``training.learning_rate_phase2``, ``loss.joint_update``.
"""
