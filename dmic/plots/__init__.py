"""Every figure of the course and of the lab: ``plots.plot_x(data, ax=None)`` draws one and returns its Axes.

``from dmic import plots`` reaches all of them. A module adds a figure by naming it in its own ``__all__``; colours,
markers, font sizes and shared helpers come from ``dmic.plots.style``. Figures take plain arrays and dictionaries.
"""

from dmic.plots.style import *

# isort: split
from dmic.plots.ablations import *
from dmic.plots.backbone import *
from dmic.plots.clusters import *
from dmic.plots.curves import *
from dmic.plots.knobs import *
from dmic.plots.loop import *
from dmic.plots.memory import *
from dmic.plots.neighbors import *
from dmic.plots.people import *
from dmic.plots.retrieval import *
from dmic.plots.scores import *
