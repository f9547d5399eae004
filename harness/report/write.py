"""`audfer report`: read the finished runs, write Tables 1-3. The thin edge around the pure modules of this folder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from harness.analysis.audit.finding import Finding
from harness.analysis.costs import Cost, Model
from harness.analysis.summary import NAME as SUMMARY
from harness.analysis.summary import summary_text
from harness.errors import RunError
from harness.files import write_text
from harness.report.compared import measure_setting
from harness.report.figures import begin_figures
from harness.report.footnotes import marked
from harness.report.grids import Flops
from harness.report.latex import all_latex, table_latex
from harness.report.markdown import all_markdown, relative, table_markdown
from harness.report.measured import settings
from harness.report.page.pictures import Source
from harness.report.page.render import gather, write_page
from harness.report.pairs import compare
from harness.report.printed import read_paper
from harness.report.summary import summarise
from harness.report.tables import table1, table2, table3
from harness.report.tidy import confusion_csv, table_csv
from harness.report.verdicts import forests, verdict_csv, verdict_markdown
from harness.runs.records import Run, read_runs

BeginCosts = Callable[[Collection[Model]], Callable[[], Mapping[Model, Cost]]]


def write_report(
    runs_root: Path,
    out: Path,
    paper_dir: Path,
    flops: Flops | BeginCosts | None = None,
    command: str = "",
    members: Collection[Path] | None = None,
    findings: Sequence[Finding] = (),
    figures: bool = False,
    frames: Mapping[str, Source] | None = None,
) -> list[Path]:
    """Write table1-3 (.md, .csv), tables.md (all three and the runs behind them), verdicts (.md, .csv), confusion.csv,
    summary.json and the page index.html, and with `figures` what the runs can show as svg and png.

    flops: multiply-adds of one clip at inference by (model, scale), or what begins to count them and the parameters.
    command: printed in tables.md.
    members: report these run directories and no others. findings: the audit's, marked on the printed values.
    frames: by data set, its manifest and root: the page then shows the clips that a run got wrong.
    Returns the paths. The same runs give the same bytes.
    RunError if no run has finished, or a finished one is not as it was sealed.
    """
    runs, unfinished = read_runs(runs_root)
    if members is not None:
        wanted = {path.resolve() for path in members}
        runs = [run for run in runs if run.path.resolve() in wanted]
        unfinished = [path for path in unfinished if path.resolve() in wanted]
    if not runs:
        state = f"no finished run ({len(unfinished)} unfinished)"
        raise RunError(f"{runs_root}: {state}; run an experiment to its end, for instance `audfer demo`")
    counting = _begin(runs, flops)
    paper = marked(read_paper(paper_dir), findings)
    found = settings(runs)
    judged = [(setting, compare(setting, list(paper.models))) for setting in found]
    drawing = begin_figures(found, forests(judged), list(paper.models)) if figures else None
    measured = [measure_setting(setting, paper, comparison) for setting, comparison in judged]
    costs, counted = counting()
    tables = (table1(paper, measured), table2(paper, measured, costs), table3(paper, measured))
    left_out = {relative(path, runs_root): path for path in unfinished}
    named = [(relative(run.path, runs_root), run) for run in runs]
    texts = {f"table{table.number}.md": table_markdown(table, len(left_out)) for table in tables}
    texts |= {f"table{table.number}.csv": table_csv(table.number, paper, measured, costs) for table in tables}
    texts |= {f"table{table.number}.tex": table_latex(table, len(left_out)) for table in tables}
    texts |= {"tables.tex": all_latex(tables)}
    texts |= {"tables.md": all_markdown(tables, named, list(left_out), command), "confusion.csv": confusion_csv(found)}
    texts |= {"verdicts.md": verdict_markdown(judged), "verdicts.csv": verdict_csv(judged)}
    texts[SUMMARY] = summary_text(summarise(measured, tables, costs, left_out, counted))
    written = _write(out, texts)
    content = gather(measured, runs_root, [one for _, one in judged], frames)
    drawn = drawing.write(out / "figures") if drawing else []
    page = write_page(
        content, out, figures=drawn, not_drawn=drawing.left_out if drawing else (), tables=tables, findings=findings,
        unfinished=list(left_out), command=command,
    )  # fmt: skip
    return [*written, *(path for one in drawn for path in (one.svg, one.png)), page]


def _begin(
    runs: Collection[Run], flops: Flops | BeginCosts | None
) -> Callable[[], tuple[Flops, Mapping[Model, int] | None]]:
    """What waits for multiply-adds and parameters of the runs' models; None for parameters that nobody counts."""
    if not callable(flops):
        return lambda: (flops or {}, None)
    wait = flops({(run.config.model, run.config.scale) for run in runs})

    def counted() -> tuple[Flops, Mapping[Model, int]]:
        found = wait().items()
        return {model: cost.multiply_adds for model, cost in found}, {model: cost.parameters for model, cost in found}

    return counted


def _write(out: Path, texts: Mapping[str, str]) -> list[Path]:
    """All texts exist before the first file is touched, so an error above leaves the old report whole."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_text(out / name, text)
    except OSError as error:
        raise RunError(f"{out}: report cannot be written ({error.strerror}); give another folder with --out") from error
    return [out / name for name in texts]
