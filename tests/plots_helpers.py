"""What the tests of all figures share: no window, the course's style, and no figure left open."""

from __future__ import annotations

import matplotlib
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from dmic import plots


@pytest.fixture(autouse=True)
def close_figures():
    """Import it by name into a test module, and it holds for all tests there."""
    plots.set_style()
    yield
    plt.close("all")


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]
