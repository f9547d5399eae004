"""Runs OpenFace's FeatureExtraction over the pictures of clips: in parallel, going on where it was, naming what failed.

FeatureExtraction reads a folder's pictures in the order of their names as text, 10.jpg before 2.jpg, and numbers them
as it reads: it is given links with padded numbers, so that frame n is picture n. Source: OpenFace wiki, Command line
arguments; SequenceCapture of OpenFace 2.2.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.errors import DataError

BINARY = "FeatureExtraction"
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
_WORK = ".extracting-"  # folders of clips in work, with the process' number


@dataclass(frozen=True)
class Extraction:
    """Clips extracted now, clips that had a file already, and clips that failed, each with the reason."""

    extracted: int
    there: int
    failed: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For people; a line for each failure."""
        done = f"AU files: {self.extracted:,} extracted, {self.there:,} there already, {len(self.failed):,} failed"
        return [done, *(f"{clip}: {reason}" for clip, reason in self.failed)]


def extract_openface(
    clips: Mapping[str, Path],
    out: Path,
    *,
    binary: str | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Extraction:
    """Write `out/<clip>.csv` for each of `clips` (name -> folder of its pictures) that has none.

    A file appears when it is whole: FeatureExtraction ended well and wrote a row for every picture. A clip that fails
    is named in the answer, and the others go on. binary: name or path of FeatureExtraction. DataError if it is not
    there, or if there are no clips.
    """
    program = shutil.which(binary or BINARY)
    if program is None:
        raise DataError(
            f"{binary or BINARY}: not on the PATH; install OpenFace 2.2 from "
            "https://github.com/TadasBaltrusaitis/OpenFace, or give AU files that were extracted elsewhere"
        )
    if not clips:
        raise DataError(f"{out}: no clips to extract AUs of; give at least one")
    out.mkdir(parents=True, exist_ok=True)
    _remove_left_over(out)
    waiting = {clip: folder for clip, folder in clips.items() if not (out / f"{clip}.csv").is_file()}
    failed = {}
    for done, (clip, reason) in enumerate(_in_parallel(program, waiting, out, workers), start=1):
        if reason:
            failed[clip] = reason
        if progress:
            progress(len(clips) - len(waiting) + done, len(clips))
    in_order = tuple((clip, failed[clip]) for clip in waiting if clip in failed)
    return Extraction(len(waiting) - len(failed), len(clips) - len(waiting), in_order)


def _in_parallel(program: str, clips: Mapping[str, Path], out: Path, workers: int) -> Iterator[tuple[str, str]]:
    """Clips as they end, each with the reason why it failed, or nothing."""
    pool = ThreadPoolExecutor(workers)
    try:
        work = {pool.submit(_extract, program, clip, folder, out): clip for clip, folder in clips.items()}
        for future in as_completed(work):
            yield work[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _extract(program: str, clip: str, folder: Path, out: Path) -> str:
    """The reason why it failed, or nothing."""
    pictures = _pictures(folder)
    if not pictures:
        return f"{folder} has no picture"
    final, name = out / f"{clip}.csv", Path(clip).name
    with _workplace(out) as work:
        _link(pictures, work / "pictures")
        argv = [program, "-fdir", str(work / "pictures"), "-aus", "-of", name, "-out_dir", str(work)]
        try:
            ended = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False)
        except OSError as error:
            return f"{program} does not start ({error})"
        if ended.returncode:
            return f"{Path(program).name} ended with {ended.returncode}: {_last_line(ended.stderr or ended.stdout)}"
        rows = _rows(work / f"{name}.csv")
        if rows < len(pictures):
            return f"{Path(program).name} wrote {rows} rows for {len(pictures)} pictures"
        final.parent.mkdir(parents=True, exist_ok=True)
        os.replace(work / f"{name}.csv", final)
    return ""


def _pictures(folder: Path) -> list[Path]:
    """Pictures in natural order: 2.jpg before 10.jpg."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if path.suffix.lower() in PICTURES), key=_natural)


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part) if part.isdigit() else -1, part) for part in re.split(r"([0-9]+)", path.stem)]


def _link(pictures: list[Path], folder: Path) -> None:
    folder.mkdir()
    for number, picture in enumerate(pictures, start=1):
        (folder / f"{number:06d}{picture.suffix}").symlink_to(picture.resolve())


def _rows(path: Path) -> int:
    """Lines after the first, each whole."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(line.endswith(b"\n") for line in file) - 1


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][:200] if lines else "it said nothing"


@contextmanager
def _workplace(out: Path) -> Iterator[Path]:
    """A folder beside the files, so that a finished one is moved at once."""
    with tempfile.TemporaryDirectory(prefix=f"{_WORK}{os.getpid()}-", dir=out) as folder:
        yield Path(folder)


def _remove_left_over(out: Path) -> None:
    """Remove what processes that were killed have left."""
    for folder in out.glob(f"{_WORK}*"):
        if not _runs(int(folder.name.removeprefix(_WORK).split("-")[0])):
            shutil.rmtree(folder, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
