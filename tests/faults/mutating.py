"""Inputs made wrong: bytes, cells, values of JSON and TOML, and names, changed at random from a drawn seed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

DEEP = 3000
TEXTS = tuple(
    text.encode()
    for text in (
        "", "0", "-1", "1", "7", "8", "1e309", "1e-320", "nan", "NaN", "inf", "-inf", "0x10", "1_000", "+1", "1.", ".5",
        "99999999999999999999", "9" * 5000, "true", "null", "[]", "{}", "[" * DEEP, "a = " + "[" * DEEP, '{"a":' * DEEP,
        '"', "'", "\n", "\r", "\r\n", "\0", "\ufeff", "\u2028", "\x85", "\x1b[31m", "../..", "..", "/etc/passwd", "a/b",
        ".", "~", "\u0661\u0662", "\u00b2", "\U0001d7d9", "\u00e9", " ", "\t", ";", ",", "=", "#", "%s", "{0}", "\\",
        "x" * 300, "1e5", "-0.0", "1;2", "a\tb", "baseline", "train", "test", "last",
    )
)  # fmt: skip
TOKENS = (*TEXTS, b"\xff\xfe", b"\x80", b"\xc3", b"PK\x03\x04", b"PAR1", b"\x93NUMPY")
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 10**6, 10**30, -(10**30), 0.5, -0.0, 1e-320, 1e308, float("nan"), float("inf"),
    "", "0", "-1", "nan", "NaN", "../..", "..", "a/b", "\0", "\n", "\u2028", "é", "x" * 300, "m3dfel", "last", "fig4",
    [], [1], ["a"], [[]], [None], {}, {"a": 1}, {"": {}}, "9" * 5000,
)  # fmt: skip
Draw = Random


def some_bytes(data: bytes, draw: Draw) -> bytes:
    """`data` with one to four changes of bytes, words, numbers or lines."""
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        data = draw.choice(CHANGES)(data, draw)
    return data


def _span(data: bytes, draw: Draw, most: int = 64) -> tuple[int, int]:
    start = draw.randint(0, len(data))
    return start, min(len(data), start + draw.randint(0, most))


def _flip(data: bytes, draw: Draw) -> bytes:
    if not data:
        return b"\0"
    at = draw.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]


def _cut(data: bytes, draw: Draw) -> bytes:
    return data[: draw.randint(0, len(data))]


def _delete(data: bytes, draw: Draw) -> bytes:
    start, end = _span(data, draw)
    return data[:start] + data[end:]


def _double(data: bytes, draw: Draw) -> bytes:
    start, end = _span(data, draw)
    return data[:end] + data[start:end] * draw.choice((1, 2, 50)) + data[end:]


def _insert(data: bytes, draw: Draw) -> bytes:
    at = draw.randint(0, len(data))
    return data[:at] + draw.choice(TOKENS) + data[at:]


def _noise(data: bytes, draw: Draw) -> bytes:
    start, end = _span(data, draw)
    return data[:start] + draw.randbytes(end - start) + data[end:]


def _lines(data: bytes, draw: Draw) -> bytes:
    """A line lost, given twice, moved, or all of them given another end."""
    lines = data.split(b"\n")
    one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    kind = draw.randrange(4)
    if kind == 0:
        del lines[one]
    elif kind == 1:
        lines.insert(other, lines[one])
    elif kind == 2:
        lines[one], lines[other] = lines[other], lines[one]
    else:
        return draw.choice((b"\r\n", b"\r", b"\n\n", b"\0")).join(lines)
    return b"\n".join(lines)


def _word(data: bytes, draw: Draw) -> bytes:
    """A word or number replaced by a token."""
    return _replaced(rb"[A-Za-z0-9_.+-]+", data, draw)


def _value(data: bytes, draw: Draw) -> bytes:
    """What stands between commas, blanks, quotes, colons or equal signs replaced by a token."""
    return _replaced(rb"[^,;:=\s\"'\[\]{}]+", data, draw)


def _replaced(pattern: bytes, data: bytes, draw: Draw) -> bytes:
    found = [match.span() for match in re.finditer(pattern, data[:200_000])]
    if not found:
        return data + draw.choice(TOKENS)
    start, end = draw.choice(found)
    return data[:start] + draw.choice(TOKENS) + data[end:]


def _other(data: bytes, draw: Draw) -> bytes:
    """Something else altogether."""
    text = data.decode("utf-8", "replace")
    return draw.choice((b"", text.encode("utf-16"), b"\xef\xbb\xbf" + data, draw.randbytes(draw.randrange(200)), b"\n"))


CHANGES: tuple[Callable[[bytes, Draw], bytes], ...] = (
    _flip, _flip, _cut, _delete, _double, _insert, _insert, _noise, _lines, _lines, _word, _word, _value, _value,
    _other,
)  # fmt: skip


def some_json(data: bytes, draw: Draw) -> bytes:
    """JSON with a value replaced, removed or renamed; every third time, and in other files, bytes are changed."""
    try:
        value = json.loads(data)
    except ValueError:
        return some_bytes(data, draw)
    if not draw.randrange(3):
        return some_bytes(data, draw)
    for _ in range(draw.choice((1, 1, 2))):
        value = _odd(value, draw)
    return json.dumps(value).encode()


def some_json_lines(data: bytes, draw: Draw) -> bytes:
    """Lines of JSON, of which one is changed as `some_json` does."""
    if not draw.randrange(4):
        return some_bytes(data, draw)
    lines = data.splitlines()
    at = draw.randrange(len(lines))
    lines[at] = some_json(lines[at], draw)
    return b"\n".join(lines) + b"\n"


def _odd(value: Any, draw: Draw) -> Any:
    """`value` with something below it changed."""
    inner = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not inner or not draw.randrange(8):
        return draw.choice(ODD)
    key = draw.choice(inner)
    changed = value.copy()
    kind = draw.randrange(8)
    if kind == 0:
        del changed[key]
    elif kind == 1 and isinstance(changed, dict):
        changed[draw.choice(("", "x", "fold1", key.upper() if isinstance(key, str) else "y"))] = changed.pop(key)
    elif kind == 2 and isinstance(changed, list):
        changed.insert(key, draw.choice((changed[key], draw.choice(ODD))))
    else:
        changed[key] = _odd(value[key], draw)
    return changed


def some_toml(data: bytes, draw: Draw) -> bytes:
    """TOML with the value of a key replaced, or bytes changed."""
    if not draw.randrange(3):
        return some_bytes(data, draw)
    lines = data.split(b"\n")
    keys = [number for number, line in enumerate(lines) if re.match(rb"\s*[\w.\"-]+\s*=", line)]
    if not keys:
        return some_bytes(data, draw)
    at = draw.choice(keys)
    key, _, old = lines[at].partition(b"=")
    new = draw.choice((*ODD, old.decode(errors="replace").strip()))
    text = old.decode(errors="replace").strip() if new == old else _as_toml(new)
    lines[at] = key + b"= " + draw.choice((text, f"[{text}]", f"{{ a = {text} }}", f"{text}, {text}")).encode()
    return b"\n".join(lines)


def _as_toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)
    return "''" if value is None else json.dumps(value, ensure_ascii=False)


def some_name(name: str, draw: Draw) -> str:
    """A file's name that is another: what no file system takes is left out."""
    changed = some_bytes(name.encode(), draw).decode("utf-8", "replace")
    return re.sub(r"[/\0]", "_", changed)[:60].strip(".") or "x"
