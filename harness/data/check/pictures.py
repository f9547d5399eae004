"""One look at a folder of frames: its numbers, its pictures' sizes, and which pictures cannot be whole.

The quick look reads the beginning and the end of each file (JPEG: start, frame header, end marker; PNG: signature,
IHDR, IEND). That finds empty, cut-off and misnamed files, not damage in the middle; `decode` decodes all.
"""

from __future__ import annotations

import io
import os
import re
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import simplejpeg
from PIL import Image

from harness.data.clips import natural_key

READ_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
OTHER_SUFFIXES = frozenset({".bmp", ".gif", ".tif", ".tiff", ".webp"})
HEAD_BYTES, TAIL_BYTES = 1 << 15, 1024
JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
PNG_START, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
NOT_FRAME_HEADERS = frozenset({0xC4, 0xC8, 0xCC})
MISNAMED = "PNG named as JPEG or the reverse"
"""The one fault that can be read nevertheless: pictures are decoded by their content."""
LAST_DIGITS = re.compile(r"(\d+)\D*$")


@dataclass(frozen=True)
class FolderScan:
    """What a folder under `frames_dir` holds.

    numbers: of its pictures, sorted. nested: the one folder inside that holds pictures when the folder itself has none.
    other: pictures in a form that is not read. sizes: (width, height) -> pictures. faults: file name, what is wrong.
    """

    name: str
    found: bool
    numbers: array[int] = field(default_factory=lambda: array("q"))
    unnumbered: tuple[str, ...] = ()
    mixed_padding: bool = False
    suffixes: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    faults: tuple[tuple[str, str], ...] = ()
    nested: str = ""
    other: str = ""

    @property
    def pictures(self) -> int:
        """How many pictures the folder holds."""
        return len(self.numbers) + len(self.unnumbered)


def scan_folder(frames_dir: Path, name: str, *, look: bool = True, decode: bool = False) -> FolderScan:
    """Scan `frames_dir/name` once. look: read each picture's header and end; decode: decode each."""
    folder = frames_dir / name
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, os.path.splitext(entry.name)[1].lower()) for entry in entries]
    except OSError:
        return FolderScan(name, found=False)
    files = sorted((file for file, suffix in found if suffix in READ_SUFFIXES), key=natural_key)
    if not files:
        return FolderScan(name, True, nested=_nested(folder), other=_other(found))
    sizes, faults = _look(folder, files, decode) if look or decode else (Counter(), ())
    numbers, unnumbered, mixed = _numbers(files)
    suffixes = Counter(suffix for _, suffix in found if suffix in READ_SUFFIXES)
    return FolderScan(name, True, numbers, unnumbered, mixed, suffixes, sizes, faults, other=_other(found))


def look_at(path: str, decode: bool = False) -> tuple[tuple[int, int] | None, str]:
    """(width, height) of a picture, and what is wrong with it ('' if nothing is)."""
    try:
        return _decoded(path) if decode else _glanced(path)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return None, str(error).splitlines()[0] if str(error) else type(error).__name__


def _look(folder: Path, files: list[str], decode: bool) -> tuple[Counter[tuple[int, int]], tuple[tuple[str, str], ...]]:
    sizes: Counter[tuple[int, int]] = Counter()
    faults = []
    for file in files:
        size, fault = look_at(f"{folder}/{file}", decode)
        if size:
            sizes[size] += 1
        if fault:
            faults.append((file, fault))
    return sizes, tuple(faults)


def _numbers(files: list[str]) -> tuple[array[int], tuple[str, ...], bool]:
    """Frame numbers (sorted), names without one, and whether some are padded with zeros and others are not."""
    digits = {file: match[1] for file in files if (match := LAST_DIGITS.search(os.path.splitext(file)[0]))}
    padded = {len(text) for text in digits.values() if len(text) > 1 and text[0] == "0"}
    shorter = any(len(text) < max(padded, default=0) and text[0] != "0" for text in digits.values())
    numbers = array("q", sorted(int(text) for text in digits.values()))
    return numbers, tuple(file for file in files if file not in digits), len(padded) > 1 or shorter


def _nested(folder: Path) -> str:
    try:
        inside = [entry for entry in folder.iterdir() if entry.is_dir()]
        holds = [entry.name for entry in inside if any(f.suffix.lower() in READ_SUFFIXES for f in entry.iterdir())]
    except OSError:
        return ""
    return holds[0] if len(holds) == 1 else ""


def _other(found: list[tuple[str, str]]) -> str:
    others = Counter(suffix for _, suffix in found if suffix in OTHER_SUFFIXES)
    return others.most_common(1)[0][0] if others else ""


def _glanced(path: str) -> tuple[tuple[int, int] | None, str]:
    handle = os.open(path, os.O_RDONLY)
    try:
        # One read where the file is small: the disk fetches as much anyway, and each call costs more than its bytes.
        data = os.read(handle, HEAD_BYTES)
        tail = data[-TAIL_BYTES:]
        if len(data) == HEAD_BYTES:
            length = os.fstat(handle).st_size
            tail = os.pread(handle, TAIL_BYTES, max(0, length - TAIL_BYTES))
        size = picture_size(data) or (picture_size(os.pread(handle, length, 0)) if len(data) == HEAD_BYTES else None)
    finally:
        os.close(handle)
    return size, _fault(path, data, tail, size)


def picture_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) of a JPEG or PNG from its first bytes; None if it is neither, or they are too few."""
    return jpeg_size(data) if data.startswith(JPEG_START) else png_size(data)


def _fault(path: str, head: bytes, tail: bytes, size: tuple[int, int] | None) -> str:
    if not head:
        return "empty file"
    is_png, is_jpeg = head.startswith(PNG_START), head.startswith(JPEG_START)
    if not is_png and not is_jpeg:
        return "neither JPEG nor PNG"
    if size is None:
        return "no picture size in it"
    if (PNG_END if is_png else JPEG_END) not in tail:
        return "cut off"
    return "" if is_png == path.lower().endswith(".png") else MISNAMED


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) from a JPEG's frame header; None if `data` ends before it."""
    position = len(JPEG_START)
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
        elif 0xC0 <= marker <= 0xCF and marker not in NOT_FRAME_HEADERS:
            return int.from_bytes(data[position + 7 : position + 9]), int.from_bytes(data[position + 5 : position + 7])
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4])
    return None


def png_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) from a PNG's IHDR; None if it is not there."""
    if not data.startswith(PNG_START) or data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def _decoded(path: str) -> tuple[tuple[int, int] | None, str]:
    size, fault = _glanced(path)
    if fault not in ("", MISNAMED):
        return size, fault
    data = Path(path).read_bytes()
    if data.startswith(JPEG_START):
        simplejpeg.decode_jpeg(data, colorspace="RGB", strict=True)
    else:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            picture.load()
    return size, fault
