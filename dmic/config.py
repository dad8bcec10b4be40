"""The numbers of the method in one place: frozen dataclasses, presets, overrides, JSON.

The comment above a field gives its meaning, unit and source: [P] the paper (arXiv 2412.08231), [F] public code of the same lab
or of direct relatives, [R] chosen here. Not fields: the turning point of eps in phase 2 (a fifth, ``dnc``), the two thirds of
the expansion (``encoding``), area and aspect of erased rectangles (``augment``), Adam's betas (PyTorch's).

Taught in: notebooks/09_full_training.ipynb
"""

from __future__ import annotations

import dataclasses
import json
import typing
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from dmic.presets import PRESETS
from dmic.storage.checking import Range, checked, near_names

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

Share = Annotated[float, Range(0, 1)]
Fraction = Annotated[float, Range(1e-6, 1)]
Weight = Annotated[float, Range(0)]
Count = Annotated[int, Range(1)]
AtLeastTwo = Annotated[int, Range(2)]
Pixels = Annotated[int, Range(32, 4096)]


class ConfigError(ValueError):
    """A configuration field is unknown or its value is not usable; the message names the field and what to try."""


@dataclass(frozen=True)
class DataConfig:
    """Images and their augmentation."""

    # pixels; training size [P]; images of another size are resized on the device
    height: Pixels = 288
    # pixels [P]
    width: Pixels = 144
    # pixels of zero padding before the random crop [F]
    pad: Annotated[int, Range(0, 4096)] = 10
    # of a horizontal mirror [F]
    flip_probability: Share = 0.5
    # of a random rectangle, after normalisation [F]
    erasing_probability: Share = 0.5
    # of channel gray on infrared images [F]
    gray_probability: Share = 0.5
    # how the test images are scored: name of evaluation.protocols.protocol_by_name
    protocol: str = "sysu-all-single"


@dataclass(frozen=True)
class BackboneConfig:
    """The network that turns an image into an embedding."""

    # resnet18|34|50|101 (torchvision, AGW), efficientnet_lite0 (offline), or a timm CNN with a stem known in backbone.py
    name: str = "resnet50"
    # imagenet | random | path of a .pth or .safetensors state dict
    weights: str = "imagenet"
    # stride of the last stage: 1 [P] or 2 (half the cost) [R]
    last_stride: Annotated[int, Range(1, 2)] = 1
    # AGW's five non-local blocks, ResNet-50/101 only; off in this lab's family [F]
    non_local: bool = False
    # exponent of GeM pooling, fixed [F]
    gem_p: Annotated[float, Range(0.1, 100)] = 3.0
    # what is clustered, learned on and tested; the paper's text: pooled, without BNNeck
    feature: Literal["after_bn", "pooled"] = "after_bn"
    # average the embeddings of an image and its mirror image [F]
    flip_average: bool = True


