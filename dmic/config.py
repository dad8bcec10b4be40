"""Every number of the method in one place: frozen dataclasses, presets, overrides, JSON.

A field's comment gives its meaning, unit and source: [P] the paper (arXiv 2412.08231), [F] public code of the
same lab or of direct relatives, [R] chosen here. Where paper and code differ, the paper's value is the default.

Taught in: notebooks/09_full_training.ipynb
"""

from __future__ import annotations

import dataclasses
import json
import math
import typing
from dataclasses import dataclass, field
from typing import Any, Literal

from dmic.presets import PRESETS

__all__ = [
    "BackboneConfig",
    "ClusteringConfig",
    "Config",
    "ConfigError",
    "DataConfig",
    "LossConfig",
    "PRESETS",
    "TrainingConfig",
    "from_json",
    "preset",
    "to_json",
    "with_overrides",
]

Expansion = Literal["vanilla", "camera", "modality", "modality_camera"]
MemoryUpdate = Literal["random", "momentum"]


class ConfigError(ValueError):
    """A configuration field is unknown or its value is not usable; the message names the field and what to try."""


@dataclass(frozen=True)
class DataConfig:
    """Images and their augmentation."""

    height: int = 288  # pixels; training size [P]; images of another size are resized on the device
    width: int = 144  # pixels [P]
    pad: int = 10  # pixels of zero padding before the random crop [F]
    flip_probability: float = 0.5  # of a horizontal mirror [F]
    erasing_probability: float = 0.5  # of a random rectangle, after normalisation [F]
    gray_probability: float = 0.5  # of channel gray on infrared images [F]
    protocol: str = "sysu-all-single"  # name in evaluation.PROTOCOLS


@dataclass(frozen=True)
class BackboneConfig:
    """The network that turns an image into an embedding."""

    name: str = "resnet50"  # resnet18|34|50|101 (torchvision, AGW), efficientnet_lite0 (offline), or a timm CNN with a stem known in backbone.py
    weights: str = "imagenet"  # imagenet | random | path of a .pth or .safetensors state dict
    last_stride: int = 1  # stride of the last stage: 1 [P] or 2 (half the cost) [R]
    non_local: bool = False  # AGW's five non-local blocks, ResNet-50/101 only; off in this lab's family [F]
    gem_p: float = 3.0  # exponent of GeM pooling, fixed [F]
    feature: Literal["after_bn", "pooled"] = (
        "after_bn"  # what is clustered, learned on and tested; the paper's text: pooled, without BNNeck
    )
    flip_average: bool = True  # average the embeddings of an image and its mirror image [F]


@dataclass(frozen=True)
class ClusteringConfig:
    """Distance encoding, MIE and DNC (paper Eq. 1-10). Defaults: SYSU-MM01."""

    k1: int = 40  # length of the neighbour list, self included [P]
    k1_visible: int | None = (
        None  # fork: another k1 for the visible clustering; None = k1 [P]; the lab's code: 30 [F]
    )
    k1_infrared: int | None = None  # fork: another k1 for the infrared clustering; None = k1 [P]; 30 [F]
    eps_large: float = 0.6  # pi_2, the larger radius of DBSCAN [P]
    eps_small: float = 0.3  # pi_1, the smaller radius [P]
    eps_joint_offset: float = 0.0  # added to eps for the joint clustering; 0 [P]
    k2_start: int = 6  # epsilon_1, intra k2 at the first epoch [P]
    k2_end: int = 18  # epsilon_2, intra k2 at the last epoch [P]
    k2_joint: int = 32  # epsilon_3, k2 of the joint clustering [P]
    k2_infrared_scale: float = (
        1.0  # infrared k2 = scale x k2 [R]; 1 = the paper's single k2; sets with few infrared images
    )
    dynamic: bool = (
        True  # DNC; False keeps eps_large, k2_start in every epoch ("vanilla", "MIE only" in the tables)
    )
    eps_span_offset: int = (
        0  # eps runs over T - offset epochs: 0 [P]; 2 (SYSU-MM01) or 1 (RegDB) in the lab's code [F]
    )
    expansion_intra: Expansion = (
        "modality_camera"  # Eq. 6-7; "vanilla" = Eq. 3 (intra, "modality_camera" equals "camera")
    )
    expansion_joint: Expansion = (
        "modality_camera"  # fork: "camera" is Eq. 6 as printed, flat; default as in the code [F]
    )
    min_samples: int = 4  # DBSCAN's core size, self included [F]
    labels: Literal["dbscan", "identities"] = (
        "dbscan"  # "identities" trains on true identities: supervised upper bound
    )
    neighbors: Literal["auto", "faiss", "torch", "bf16"] = "auto"  # backend of the exact top-k search [R]


