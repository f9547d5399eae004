"""Writing the page: templates, style and script in, one HTML file out. The same inputs give the same bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from harness import __version__
from harness.analysis.audit.finding import Finding
from harness.au.units import EXPRESSIONS
from harness.errors import RunError
from harness.files import write_text
from harness.report.cells import CLASSES, MARKS, percent, points
from harness.report.figures.style import Figure
from harness.report.headings import plural
from harness.report.markdown import relative
from harness.report.page.model import FOREST_WIDTH, WORDS, Model, page_model, rule_name
from harness.report.page.payload import interval, payload
from harness.report.page.pictures import LIMIT, Pictures, Source, strips
from harness.report.pairs import Comparison
from harness.report.tables import Measured, Table

PAGE = "index.html"
HERE = files("harness.report.page") / "templates"
SCRIPTS = ("tables.js", "curves.js", "run.js", "page.js")
INLINE = re.compile(r"`(?P<code>[^`]+)`|\*(?P<em>[^*\s][^*]*)\*|<sup>(?P<sup>[0-9, ]+)</sup>")
SIZES = ("effect", "replication", "repair")  # kinds of finding that are no faults


@dataclass(frozen=True)
class Content:
    """What the page says of the runs, made while figures are being drawn. paths: of the runs, below their folder."""

    model: Model
    paths: Sequence[str]
    pictures: Pictures
    data: Mapping[str, Any]


def gather(
    measured: Sequence[Measured],
    runs_root: Path,
    comparisons: Sequence[Comparison] = (),
    frames: Mapping[str, Source] | None = None,
    limit: int = LIMIT,
) -> Content:
    """What the page says of the runs.

    runs_root: the folder of runs, below which runs are named.
    comparisons: of each setting's pairs, in the order of `measured`; none: a page without verdicts.
    frames: by data set, where the frames of wrong clips lie; limit: bytes of all of them.
    Errors: DataError if frames asked for are not there.
    """
    model = page_model(measured, comparisons)
    paths = [relative(run.path, runs_root) for run in model.runs]
    pictures = strips(model.runs, frames or {}, limit)
    return Content(model, paths, pictures, payload(model, paths, pictures.strips))


def write_page(
    content: Content,
    out: Path,
    *,
    figures: Sequence[Figure] = (),
    not_drawn: Sequence[str] = (),
    tables: Sequence[Table] = (),
    findings: Sequence[Finding] = (),
    unfinished: Sequence[str] = (),
    command: str = "",
) -> Path:
    """Write `out`/index.html, a page that needs no other file, and return its path.

    not_drawn: names of the figures that were too many. tables: Tables 1-3. findings: the audit's.
    unfinished: runs below the folder of runs. command: what made the report. RunError if the page cannot be written.
    """
    given = {
        "figures": figures, "not_drawn": not_drawn, "tables": tables, "findings": findings, "unfinished": unfinished,
        "command": command,
    }  # fmt: skip
    text = page_text(content, given)
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / PAGE, text)
    except OSError as error:
        raise RunError(f"{out}: page cannot be written ({error.strerror}); give another folder with --out") from error
    return out / PAGE


def page_text(content: Content, given: Mapping[str, Any]) -> str:
    """The whole page as text."""
    script = "\n".join(_source(name) for name in SCRIPTS)
    template = _environment().get_template("page.html.j2")
    return template.render(
        **given,
        model=content.model,
        paths=content.paths,
        pictures=content.pictures,
        style=Markup(_source("style.css")),
        script=Markup(script),
        script_hash=_digest(script),
        data=content.data,
        script_data=_script_data(content.data),
        words=WORDS,
        classes=tuple(zip(CLASSES, EXPRESSIONS, strict=True)),
        rules=_rules(content.model),
        choices=_choices(content.model),
        width=FOREST_WIDTH,
        sizes=SIZES,
        version=__version__,
    )


def _environment() -> Environment:
    """Autoescape is always on: no name of a manifest, a clip or a class is taken for markup."""
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "percent": percent, "points": _points, "plural": plural, "rule": rule_name, "inline": inline,
        "kind": _kind, "number": _number, "interval": interval, "slug": _slug,
    }  # fmt: skip
    environment.globals["marks"] = MARKS
    return environment


def inline(text: str) -> Markup:
    """Text of the tables with its few marks (`code`, *em*, <sup>1</sup>) as elements, and all else escaped."""
    parts, end = [], 0
    for match in INLINE.finditer(text):
        tag = match.lastgroup
        assert tag is not None
        parts += [escape(text[end : match.start()]), Markup(f"<{tag}>{{}}</{tag}>").format(match[tag])]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])


def _source(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    """The one script that the page may run, for its content security policy."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _script_data(data: Mapping[str, Any]) -> Markup:
    """JSON that cannot end its script element, nor open a comment in it."""
    text = json.dumps(data, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _rules(model: Model) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.line.rule for one in model.scores))


def _choices(model: Model) -> dict[str, tuple[str, list[str]]]:
    """What can be filtered by: name of the attribute -> label, values in order."""
    lines = [one.line for one in model.scores]
    names = {"setting": "Data set", "model": "Model", "arm": "Arm", "rule": "Selection", "fold_set": "Fold set"}
    return {name: (label, list(dict.fromkeys(getattr(one, name) for one in lines))) for name, label in names.items()}


def _points(share: float) -> str:
    return "-" if math.isnan(share) else points(share)


def _number(value: float) -> str:
    """What a column is sorted by; empty for NaN, which is sorted last."""
    return "" if math.isnan(value) else f"{value:.6g}"


def _kind(figure: Figure) -> str:
    """What the figure is made of: coloured cells, or lines and points on plain paper."""
    return "cells" if figure.name.startswith(("confusion", "knowledge")) else "lines"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