@dataclass(frozen=True)
class ClusteringConfig:
    """Distance encoding, MIE and DNC (paper Eq. 1-10). Defaults: SYSU-MM01."""

    # length of the neighbour list, self included [P]
    k1: AtLeastTwo = 40
    # fork: another k1 for the visible clustering; None = k1 [P]; the lab's code: 30 [F]
    k1_visible: AtLeastTwo | None = None
    # fork: another k1 for the infrared clustering; None = k1 [P]; 30 [F]
    k1_infrared: AtLeastTwo | None = None
    # pi_2, the larger radius of DBSCAN [P]
    eps_large: Fraction = 0.6
    # pi_1, the smaller radius [P]
    eps_small: Fraction = 0.3
    # added to eps for the joint clustering; 0 [P]
    eps_joint_offset: Annotated[float, Range(-1, 1)] = 0.0
    # epsilon_1, intra k2 at the first epoch [P]
    k2_start: Count = 6
    # epsilon_2, intra k2 at the last epoch [P]
    k2_end: Count = 18
    # epsilon_3, k2 of the joint clustering [P]
    k2_joint: Count = 32
    # infrared k2 = scale x k2 [R]; 1 = the paper's single k2; for sets with few infrared images
    k2_infrared_scale: Annotated[float, Range(1e-3, 1e3)] = 1.0
    # DNC; False keeps eps_large, k2_start in every epoch ("vanilla", "MIE only" in the tables)
    dynamic: bool = True
    # eps runs over T - offset epochs: 0 [P]; 2 (SYSU-MM01) or 1 (RegDB) in the lab's code [F]
    eps_span_offset: Annotated[int, Range(0)] = 0
    # Eq. 6-7; "vanilla" = Eq. 3 (intra, "modality_camera" equals "camera")
    expansion_intra: Expansion = "modality_camera"
    # fork: "camera" is Eq. 6 as printed, flat; default as in the code [F]
    expansion_joint: Expansion = "modality_camera"
    # DBSCAN's core size, self included [F]
    min_samples: Count = 4
    # "identities" trains on true identities: supervised upper bound
    label_source: Literal["dbscan", "identities"] = "dbscan"
    # backend of the exact top-k search [R]
    knn_backend: Literal["auto", "faiss", "torch", "bf16"] = "auto"


@dataclass(frozen=True)
class LossConfig:
    """Hybrid modality contrastive learning (paper Eq. 15-23)."""

    # temperature [P]
    tau: Annotated[float, Range(1e-6)] = 0.05
    # phi_1 on the joint instance loss [P]
    instance_weight: Weight = 0.1
    # phi_1 on the intra instance losses: 0.1 [P]; fork 1.0 [F]
    instance_weight_intra: Weight = 0.1
    # phi_2 [P]
    cluster_weight: Weight = 1.0
    # of both joint losses: 1 [P]; 0 = phase 1 simply continued (a control) [R]
    joint_weight: Weight = 1.0
    # of both memories [P]; "momentum" is the relatives' rule
    memory_update: MemoryUpdate = "random"
    # share of the old entry that a momentum update keeps [R]
    momentum: Annotated[float, Range(0, 0.999999)] = 0.1
    # one optimiser step on the sum of all losses [P]; or two in turn, the joint one on joint batches [F]
    joint_update: Literal["summed", "alternating"] = "summed"


@dataclass(frozen=True)
class TrainingConfig:
    """The two-phase loop."""

    # per phase [P]
    epochs: Count = 50
    # batches per epoch [F]: 200 SYSU-MM01, 100 RegDB; one optimiser step each, two where loss.joint_update says so
    iterations: Count = 200
    # P, pseudo identities per stream [P]
    identities_per_batch: AtLeastTwo = 4
    # K, images of each [P]
    images_per_identity: Count = 16
    # Adam, phase 1 [F]
    learning_rate: Annotated[float, Range(1e-12, 1e3)] = 3.5e-4
    # None = restart from learning_rate [F]
    learning_rate_phase2: Annotated[float, Range(1e-12, 1e3)] | None = None
    # L2 penalty of Adam [F]
    weight_decay: Weight = 5e-4
    # epochs between the drops of the learning rate, from the start of each phase [F]
    decay_every: Count = 20
    # of the learning rate at each drop [F]
    decay_factor: Fraction = 0.1
    # linear warm-up of the learning rate at the start of phase 1 [R]
    warmup_iterations: Annotated[int, Range(0)] = 0
    # images per forward pass without gradient [R]
    embed_batch: Count = 256
    # auto: bf16 on a GPU that is fast at it, else fp32; bf16_embeddings: trained in fp32, embedded in bf16 [R]
    precision: Literal["auto", "fp32", "bf16", "bf16_embeddings"] = "auto"
    # where training runs; auto: a GPU if there is one
    device: Literal["auto", "cpu", "cuda"] = "auto"
    # the one seed of weights, sampling, augmentation and memory updates; below 2^32, as each is one word of NumPy's SeedSequence
    seed: Annotated[int, Range(0, 2**32 - 1)] = 0
    # checkpoints that stay: latest = the newest two and the end of phase 1; all; or a list of epochs, counted from 1 over both
    # phases, beside those [R]
    keep: Literal["latest", "all"] | tuple[Count, ...] = "latest"


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
    """Return the configuration of a preset, by a key of ``PRESETS``; ``ConfigError`` if there is none."""
    if name not in PRESETS:
        raise ConfigError(near_names(name, PRESETS, what="preset"))
    return with_overrides(Config(name=name), PRESETS[name])