@dataclass(frozen=True)
class LossConfig:
    """Hybrid modality contrastive learning (paper Eq. 15-23)."""

    tau: float = 0.05  # temperature [P]
    instance_weight: float = 0.1  # phi_1 on the joint instance loss [P]
    instance_weight_intra: float = 0.1  # phi_1 on the intra instance losses: 0.1 [P]; fork 1.0 [F]
    cluster_weight: float = 1.0  # phi_2 [P]
    joint_weight: float = 1.0  # of both joint losses: 1 [P]; 0 = phase 1 simply continued (a control) [R]
    update: MemoryUpdate = "random"  # of both memories [P]; "momentum" is the relatives' rule
    momentum: float = 0.1  # share of the old entry that a momentum update keeps, 0..1 [R]
    step: Literal["sum", "two_step"] = (
        "sum"  # one step on the sum [P]; two steps, the joint one on joint batches [F]
    )


@dataclass(frozen=True)
class TrainingConfig:
    """The two-phase loop."""

    epochs: int = 50  # per phase [P]
    iterations: int = (
        200  # batches per epoch [F]: 200 SYSU-MM01, 100 RegDB; one optimiser step each (see loss.step)
    )
    identities_per_batch: int = 4  # P, pseudo identities per stream [P]
    images_per_identity: int = 16  # K, images of each [P]
    learning_rate: float = 3.5e-4  # Adam, phase 1 [F]
    learning_rate_phase2: float | None = None  # None = restart from learning_rate [F]
    weight_decay: float = 5e-4  # [F]
    decay_every: int = (
        20  # epochs between the tenfold drops of the learning rate, from the start of each phase [F]
    )
    decay_factor: float = 0.1  # [F]
    warmup_iterations: int = 0  # linear warm-up of the learning rate at the start of phase 1 [R]
    embed_batch: int = 256  # images per forward pass without gradient [R]
    precision: Literal["auto", "fp32", "bf16"] = (
        "auto"  # auto: bf16 training on CUDA, bf16 inference where the CPU has it
    )
    device: str = "auto"  # auto | cpu | cuda
    seed: int = 0  # the one seed of weights, sampling, augmentation and memory updates


