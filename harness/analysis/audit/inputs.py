"""What an audit reads: tables, class sizes, and for the paper the literature, claims and constants. The thin edge."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.analysis.audit.claims import Claim, read_claims
from harness.analysis.audit.finding import Finding
from harness.analysis.audit.literature import Known, metric_columns, read_literature
from harness.analysis.audit.order import sizes_of
from harness.analysis.audit.table import Cell, FoldSizes, Row, Table, fold_sizes, read_fold_sizes, read_table
from harness.errors import DataError
from harness.manifest import load_dataset, load_model, manifests_dir

PAPER = {"table1": "", "table2": "DFEW", "table3": "DFEW"}
"""The paper's tables, and the data set of the columns that do not name one."""

PAPER_DATASETS = ("dfew", "ferv39k", "mafw", "mafw_11")
PAPER_MODELS = ("m3dfel", "mae_dfer", "former_dfer")


@dataclass(frozen=True)
class Inputs:
    """All that an audit is worked out from.

    datasets: by table, the data set of the columns that name none. sources: where each data set's class sizes are from.
    figures: Fig. 4 and the released constants. measured: multiply-adds by method and counter. recipes: official
    settings by method. constants: what the code audit found, in `figures` and `frames` (clips and frames of the public
    lists by data set and class). rates: how many slips made on purpose the audit finds.
    """

    tables: Mapping[str, Table]
    sizes: Mapping[str, FoldSizes]
    datasets: Mapping[str, str]
    sources: Mapping[str, str]
    literature: tuple[Known, ...] = ()
    claims: tuple[Claim, ...] = ()
    figures: Mapping[str, Table] = field(default_factory=dict)
    measured: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    constants: tuple[Finding, ...] = ()
    frames: Mapping[str, Any] = field(default_factory=dict)
    rates: tuple[Mapping[str, str], ...] = ()


def paper_inputs() -> Inputs:
    """The paper's three tables, Fig. 4 and the released constants, with all that is known beside them."""
    from harness.analysis.audit.released import read_frames_by_class, released  # NumPy: other tables do without

    root = manifests_dir()
    paper, knowledge = root / "paper", root / "knowledge"
    frames = read_frames_by_class(paper / "frames_by_class.csv")
    models = [load_model(name) for name in PAPER_MODELS]
    return Inputs(
        {name: read_table(paper / f"{name}.csv") for name in PAPER},
        manifest_sizes(PAPER_DATASETS),
        PAPER,
        {name: f"manifests/datasets/{name}.toml" for name in PAPER_DATASETS},
        read_literature(paper / "literature.csv"),
        read_claims(paper / "claims.toml"),
        read_matrices(knowledge),
        {one.title: _multiply_adds(one.facts["full"].model_dump()) for one in models},
        {one.title: _settings(one.recipe["full"].model_dump()) for one in models},
        tuple(released(knowledge, frames)),
        {name: {one: asdict(row) for one, row in rows.items()} for name, rows in frames.items()},
        read_rates(),
    )


def given_inputs(
    paths: Sequence[Path], folds: Path | None = None, dataset: str = "", literature: Path | None = None
) -> Inputs:
    """Tables given as files. Class sizes are those of `folds`, else those of the manifest of `dataset`.

    dataset: the data set of columns that name none; it may be left out if `folds` has one alone. DataError names the
    file that is missing, is not of its form, or does not go with the others.
    """
    tables = {path.stem: read_table(path) for path in paths}
    if len(tables) < len(paths):
        raise DataError(f"{paths[-1]}: another table has the same name; rename one of the files")
    if folds is None and not dataset:
        raise DataError(f"{paths[0]}: no class sizes; give them with --folds, or name a data set with --dataset")
    sizes = read_fold_sizes(folds) if folds else manifest_sizes([dataset])
    source = str(folds) if folds else f"manifests/datasets/{dataset}.toml"
    own = dataset or (next(iter(sizes)) if len(sizes) == 1 else "")
    for path, table in zip(paths, tables.values(), strict=True):
        _check(path, table, sizes, own, source)
    return Inputs(
        tables,
        sizes,
        dict.fromkeys(tables, own),
        dict.fromkeys(sizes, source),
        read_literature(literature) if literature else (),
    )


def manifest_sizes(names: Collection[str]) -> dict[str, FoldSizes]:
    """Test clips per class and fold of data sets, from their manifests. DataError if a manifest has no counts."""
    found = {}
    for name in names:
        manifest = load_dataset(name)
        counts = {int(fold): part.test for fold, part in manifest.counts.items()}
        if not counts:
            raise DataError(f"manifests/datasets/{name}.toml: has no counts of clips; give them with --folds")
        found[name] = fold_sizes(name, manifest.classes, counts)
    return found


def read_matrices(folder: Path) -> dict[str, Table]:
    """Every matrix of a folder by file name; `knowledge_fig4.csv` is `fig4`, as the claims call it."""
    names = {path: path.stem.removeprefix("knowledge_") for path in sorted(folder.glob("*.csv"))}
    return {name: read_matrix(path, name) for path, name in names.items()}


def read_matrix(path: Path, name: str) -> Table:
    """A matrix with a first column of row names as a table without metrics. DataError if it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); give a UTF-8 CSV file") from error
    rows = [Row(number, line[0], "", dict(zip(header[1:], map(Cell, line[1:]), strict=True)))
            for number, line in enumerate(lines, start=1)]  # fmt: skip
    return Table(name, tuple(header[1:]), (), tuple(rows))


def read_rates() -> tuple[dict[str, str], ...]:
    """The rates of the property test: slips made on purpose, how many of them are found (docs/audit.md)."""
    path = manifests_dir() / "paper" / "corruption_rates.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(csv.DictReader(file))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); install the harness again") from error


def class_sizes(table: Table, sizes: Mapping[str, FoldSizes], dataset: str) -> FoldSizes | None:
    """The sizes of the data set, or of the one of its class sets, that has exactly the table's classes; else None."""
    known = [size for size in sizes_of(dataset.casefold(), sizes) if set(size.classes) == set(table.classes)]
    return known[0] if known else None


def _check(path: Path, table: Table, sizes: Mapping[str, FoldSizes], dataset: str, source: str) -> None:
    """Every data set of a table has class sizes, and its class cells are those of its data set."""
    for name in [*metric_columns(table, dataset), *([dataset] if table.classes else [])]:
        if not sizes_of(name.casefold(), sizes):
            what = f"data set {name}" if name else "a data set for columns without its name; add --dataset"
            raise DataError(f"{source}: has no class sizes of {what}, which {path} needs; it has {', '.join(sizes)}")
    if table.classes and class_sizes(table, sizes, dataset) is None:
        there = ", ".join(sizes_of(dataset.casefold(), sizes)[0].classes)
        raise DataError(
            f"{source}: the classes of {dataset} are {there}, but {path} has {', '.join(table.classes)}; "
            "name them alike, in both files"
        )


def _multiply_adds(facts: Mapping[str, int]) -> dict[str, int]:
    """Counts by counter: every operation that multiplies, and those that fvcore knows."""
    return {"multiply-adds": facts["multiply_adds"], "multiply-adds by fvcore": facts["multiply_adds_fvcore"]}


def _settings(recipe: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """A recipe with dotted names."""
    found: dict[str, Any] = {}
    for name, value in recipe.items():
        found |= _settings(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return found
