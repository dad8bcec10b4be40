"""DMIC: dynamic modality-camera invariant clustering for unsupervised visible-infrared person re-identification."""

__version__ = "0.1.0"

from dmic.compute.threads import settle

settle()