@dataclass(frozen=True)
class Config:
    """The whole method. ``preset(name)`` gives one; ``with_overrides`` changes fields by dotted name."""

    name: str = "sysu-mm01"
    data: DataConfig = field(default_factory=DataConfig)
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    clustering: ClusteringConfig = field(default_factory=ClusteringConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


def preset(name: str) -> Config:
    """Return the configuration of a preset.

    Parameters
    ----------
    name
        One of ``toy``, ``small`` (SynthVI), ``sysu-mm01``, ``regdb``, ``llcm``.

    Raises
    ------
    ConfigError
        If there is no such preset.

    Examples
    --------
    >>> preset("regdb").clustering.k1
    38
    """
    if name not in PRESETS:
        raise ConfigError(f"unknown preset {name!r}; the presets are {', '.join(PRESETS)}")
    return with_overrides(Config(name=name), PRESETS[name])


def with_overrides(config: Config, overrides: dict[str, Any]) -> Config:
    """Return a copy with fields changed by dotted name, e.g. ``{"training.epochs": 3}``.

    Raises
    ------
    ConfigError
        If a name is unknown or a value has the wrong type; the message lists what there is.
    """
    for dotted, value in overrides.items():
        section_name, _, field_name = dotted.partition(".")
        section = getattr(config, section_name, None)
        if not dataclasses.is_dataclass(section) or isinstance(section, type):
            raise ConfigError(f"unknown override {dotted!r}; write section.field, sections are {_sections()}")
        names = [f.name for f in dataclasses.fields(section)]
        if field_name not in names:
            raise ConfigError(f"unknown override {dotted!r}; {section_name} has {', '.join(names)}")
        value = _checked(dotted, value, typing.get_type_hints(type(section))[field_name])
        changed: Any = dataclasses.replace(section, **{field_name: value})
        config = dataclasses.replace(config, **{section_name: changed})
    _validate(config)
    return config


def to_json(config: Config) -> str:
    """Return the configuration as indented JSON; ``from_json`` reads it back unchanged."""
    return json.dumps(dataclasses.asdict(config), indent=2) + "\n"


def from_json(text: str) -> Config:
    """Read a configuration that ``to_json`` wrote; unknown fields raise ``ConfigError``."""
    raw = json.loads(text)
    sections = _sections().split(", ")
    if not isinstance(raw, dict) or not isinstance(raw.get("name", ""), str):
        raise ConfigError("expected a JSON object with a name and the sections " + _sections())
    for key, value in raw.items():
        if key != "name" and (key not in sections or not isinstance(value, dict)):
            raise ConfigError(
                f"unknown or malformed entry {key!r}; the sections are {_sections()}, each an object"
            )
    flat = {f"{key}.{f}": v for key, fields in raw.items() if key != "name" for f, v in fields.items()}
    return with_overrides(Config(name=raw.get("name", "custom")), flat)


def _sections() -> str:
    return ", ".join(f.name for f in dataclasses.fields(Config) if f.name != "name")


def _checked(dotted: str, value: Any, expected: Any) -> Any:
    """Return value as the annotated type; ints pass for floats, nothing else is converted."""
    allowed = typing.get_args(expected)
    if typing.get_origin(expected) is Literal:
        if value not in allowed:
            raise ConfigError(f"{dotted} is {value!r}; expected one of {', '.join(map(repr, allowed))}")
        return value
    kinds = tuple(allowed) if allowed else (expected,)
    if float in kinds and type(value) is int:
        return float(value)
    if type(value) not in kinds:
        names = " or ".join(kind.__name__ for kind in kinds)
        raise ConfigError(f"{dotted} is {value!r} ({type(value).__name__}); expected {names}")
    return value


_BOUNDS: dict[tuple[float, float], str] = {  # inclusive range -> the fields that it holds for
    (0, 1): "data.flip_probability data.erasing_probability data.gray_probability",
    (1e-6, 1): "clustering.eps_small clustering.eps_large training.decay_factor",
    (-1, 1): "clustering.eps_joint_offset",
    (0, 0.999999): "loss.momentum",
    (1, 2): "backbone.last_stride",
    (0.1, 100): "backbone.gem_p",
    (1e-3, 1e3): "clustering.k2_infrared_scale",
    (1e-12, 1e3): "training.learning_rate training.learning_rate_phase2",
    (1e-6, math.inf): "loss.tau",
    (32, math.inf): "data.height data.width",
    (2, math.inf): "clustering.k1 clustering.k1_visible clustering.k1_infrared training.identities_per_batch",
    (
        1,
        math.inf,
    ): "clustering.k2_start clustering.k2_joint clustering.min_samples training.epochs training.iterations "
    "training.images_per_identity training.decay_every training.embed_batch",
    (0, math.inf): "data.pad clustering.eps_span_offset loss.instance_weight loss.instance_weight_intra "
    "loss.cluster_weight loss.joint_weight training.weight_decay training.warmup_iterations training.seed",
}


def _validate(config: Config) -> None:
    """Check ranges and the two relations between fields, naming the field, its value and the allowed range."""
    bounds = [(field_name, *bound) for bound, names in _BOUNDS.items() for field_name in names.split()]
    for dotted, low, high in bounds:
        section, name = dotted.split(".")
        value = getattr(getattr(config, section), name)
        if value is not None and not low <= value <= high:  # false for NaN too
            raise ConfigError(f"{dotted} is {value}; expected {low:g} to {high:g}")
    c = config.clustering
    if c.eps_small > c.eps_large:
        raise ConfigError(
            f"clustering.eps_small is {c.eps_small}, eps_large {c.eps_large}; need eps_small <= eps_large"
        )
    if c.eps_small + c.eps_joint_offset <= 0:
        raise ConfigError(f"clustering.eps_joint_offset is {c.eps_joint_offset}; need eps_small + offset > 0")
    infrared_k2 = round(c.k2_infrared_scale * c.k2_end)
    scaled = f"k2_infrared_scale is {c.k2_infrared_scale}, which makes the last k2 {infrared_k2}"
    for name, k1, k2, said in (
        ("k1_visible", c.k1_visible or c.k1, c.k2_end, f"k2_end is {c.k2_end}"),
        ("k1_infrared", c.k1_infrared or c.k1, infrared_k2, scaled),
        ("k1", c.k1, c.k2_joint, f"k2_joint is {c.k2_joint}"),
    ):
        if k2 > k1:
            raise ConfigError(f"clustering.{name} is {k1}, {said}; need k2 <= k1")
    if c.k2_start > c.k2_end:
        raise ConfigError(f"clustering.k2_start is {c.k2_start}, k2_end {c.k2_end}; need k2_start <= k2_end")
