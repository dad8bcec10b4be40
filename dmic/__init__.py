"""DMIC: dynamic modality-camera invariant clustering for unsupervised visible-infrared person re-identification."""

__version__ = "0.1.0"

from dmic.threads import settle

settle()
