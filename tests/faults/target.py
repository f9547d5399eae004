"""A target of the fuzzing, and how files of tables and mixed files are changed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import mutating
import pyarrow as pa
import pyarrow.parquet as pq

Mutator = Callable[[bytes, Random], bytes]


@dataclass(frozen=True)
class Target:
    """files: those that are changed, below a folder of the target's own. seal: what is made right again afterwards, so
    that the change is not stopped by a hash; it gives the folder that is then read. weight: share of the cases.
    """

    name: str
    files: tuple[str, ...]
    read: Callable[[Path], object]
    mutate: Mutator = mutating.some_bytes
    seal: Callable[[Path], Path] | None = None
    weight: int = 4
    names: bool = False


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> tuple[str, ...]:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return tuple(files)


def some_parquet(data: bytes, draw: Random) -> bytes:
    """Bytes changed, or a whole table with a column lost, renamed, of another type, or with odd values."""
    if not draw.randrange(2):
        return mutating.some_bytes(data, draw)
    table = pq.read_table(io.BytesIO(data))
    at = draw.randrange(table.num_columns)
    name, column = table.column_names[at], table.column(at)
    odd = draw.choice((0, -1, 7, 10**6, "x", "", None, 0.5, float("nan"), float("inf"), True, [1]))
    kind = draw.randrange(7)
    if kind == 0:
        table = table.remove_column(at)
    elif kind == 1:
        table = table.rename_columns([draw.choice(("x", "", *table.column_names)) if n == name else n
                                      for n in table.column_names])  # fmt: skip
    elif kind == 2:
        table = table.set_column(at, name, pa.array([odd] * len(table)))
    elif kind == 3:
        values = column.to_pylist()
        if values:
            values[draw.randrange(len(values))] = odd
        try:
            table = table.set_column(at, name, pa.array(values))
        except (pa.ArrowException, TypeError):
            table = table.slice(1)
    elif kind == 4:
        table = table.slice(draw.randrange(len(table) + 1), draw.randrange(len(table) + 1))
    elif kind == 5:
        order = list(range(len(table)))
        draw.shuffle(order)
        table = table.take(order)
    else:
        table = pa.concat_tables([table, table.slice(0, 2)])
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=max(1, draw.choice((len(table), 3))))
    return out.getvalue()


def by_kind(data: bytes, draw: Random) -> bytes:
    """By what the bytes are: parquet, JSON, JSON lines, or others."""
    if data[:4] == b"PAR1":
        return some_parquet(data, draw)
    if data[:1] == b"{":
        try:
            json.loads(data)
        except ValueError:
            return mutating.some_json_lines(data, draw)
        return mutating.some_json(data, draw)
    return mutating.some_bytes(data, draw)
