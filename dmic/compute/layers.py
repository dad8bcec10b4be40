"""Layers of the backbone that PyTorch lacks, or has in a form that is slow here.

Taught in: notebooks/02_backbone.ipynb
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["GeM", "NonLocal", "pad_small_maps"]


class GeM(nn.Module):
    """Generalised-mean pooling: (b, c, h, w) -> (b, c), (mean x^p)^(1/p); p = 1 is the mean, large p the maximum."""

    def __init__(self, p: float = 3.0, eps: float = 1e-6) -> None:
        super().__init__()
        self.p, self.eps = p, eps

    def forward(self, x: Tensor) -> Tensor:
        """Pool in float32; entries below eps count as eps."""
        x = x.float().clamp_min(self.eps)
        if self.p <= 6:  # 1e-6 and a million to this power are still float32 numbers
            return x.pow(self.p).mean((2, 3)).pow(1 / self.p)
        largest = x.detach().amax((2, 3), keepdim=True)  # a constant: the result does not depend on it
        return (x / largest).pow(self.p).mean((2, 3)).pow(1 / self.p) * largest.flatten(1)


class NonLocal(nn.Module):
    """AGW's non-local block (Wang et al., CVPR 2018, dot-product form): x + BN(W(attention(x))), starting as identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.theta, self.phi, self.g = (nn.Conv2d(channels, inner, 1) for _ in range(3))
        norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(norm.weight)
        self.out = nn.Sequential(nn.Conv2d(inner, channels, 1), norm)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, c, h, w) to the same shape."""
        b, _, h, w = x.shape
        theta, phi, g = (layer(x).flatten(2) for layer in (self.theta, self.phi, self.g))  # (b, c/2, h w)
        attended = torch.einsum("bci,bij->bcj", g, torch.einsum("bcj,bci->bij", theta, phi)) / (h * w)
        return x + self.out(attended.reshape(b, -1, h, w))


class _PaddedConv2d(nn.Conv2d):
    """A grouped convolution, padded by half its kernel, that pads for itself where the map is lower than the kernel."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, c, h, w) as ``nn.Conv2d`` does, to the same numbers."""
        if x.shape[2] >= self.kernel_size[0]:
            return super().forward(x)
        rows, columns = (self.kernel_size[0] - 1) // 2, (self.kernel_size[1] - 1) // 2
        padded = functional.pad(x, (columns, columns, rows, rows))
        return functional.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def pad_small_maps(network: nn.Module) -> None:
    """Let grouped convolutions that keep the map's size pad maps that are lower than their kernel themselves, in place.

    Notes
    -----
    oneDNN has no fast backward pass for such maps: 72 images with 1,152 channels of 4x2 under a 5x5 kernel take 124 ms on
    one core, padded 30 ms. EfficientNet-Lite0 has three of these at 128x64: without this a training step takes 1.2 times as long on 2 cores.
    """
    for layer in network.modules():
        if type(layer) is nn.Conv2d and layer.groups > 1 and layer.padding_mode == "zeros":
            half = tuple((size - 1) // 2 for size in layer.kernel_size)
            if layer.padding == half and layer.dilation == (1, 1):
                layer.__class__ = _PaddedConv2d
