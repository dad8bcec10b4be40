"""What a running training shows: a bar on a terminal, one line per epoch elsewhere."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

from torch import Tensor
from tqdm import tqdm

__all__ = ["Progress", "ProgressStyle"]

logger = logging.getLogger(__name__)

ProgressStyle = Literal["auto", "bar", "lines", "none"]


class Progress:
    """Progress of ``epochs`` epochs with ``iterations`` iterations each.

    Parameters
    ----------
    style
        ``bar`` (tqdm), ``lines`` (one printed line per epoch), ``none``, or ``auto``: a bar if standard error is a terminal.
    epochs, iterations : int
    """

    def __init__(self, style: ProgressStyle, *, epochs: int, iterations: int) -> None:
        if style not in ("auto", "bar", "lines", "none"):
            raise ValueError(f"progress is {style!r}; expected 'auto', 'bar', 'lines' or 'none'")
        if style == "auto":
            style = "bar" if sys.stderr.isatty() else "lines"
        self.style, self.epochs, self.iterations = style, epochs, iterations
        self.bar: Any = None
        self.spent: list[float] = []

    def iteration(self, phase: int, epoch: int, iteration: int, loss_sum: Tensor) -> None:
        """Advance by one iteration; ``loss_sum`` is the epoch's summed loss so far."""
        if self.style != "bar":
            return
        if iteration == 0:
            self.close()
            self.bar = tqdm(
                total=self.iterations, desc=f"phase {phase} epoch {epoch + 1}", leave=True, dynamic_ncols=True
            )
        self.bar.update()
        if iteration % 10 == 0:
            self.bar.set_postfix(loss=f"{float(loss_sum) / (iteration + 1):.3f}", refresh=False)

    def epoch(self, line: dict[str, Any]) -> None:
        """Report a finished epoch: its line of ``metrics.jsonl``."""
        if self.style == "none":
            return
        self.spent.append(sum(line["seconds"].values()))
        left = (self.epochs - line["global_epoch"] - 1) * sum(self.spent) / len(self.spent)
        clusters = " ".join(f"{stream} {d['clusters']:.0f}" for stream, d in line["labels"].items())
        eta = f"{int(left) // 60}:{int(left) % 60:02d}"
        if self.bar is not None:
            self.bar.set_postfix_str(f"loss {line['loss']:.3f}, clusters {clusters}, all done in {eta}")
            self.close()
            return
        print(
            f"phase {line['phase']} epoch {line['epoch'] + 1:>2} | loss {line['loss']:.3f} | clusters {clusters} | "
            f"eps {line['eps']:.2f} k2 {line['k2_intra']} | {self.spent[-1]:.1f} s, done in {eta}",
            flush=True,
        )

    def say(self, text: str, *, important: bool) -> None:
        """Print a line; where nothing is to be shown, log it: as a warning if it is important."""
        if self.style == "none":
            logger.log(logging.WARNING if important else logging.INFO, text)
        else:
            print(text, flush=True)

    def close(self) -> None:
        """Finish the bar, if there is one."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None