def with_overrides(config: Config, overrides: dict[str, Any]) -> Config:
    """Return a copy with fields changed by dotted name, e.g. ``{"training.epochs": 3}``.

    Raises
    ------
    ConfigError
        If a name is unknown (near ones are shown), or a value has the wrong type or is out of range.
    """
    for dotted, value in overrides.items():
        section_name, _, field_name = dotted.partition(".")
        if dotted not in _FIELDS:
            raise ConfigError(_unknown(dotted))
        try:
            value = checked(dotted, value, _FIELDS[dotted])
        except ValueError as error:
            raise ConfigError(error) from None
        changed: Any = dataclasses.replace(getattr(config, section_name), **{field_name: value})
        config = dataclasses.replace(config, **{section_name: changed})
    _check_relations(config.clustering)
    _check_kept(config.training)
    return config


def to_json(config: Config) -> str:
    """Return the configuration as indented JSON; ``from_json`` reads it back unchanged."""
    return json.dumps(dataclasses.asdict(config), indent=2) + "\n"


def from_json(text: str) -> Config:
    """Read a configuration that ``to_json`` wrote, missing fields as their defaults; anything else raises ``ConfigError``."""
    try:
        raw = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"expected JSON, found {str(text)[:40]!r} ({error})") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("name", ""), str):
        raise ConfigError(f"expected a JSON object with a name and the sections {', '.join(_SECTIONS)}")
    name = raw.pop("name", "custom")
    for key, value in raw.items():
        if key not in _SECTIONS or not isinstance(value, dict):
            raise ConfigError(
                f"unknown or malformed entry {key!r}; the sections are {', '.join(_SECTIONS)}, each an object"
            )
    flat = {f"{key}.{f}": value for key, fields in raw.items() for f, value in fields.items()}
    return with_overrides(Config(name=name), flat)


_SECTIONS = {name: kind for name, kind in typing.get_type_hints(Config).items() if name != "name"}
_FIELDS: dict[str, Any] = {  # dotted name -> its annotation, with the range
    f"{section}.{name}": annotation
    for section, of in _SECTIONS.items()
    for name, annotation in typing.get_type_hints(of, include_extras=True).items()
}


def _unknown(dotted: str) -> str:
    """Say which field may have been meant: one of the section that was named, or, of that name, of any section."""
    section, _, name = dotted.partition(".")
    if section in _SECTIONS:
        return near_names(name, typing.get_type_hints(_SECTIONS[section]), what=f"field of {section}:")
    same = [known for known in _FIELDS if known.endswith(f".{name or section}")]
    meant = f"did you mean {' or '.join(same)}?" if same else "write section.field."
    return f"unknown field {dotted!r}; {meant} The sections are {', '.join(_SECTIONS)}"


def _check_relations(c: ClusteringConfig) -> None:
    """Check the six relations between fields of the clustering, naming fields, values and what must hold."""
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


def _check_kept(t: TrainingConfig) -> None:
    if not isinstance(t.keep, str) and max(t.keep, default=0) > 2 * t.epochs:
        raise ConfigError(
            f"training.keep names epoch {max(t.keep)}, training.epochs is {t.epochs}; need 1 to {2 * t.epochs}, over both phases"
        )
