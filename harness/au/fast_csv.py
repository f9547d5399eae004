"""Numbers out of a CSV file at the speed of memory: cells are found and read for a whole block of lines at once.

It reads plain lines of plain numbers, which is what extractors write; whatever is otherwise is `IrregularError`, and
the file then goes to the careful reader of harness/au/openface.py, which takes it or names what is wrong with it.

Letters: L lines, K columns read, W bytes of a line's end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_LONGEST = 15  # digits and point of a cell: below 2**53, so that one division rounds as float() does
_TEN = 10.0 ** np.arange(_LONGEST + 1)
_NEWLINE, _RETURN, _COMMA, _SPACE, _POINT, _ZERO = b"\n\r, .0"
_FIRST_COLUMNS = 8  # columns so near the line's beginning that it is quicker to walk there than to find all commas
_WALK = 64  # bytes of their cells, at most


class IrregularError(Exception):
    """Not plain lines of plain numbers."""


@dataclass(frozen=True, eq=False)
class _Block:
    """Bytes of whole lines; begin_L, end_L: first byte of each, and the byte after its last."""

    byte: Array
    begin_L: Array
    end_L: Array
    count: int  # columns


def read_lines(file: BinaryIO, first: int, start: int, stop: int) -> bytes:
    """The whole lines that begin at the bytes start to stop - 1; `first` is where the first line begins."""
    if start > first:
        file.seek(start - 1)
        start += len(file.readline()) - 1
    else:
        file.seek(start)
    # The last line is the one with the byte stop - 1, even where that byte ends it.
    return file.read(stop - 1 - start) + file.readline() if start < stop else b""


def parse(
    text: bytes, count: int, place: Sequence[int], units: int, one: Callable[[str], float]
) -> tuple[Array, Array]:
    """The cells at the columns `place` of all lines: (L, K - units) float64, and the last `units` of them (L, units),
    float32 if all have two places, else float64. `count` is the number of columns of a line.

    one: reads a cell that is not digits with a point; a ValueError of it is an IrregularError, as are lines of
    another number of cells.
    """
    if not text.strip():
        return np.empty((0, len(place) - units)), np.empty((0, units))
    block = _block(text, count)
    fixed = _fixed_end(block, units) if _at_the_end(place, count) >= units else None
    if fixed is None:
        value_LK = _numbers(block.byte, *_cells(block, np.asarray(place)), one)
        return value_LK[:, :-units], value_LK[:, -units:]
    place = place[:-units]
    find = _walk if max(place) < _FIRST_COLUMNS else _cells
    return _numbers(block.byte, *find(block, np.asarray(place)), one), fixed


def _block(text: bytes, count: int) -> _Block:
    if not text.endswith(b"\n") or text[-2:] in (b"\r\n", b"\n\n"):
        text = text.rstrip(b"\r\n") + b"\n"
    byte = np.frombuffer(text, dtype=np.uint8)
    end_L = np.flatnonzero(byte == _NEWLINE)
    begin_L = np.concatenate([[0], end_L[:-1] + 1])
    if np.count_nonzero(byte == _COMMA) != len(end_L) * (count - 1):
        raise IrregularError
    return _Block(byte, begin_L, end_L - (byte[end_L - 1] == _RETURN), count)


def _at_the_end(place: Sequence[int], count: int) -> int:
    """How many of the last columns read are the last of the line, in order."""
    last = 0
    while last < len(place) and place[-1 - last] == count - 1 - last:
        last += 1
    return last


def _fixed_end(block: _Block, last: int) -> Array | None:
    """The last cells of all lines, if they all read like 0.00 with the same between them, as OpenFace writes AUs.

    None if they do not. Read from the line's end, they need no search; what every byte must be, the first line says.
    """
    line = block.byte[block.begin_L[0] : block.end_L[0]].tobytes()
    tail = b"," + b",".join(line.split(b",")[-last:])
    step, width = len(tail) // last, len(tail)
    if width != step * last or step not in (5, 6) or (block.end_L - block.begin_L < width).any():
        return None
    form = np.frombuffer((b", "[: step - 4] + b"0.00") * last, dtype=np.uint8)
    digit_LW = np.lib.stride_tricks.sliding_window_view(block.byte, width)[block.end_L - width] - form
    if (digit_LW > np.where(form == _ZERO, np.uint8(9), np.uint8(0))).any():
        return None
    whole, tenth, hundredth = (digit_LW[:, step - places :: step] for places in (4, 2, 1))
    number = whole * np.uint16(100) + (tenth * np.uint8(10) + hundredth)
    # A unit's values lie together from here on: all that comes later goes unit by unit.
    return (number.T.astype(np.float32) / np.float32(100)).T


def _walk(block: _Block, place: Array) -> tuple[Array, Array]:
    """First byte of each cell and the byte after its last, (L, K) each, for columns near the line's beginning."""
    bounds = [block.begin_L - 1]
    for _ in range(int(place.max()) + 1):
        at_L = bounds[-1] + 1
        for _ in range(_WALK):
            before_L = block.byte[at_L] != _COMMA
            if not before_L.any():
                break
            at_L += before_L
        bounds.append(at_L)
    if (block.byte[bounds[-1]] != _COMMA).any() or (bounds[-1] >= block.end_L).any():
        raise IrregularError
    bound_LK = np.stack(bounds, axis=1)
    return bound_LK[:, place] + 1, bound_LK[:, place + 1]


