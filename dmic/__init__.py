"""DMIC: dynamic modality-camera invariant clustering for unsupervised visible-infrared person re-identification.

Four calls do most of it, and are loaded when first used::

    import dmic

    table = dmic.open_dataset("data/synthvi-toy")
    result = dmic.fit(dmic.preset("toy"), table, run_dir="runs/mine")
    print(result.summary["final"]["rank1"])

`dmic.evaluate` scores any features by a test protocol. The rest stands in modules: `dmic.mie`, `dmic.dnc`, `dmic.hmcl`, ...
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from dmic.compute.threads import configure_threads

if TYPE_CHECKING:
    from dmic.config import preset
    from dmic.evaluation import evaluate
    from dmic.images import open_dataset
    from dmic.training import fit

__version__ = "0.1.0"
__all__ = ["evaluate", "fit", "open_dataset", "preset"]

_HOMES = {"evaluate": "evaluation", "fit": "training", "open_dataset": "images", "preset": "config"}

configure_threads()  # before any library starts its own


def __getattr__(name: str) -> Any:
    """Import what ``__all__`` names when it is first asked for: ``import dmic`` and ``dmic --help`` stay fast."""
    if name not in _HOMES:
        raise AttributeError(
            f"module 'dmic' has no attribute {name!r}; it has {', '.join(__all__)} and its modules"
        )
    return getattr(importlib.import_module(f"dmic.{_HOMES[name]}"), name)
