"""Files of network weights: reading them safely, and finding a network's tensors in them.

Taught in: notebooks/02_backbone.ipynb
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
from safetensors.torch import load_file
from torch import Tensor

__all__ = ["WeightsError", "check_connection", "fit_weights", "read_weights"]

_EXPECTED = "expected a state dict as torch.save(network.state_dict(), ...) or safetensors writes it"
_HEADS = ("fc.", "classifier.", "head.")  # the classifier, which is thrown away
# Of two copies of a network these are not the one to start from: MoCo's key encoder, moving averages, DINO's student.
_SECOND_COPIES = ("encoder_k", "momentum", "target", "ema", "student")
_PATIENCE = 3.0  # seconds

_logger = logging.getLogger(__name__)


class WeightsError(RuntimeError):
    """Starting weights cannot be had or do not fit; the message says what to do."""


def read_weights(path: str) -> dict[str, Tensor]:
    """Read every tensor of a PyTorch or safetensors file, whatever its suffix; Python objects are never unpickled.

    Parameters
    ----------
    path
        May begin with ``~``.

    Returns
    -------
    Dotted name -> tensor on the CPU, in the file's order. Dictionaries within dictionaries become part of the name:
    ``{"teacher": {"backbone.conv1.weight": x}}`` gives ``teacher.backbone.conv1.weight``.

    Raises
    ------
    WeightsError
        No such file, or one without tensors: the message says what it holds.
    """
    file = Path(os.path.expanduser(path))
    said = f"backbone.weights is {str(file)!r}:"
    if not os.path.exists(file):  # also for a name that no file can have
        wanted = f"'imagenet', 'random' or a path (relative ones start at {Path.cwd()})"
        raise WeightsError(f"{said} no such file; expected {wanted}")
    if not os.path.isfile(file):
        raise WeightsError(f"{said} a folder; {_EXPECTED}. Name the file in it")
    head = b""
    try:
        with file.open("rb") as stream:
            head = stream.read(64)
            stream.seek(0)
            if head[8:9] == b"{":  # safetensors: eight bytes of length, then JSON
                stored = load_file(file)
            else:
                stored = torch.load(stream, map_location="cpu", weights_only=True)
    except Exception as error:  # zip, pickle, safetensors and the system name each damage in their own way
        raise WeightsError(f"{said} {_diagnosis(file, head, error)}") from error
    tensors = _flatten(stored) if isinstance(stored, dict) else {}
    if not tensors:
        keys = f" with the keys {_few(map(str, stored))}" if isinstance(stored, dict) else ""
        raise WeightsError(f"{said} a {type(stored).__name__}{keys} without tensors by name; {_EXPECTED}")
    return tensors


def fit_weights(
    own: Mapping[str, Tensor], stored: Mapping[str, Tensor], *, name: str, origin: str
) -> dict[str, Tensor]:
    """Find a network's tensors among stored ones, under whatever common prefix they stand there.

    Parameters
    ----------
    own
        State dict of the network.
    stored
        As ``read_weights`` returns them. Where a second copy of the network is among them (a momentum encoder, a teacher
        and its student), all tensors come from one of the two: MoCo's query encoder, DINO's teacher, else the first.
    name, origin
        Of the network and of the stored tensors, for messages.

    Returns
    -------
    A state dict of the network. The classifier's tensors, and counters of batches that are not stored, are its own.

    Raises
    ------
    WeightsError
        A tensor is missing or has another shape.
    """
    counters = {k for k in own if k.endswith("num_batches_tracked")}
    wanted = {k: own[k] for k in own if not k.startswith(_HEADS) and k not in counters}
    found = Counter[str]()  # prefix -> how many of the network's tensors stand under it, in the file's order
    for key, tensor in stored.items():
        for start in (0, *(dot.end() for dot in re.finditer(r"\.", key))):
            match = wanted.get(key[start:])
            if match is not None and match.shape == tensor.shape:
                found[key[:start]] += 1
    whole = [prefix for prefix, count in found.items() if count == len(wanted)]
    if not whole:
        raise WeightsError(_misfit(stored, wanted, found, name, origin))
    prefix = min(whole, key=lambda prefix: any(word in prefix for word in _SECOND_COPIES))
    if len(whole) > 1:
        _logger.info("%s: %d copies of %s (%s); taken: %r", origin, len(whole), name, _few(whole), prefix)
    kept = {k: stored[prefix + k] for k in [*wanted, *counters] if prefix + k in stored}
    return {k: kept[k] if k in kept and kept[k].shape == own[k].shape else own[k] for k in own}


def check_connection(url: str) -> None:
    """Raise ConnectionError if the host of an address cannot be reached within 3 s.

    Notes
    -----
    Downloads find that out much later: by retries (Hugging Face, 24 s a file) or the system's time limit (PyTorch, minutes).
    IPv4 and IPv6 are tried side by side, since one of them may be dead. With a proxy nothing is tried.
    """
    if getproxies().keys() & {"https", "all"}:
        return
    target = urlsplit(url)
    port = target.port or {"http": 80}.get(target.scheme, 443)
    reached = threading.Event()

    def connect(family: socket.AddressFamily) -> None:
        """Set ``reached`` if an address of this family answers."""
        with contextlib.suppress(OSError):
            address = socket.getaddrinfo(target.hostname, port, family, socket.SOCK_STREAM)[0][4]
            with socket.socket(family, socket.SOCK_STREAM) as connection:
                connection.settimeout(_PATIENCE)
                connection.connect(address)
                reached.set()

    for family in (socket.AF_INET, socket.AF_INET6):
        threading.Thread(target=connect, args=(family,), daemon=True).start()  # a name server may take longer
    if not reached.wait(_PATIENCE):
        raise ConnectionError(f"no answer from {target.hostname} within {_PATIENCE:g} s")


def _flatten(stored: Mapping[Any, Any], above: str = "") -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for key, value in stored.items():
        if isinstance(value, Tensor):
            tensors[f"{above}{key}"] = value
        elif isinstance(value, dict):
            tensors |= _flatten(value, f"{above}{key}.")
    return tensors


def _few(names: Any) -> str:
    """Return the first three names as text."""
    names = list(names)
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _diagnosis(file: Path, head: bytes, error: Exception) -> str:
    """Say what a file that cannot be loaded holds and what to try."""
    if isinstance(error, OSError):
        return f"cannot be read ({type(error).__name__}: {error}); {_EXPECTED}"
    if not head:
        return f"an empty file; {_EXPECTED}. Download or copy it again"
    text = " ".join(head.decode("utf-8-sig", "ignore").split())
    if text and text.isprintable():
        return (
            f"text that begins with {text[:40]!r}; {_EXPECTED}. A web page or a pointer was saved in place of the file: "
            "download the file itself"
        )
    classes = re.findall(r"GLOBAL ([\w.]+)", str(error))
    if not classes:
        return (
            f"a file of {file.stat().st_size:,} bytes that is cut, damaged or of another kind; {_EXPECTED}. "
            "Compare its size with the original's, then download or copy it again"
        )
    target = str(file.with_name(f"{file.stem}-tensors.pth"))
    return (
        f"Python objects beside tensors ({classes[0]}). Loading them may run any code, so they are refused; {_EXPECTED}. If "
        f'you trust the source of the file, save its tensors alone, where {classes[0]} can be imported: python -c "import '
        f"torch; s = torch.load({str(file)!r}, map_location='cpu', weights_only=False); s = getattr(s, 'state_dict', lambda: "
        f's)(); torch.save({{k: v for k, v in s.items() if isinstance(v, (dict, torch.Tensor))}}, {target!r})"'
    )


def _misfit(
    stored: Mapping[str, Tensor], wanted: Mapping[str, Tensor], found: Counter[str], name: str, origin: str
) -> str:
    """Say why stored tensors are not those of a network."""
    if all(any(key.startswith(part) for key in stored) for part in ("stems.0.", "stems.1.", "body.")):
        return (
            f"{origin} is a checkpoint of a DMIC run ({_few(stored)}); expected the state dict of a plain {name} "
            f"({_few(wanted)}). To continue that run, train again with its run folder; to start another one, set "
            "backbone.weights to imagenet or to the file which that run started from"
        )
    prefix = max(found, key=found.__getitem__, default="")
    wrong = [k for k in wanted if prefix + k not in stored or stored[prefix + k].shape != wanted[k].shape]
    there = stored.get(prefix + wrong[0])
    said = "absent" if there is None else f"{tuple(there.shape)}"
    return (
        f"{origin} lacks or reshapes {len(wrong)} of {len(wanted)} tensors (first: {prefix}{wrong[0]}): {said}, expected "
        f"{tuple(wanted[wrong[0]].shape)}. It holds {_few(stored)}; {name} has {_few(wanted)}. A common prefix of all names "
        "would do no harm: is it another network? Try the backbone.name that these weights belong to"
    )