def _cells(block: _Block, place: Array) -> tuple[Array, Array]:
    """The same for any columns."""
    lines = len(block.begin_L)
    bounds = np.empty((lines, block.count + 1), dtype=np.int64)
    bounds[:, 0], bounds[:, -1] = block.begin_L - 1, block.end_L
    bounds[:, 1:-1] = np.flatnonzero(block.byte == _COMMA).reshape(lines, block.count - 1)
    # The first and the last of its share of the commas lie in the line, so every line has just its own.
    if (bounds[:, 1] < block.begin_L).any() or (bounds[:, -2] >= block.end_L).any():
        raise IrregularError
    return bounds[:, place] + 1, bounds[:, place + 1]


def _numbers(byte: Array, start_LK: Array, end_LK: Array, one: Callable[[str], float]) -> Array:
    start_LK = start_LK + (byte[start_LK] == _SPACE)
    width_LK = end_LK - start_LK
    value_LK, odd_LK = np.empty(start_LK.shape), np.zeros(start_LK.shape, dtype=bool)
    for columns in _alike(width_LK):
        start, width = start_LK[:, columns], width_LK[:, columns]
        found = _alike_decimals(byte, start, int(width.max())) if width.min() == width.max() else None
        if found is None:
            value_LK[:, columns], odd_LK[:, columns] = _decimals(byte, start, width)
        else:
            value_LK[:, columns] = found
    for line, column in np.argwhere(odd_LK):
        cell = byte[start_LK[line, column] : end_LK[line, column]].tobytes()
        try:
            value_LK[line, column] = one(cell.decode().strip())
        except ValueError:
            raise IrregularError from None
    return value_LK


def _alike(width_LK: Array) -> list[slice]:
    """Runs of columns with the same widest and narrowest cell: frame numbers must not slow the others down."""
    ends_2K = np.stack([width_LK.max(axis=0), width_LK.min(axis=0)])
    cuts = [0, *(np.flatnonzero(np.diff(ends_2K).any(axis=0)) + 1).tolist(), width_LK.shape[1]]
    return [slice(a, b) for a, b in pairwise(cuts)]


def _alike_decimals(byte: Array, start_LK: Array, width: int) -> Array | None:
    """Values of cells of one width with the point, if any, at one place; None if they are not."""
    if not 0 < width <= _LONGEST:
        return None
    number, places, pointed = np.zeros(start_LK.shape, dtype=np.int64), 0, False
    for i in range(width):
        char = byte[start_LK + i]
        if not pointed and char.flat[0] == _POINT:
            pointed = True
            if (char != _POINT).any():
                return None
            continue
        digit = char - np.uint8(_ZERO)
        if digit.max() > 9:
            return None
        number, places = number * 10 + digit, places + pointed
    return number / _TEN[places] if width > pointed else None


def _decimals(byte: Array, start_LK: Array, width_LK: Array) -> tuple[Array, Array]:
    """Values, and where a cell is none of at most 15 digits with at most one point."""
    number, places = np.zeros(start_LK.shape, dtype=np.int64), np.zeros(start_LK.shape, dtype=np.int8)
    seen, pointed = np.zeros(start_LK.shape, dtype=bool), np.zeros(start_LK.shape, dtype=bool)
    odd = width_LK > _LONGEST
    for i in range(min(int(width_LK.max()), _LONGEST)):
        inside = width_LK > i
        char = byte[np.minimum(start_LK + i, len(byte) - 1)]
        digit = inside & (char - np.uint8(_ZERO) <= 9)
        point = inside & (char == _POINT) & ~pointed
        odd |= inside & ~digit & ~point
        number = np.where(digit, number * 10 + (char - np.uint8(_ZERO)), number)
        places += digit & pointed
        seen |= digit
        pointed |= point
    return number / _TEN[places], odd | ~seen
