"""Figures of the ablations: what is drawn is what was given, and the interval is SciPy's."""

import numpy as np
import pytest
from plots_helpers import close_figures  # noqa: F401 (a fixture)
from scipy import stats

from dmic import plots


def test_interval_by_hand_and_by_scipy():
    mean, half = plots.interval([1.0, 2.0, 3.0])
    assert (mean, half) == (2.0, pytest.approx(4.3026527 / 3**0.5))
    values = np.random.default_rng(0).normal(size=7)
    low, high = stats.ttest_1samp(values, 0.0).confidence_interval(0.9)
    mean, half = plots.interval(values, level=0.9)
    assert (mean - half, mean + half) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize("values", [[1.0], [], [[1.0, 2.0]]])
def test_interval_needs_two_numbers(values):
    with pytest.raises(ValueError, match="at least two"):
        plots.interval(values)


def test_arms_show_every_seed_the_mean_and_the_paper():
    ax = plots.plot_arms({"a": [1.0, 3.0], "b": [4.0, 6.0]}, errors={"a": 0.5, "b": 1.0}, paper={"b": 7.0})
    drawn = [tuple(line.get_xdata()) for line in ax.lines]
    assert drawn == [(1.0, 3.0), (1.0, 3.0), (2.0,), (3.0, 7.0), (4.0, 6.0), (5.0,), (7.0,)]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    low, high = ax.get_ylim()
    assert low > high  # the first arm is on top


def test_differences_mark_those_whose_interval_leaves_out_zero():
    ax = plots.plot_differences({"clear": [5.0, 5.1, 5.2], "not": [-1.0, 0.0, 4.0]})
    bars = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_linewidth() == 2]
    assert len({bar.get_color() for bar in bars}) == 2
    for bar, values in zip(bars, ([5.0, 5.1, 5.2], [-1.0, 0.0, 4.0]), strict=True):
        mean, half = plots.interval(values)
        assert list(bar.get_xdata()) == [mean - half, mean + half]
