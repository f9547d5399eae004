"""Memory of a run: freed blocks kept for the next step; when none is left, fewer clips, or one line that says so."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from harness.errors import RunError

# An allocation that fails is no torch.OutOfMemoryError on a CPU, nor in libraries that allocate by themselves.
SIGNS = ("can't allocate memory", "out of memory", "CUDNN_STATUS_ALLOC_FAILED", "CUBLAS_STATUS_ALLOC_FAILED")

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt (malloc.h)
NEVER = 2**31 - 1


def keep_freed() -> bool:
    """Let freed memory stay with this process; whether its C library can be told so (glibc can).

    A step frees and asks for the same blocks as the step before. glibc hands those over 32 MiB back to the system each
    time, which then has to clear every page again: a fifth of the time of making a batch (docs/performance.md).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, NEVER) and mallopt(M_TRIM_THRESHOLD, NEVER))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had, on a GPU or on the host."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in SIGNS)


@contextmanager
def named(run: Path | str, model: str, batch: int, device: str) -> Iterator[None]:
    """Within this context an error for want of memory is a RunError that names the run, its batch and the remedy."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise RunError(
            f"{run}: out of memory at batch {batch} on {device}; "
            f"lower it with --set {model}.batch={max(batch // 2, 2)}, or take another device"
        ) from error


class Portion:
    """How many clips are worked on at a time: halved, for good, when memory does not suffice."""

    def __init__(self, clips: int) -> None:
        self.clips = clips

    def work(self, count: int, part: Callable[[slice], torch.Tensor]) -> torch.Tensor:
        """`part` of the rows 0 to count - 1 in portions, joined along the first dimension.

        Errors: that for want of memory if even one clip does not fit.
        """
        done: list[torch.Tensor] = []
        start = 0
        while start < count:
            rows = slice(start, min(start + self.clips, count))
            try:
                done.append(part(rows))
            except (MemoryError, RuntimeError) as error:
                if self.clips == 1 or not is_out_of_memory(error):
                    raise
                self.clips = max(min(self.clips, count) // 2, 1)
            else:
                start = rows.stop
                continue
            # Behind the handler, which still held the failed portion's tensors.
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        return done[0] if len(done) == 1 else torch.cat(done)
