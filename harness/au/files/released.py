"""Reads an AU list as released for AU-DFER (AU_DFEW.txt, AU_FERV39K.txt): one line a frame.

A line is a blank, the frame, and 18 blanks each with 0 or 1, in the order of ACTION_UNITS. The frame is
`<clip>.csv/<number>` (DFEW) or `<clip>/<number>` (FERV39k, whose clip is `<scene>/<class>/<clip>`). Source of the form:
the readers in Former-DFER_AU/annotation and M3DFEL_AU/datasets of Cross-Innovation-Lab/AU-DFER.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from harness.au.files.extractors import INTENSITY_UNITS
from harness.au.files.rows import Rows, VideoRows
from harness.au.units import NUM_UNITS
from harness.errors import DataError

log = logging.getLogger(__name__)

_FRAME = re.compile(r"(?P<clip>.+?)(?:\.csv)?/(?P<number>[0-9]+)")
_REMEDY = "take the list as it was released"
_NO_UNITS = b""

Entries = dict[int, bytes]  # frame number -> 18 digits, or none


def read_released(
    path: Path, videos: Sequence[str], *, progress: Callable[[int, int], None] | None = None
) -> Iterator[VideoRows]:
    """The frames of those of `videos` that the list has, by number. A frame without units has no success; how many
    there are is logged. DataError, naming the line, for any other form, and for a list with none of the clips.
    """
    clips = _entries(path)
    found = [video for video in videos if video in clips]
    if videos and not found:
        raise DataError(
            f"{path}: none of {len(videos)} clips is in the list, e.g. {videos[0]}; it begins with "
            f"{next(iter(clips))}: take the list of this data set"
        )
    empty = sum(units == _NO_UNITS for video in found for units in clips[video].values())
    if empty:
        log.warning("%s: %d frames have no action units and do not count", path, empty)
    for done, video in enumerate(found, start=1):
        yield _video(video, clips[video])
        if progress:
            progress(done, len(found))


def _entries(path: Path) -> dict[str, Entries]:
    clips: dict[str, Entries] = {}
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        clip, frame, units = _entry(f"{path}: line {number}", line)
        entries = clips.setdefault(clip, {})
        if frame in entries:
            raise DataError(f"{path}: line {number}: frame {frame} of {clip} is there twice; {_REMEDY}")
        entries[frame] = units
    if not clips:
        raise DataError(f"{path}: is empty; {_REMEDY}")
    return clips


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise DataError(f"{path}: no such AU list; name the file or a folder of AU files") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as UTF-8 text ({error}); {_REMEDY}") from None


def _entry(where: str, line: str) -> tuple[str, int, bytes]:
    """Clip, frame number and units of a line."""
    name, *units = line.split()
    frame = _FRAME.fullmatch(name)
    if frame is None:
        raise DataError(f"{where}: '{name[:60]}' is not a clip, a slash and a frame number; {_REMEDY}")
    if len(units) not in (0, NUM_UNITS):
        raise DataError(f"{where}: {name} has {len(units)} units, not {NUM_UNITS}; {_REMEDY}")
    wrong = [unit for unit in units if unit not in ("0", "1")]
    if wrong:
        raise DataError(f"{where}: {name} has a unit '{wrong[0][:20]}' that is not 0 or 1; {_REMEDY}")
    number = int(frame["number"])
    if not 1 <= number < 2**31:
        raise DataError(f"{where}: {name}: frames are counted from 1; {_REMEDY}")
    return frame["clip"], number, "".join(units).encode()


def _video(video: str, entries: Entries) -> VideoRows:
    numbers = sorted(entries)
    success_T = np.array([entries[number] != _NO_UNITS for number in numbers])
    digits = b"".join(entries[number] or b"0" * NUM_UNITS for number in numbers)
    rows = Rows(
        frame_T=np.array(numbers, dtype=np.int32),
        face_T=np.zeros(len(numbers), dtype=np.int32),
        confidence_T=np.ones(len(numbers), dtype=np.float32),
        success_T=success_T,
        intensity_TR=np.full((len(numbers), len(INTENSITY_UNITS)), np.nan, dtype=np.float32),
        presence_TA=np.frombuffer(digits, dtype=np.uint8).reshape(-1, NUM_UNITS) - np.uint8(ord("0")),
    )
    lacking_R, given_A = np.zeros(len(INTENSITY_UNITS), dtype=bool), np.ones(NUM_UNITS, dtype=bool)
    return VideoRows(video, rows, lacking_R, given_A, has_confidence=False, extra_faces=0)
