"""Where and in which precision training runs: device, Accelerate, bfloat16, memory of the process."""

from __future__ import annotations

import ctypes
import resource
import sys
from typing import TYPE_CHECKING

import torch

from dmic.config import ConfigError, TrainingConfig

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = [
    "accelerator",
    "bf16_inference",
    "bf16_is_fast",
    "check_device",
    "keep_freed_memory",
    "peak_memory_gib",
]


def accelerator(t: TrainingConfig, *, unused_parameters: bool = False) -> Accelerator:
    """Return Accelerate's object for the wanted device and training precision; ``ConfigError`` if they cannot be had.

    ``unused_parameters`` says that a step may leave some without gradient (several processes must know).
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState
    from accelerate.utils import DistributedDataParallelKwargs

    check_device(t)
    on_cpu = t.device == "cpu" or not torch.cuda.is_available()
    bf16 = t.precision == "bf16" or (t.precision == "auto" and not on_cpu and bf16_is_fast("cuda"))
    if AcceleratorState._shared_state and AcceleratorState().num_processes == 1:
        AcceleratorState._reset_state(
            reset_partial_state=True
        )  # a notebook may change options and train again
    ddp = DistributedDataParallelKwargs(find_unused_parameters=unused_parameters)
    made = Accelerator(cpu=on_cpu, mixed_precision="bf16" if bf16 else "no", kwargs_handlers=[ddp])
    images, world = t.identities_per_batch * t.images_per_identity, made.num_processes
    if images % world:
        raise ConfigError(f"a batch of P x K = {images} images does not divide among {world} processes")
    return made


def check_device(t: TrainingConfig) -> None:
    """Raise ``ConfigError`` if a GPU is asked for and torch sees none: soon told, before anything is rendered or read."""
    if t.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            f"training.device is 'cuda', but torch {torch.__version__} sees no GPU; use 'auto' or 'cpu', or look whether "
            "nvidia-smi lists one and this torch is built for CUDA"
        )


def keep_freed_memory() -> None:
    """Let glibc keep freed memory instead of returning it: on a CPU, a third less time per step (page faults)."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "gnu_get_libc_version"):
            libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
            libc.mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD


def bf16_inference(t: TrainingConfig, device: torch.device) -> bool:
    """Return whether embeddings are computed under bfloat16: where it is asked for, or on a GPU that is fast at it."""
    on_gpu = t.precision == "auto" and device.type == "cuda" and bf16_is_fast(device)
    return on_gpu or t.precision in ("bf16", "bf16_embeddings")


def bf16_is_fast(device: str | torch.device = "cpu") -> bool:
    """Return whether the hardware multiplies bfloat16 matrices: AVX512-BF16 or AMX on a CPU, compute capability 8 on a GPU."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # older ones emulate it, slowly
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in names)


def peak_memory_gib() -> float:
    """Return the process's peak of host or GPU memory so far, whichever is larger, in GiB."""
    unit = 1 if sys.platform == "darwin" else 2**10  # bytes there, KiB on Linux
    host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
    device = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else 0.0
    return max(host, device)
