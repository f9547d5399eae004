"""Tables 1-3 from synthetic run directories; expected numbers are worked out by hand."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.audit.finding import Finding
from harness.errors import ManifestError, RunError
from harness.manifest import AUArm, RunConfig, RunData, manifests_dir
from harness.report.cells import giga, percent, points
from harness.report.markdown import pipe_table
from harness.report.printed import read_paper
from harness.report.write import write_report

PAPER = manifests_dir() / "paper"
ARMS = ("baseline", "au-global", "au-distinct", "au-minor")
MODELS = ("former_dfer", "m3dfel", "mae_dfer")
WriteRun = Callable[..., Path]

# (label, predicted): happy 2 of 4, sad 1 of 1, the other five without a clip. WAR 3/5, UAR (1/2 + 1) / 2.
HALF_HAPPY = [(0, 0), (0, 0), (0, 1), (0, 1), (1, 1)]
# happy 3 of 4, sad 1 of 1. WAR 4/5, UAR 7/8.
MORE_HAPPY = [(0, 0), (0, 0), (0, 0), (0, 1), (1, 1)]
# happy 0 of 4, sad 0 of 1.
NONE_RIGHT = [(0, 2)] * 4 + [(1, 2)]


@pytest.fixture
def demo(run_config: Callable[..., RunConfig], run_data: Callable[..., RunData]) -> Callable[..., RunConfig]:
    """Configuration of a run on five rendered test clips, one rule."""
    return lambda **changes: run_config(**{"dataset": run_data(test=5), "selection": ("last",), **changes})


@pytest.fixture
def dfew(run_config: Callable[..., RunConfig], run_data: Callable[..., RunData]) -> Callable[..., RunConfig]:
    """Configuration of a run on five test clips of a published data set."""
    dataset = run_data(name="dfew", test=5, title="DFEW", published=True)
    fixed = {"experiment": "dfew", "dataset": dataset, "scale": "full", "folds": 2, "selection": ("last",)}
    return lambda **changes: run_config(**{**fixed, **changes})


def report(tmp_path: Path, **options: Any) -> Path:
    out = tmp_path / "out"
    write_report(tmp_path / "runs", out, PAPER, **options)
    return out


def lines(out: Path, table: int, **where: str) -> list[dict[str, str]]:
    """Lines of a csv whose columns have the given values."""
    found = csv.DictReader(io.StringIO((out / f"table{table}.csv").read_text()))
    return [line for line in found if all(line[name] == value for name, value in where.items())]


def value(out: Path, table: int, **where: str) -> str:
    (line,) = lines(out, table, source="measured", **where)
    return line["value"]


def grid(text: str, heading: str) -> list[list[str]]:
    """Cells of the first markdown grid below a heading that contains `heading`: column heads, then rows."""
    after = text[text.index(heading) :].splitlines()
    start = next(i for i, line in enumerate(after) if line.startswith("|"))
    rows = []
    for line in after[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return [rows[0], *rows[2:]]


def measured_grids(text: str) -> list[list[list[str]]]:
    """All grids but the printed one, which comes first."""
    return [grid(f"### {part}", "###") for part in text.split("\n### ")[1:]]


def test_the_manifests_are_the_tables_of_the_paper() -> None:
    paper = read_paper(PAPER)
    assert [len(paper.table1), len(paper.table2), len(paper.table3)] == [21, 21, 12]
    assert paper.models == {"m3dfel": "M3DFEL", "mae_dfer": "MAE-DFER", "former_dfer": "Former-DFER"}
    assert paper.table1[16].values["DFEW_WAR"] == "65.53"
    assert paper.table2[15].values["disgust"] == "0.00"
    assert paper.table3[7].arm == "au-minor"


def test_printed_slips_are_kept() -> None:
    paper = read_paper(PAPER)
    shifted = paper.table2[6]
    assert (shifted.method, shifted.values["WAR"], shifted.values["UAR"]) == ("EC-STFL", "45.35", "50.93")


def test_a_printed_table_of_other_columns_is_refused(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        text = (PAPER / f"table{number}.csv").read_text()
        (tmp_path / f"table{number}.csv").write_text(text.replace("UAR", "AUR") if number == 3 else text)
    with pytest.raises(ManifestError, match=r"table3\.csv: columns are not"):
        read_paper(tmp_path)


@pytest.mark.parametrize("number, rows", [(1, 21), (2, 21), (3, 12)])
def test_every_printed_cell_stands_in_the_printed_grid(
    tmp_path: Path, write_run: WriteRun, number: int, rows: int
) -> None:
    write_run()
    out = report(tmp_path)
    paper = read_paper(PAPER)
    printed = grid((out / f"table{number}.md").read_text(), "as printed")[1:]
    assert len(printed) == rows
    for cells, row in zip(printed, getattr(paper, f"table{number}"), strict=True):
        assert cells[0].startswith(f"{row.method} [{row.cite}]")
        assert cells[2:] == [text or "-" for text in row.values.values()]


def test_measured_numbers_are_those_of_the_predictions(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    write_run(demo(), predicted=HALF_HAPPY)
    out = report(tmp_path)
    assert value(out, 2, quantity="WAR") == "60.0000"
    assert value(out, 2, quantity="UAR") == "75.0000"
    # F1: happy 2 * 2 / (4 + 2), sad 2 * 1 / (1 + 3), over seven expressions.
    assert value(out, 2, quantity="macro-F1") == f"{100 * (2 / 3 + 1 / 2) / 7:.4f}"
    (happy,) = lines(out, 2, source="measured", quantity="accuracy", **{"class": "happy"})
    assert (happy["value"], happy["correct"], happy["total"]) == ("50.0000", "2", "4")
    (fear,) = lines(out, 2, source="measured", quantity="accuracy", **{"class": "fear"})
    assert (fear["value"], fear["correct"], fear["total"]) == ("", "0", "0")


def test_markdown_has_percent_and_integer_counts(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    write_run(demo(), predicted=HALF_HAPPY)
    text = (report(tmp_path) / "table2.md").read_text()
    heading = "rendered faces (not DFEW), native engine, scale demo, fold1, selection last, 1 seed"
    assert grid(text, f"### Accuracy of each expression: {heading}")[1][3:] == ["50.00", "100.00", *["-"] * 5]
    assert grid(text, f"### WAR and UAR: {heading}")[1][3:7] == ["1", "60.00", "", "75.00"]
    assert grid(text, f"### Right clips / clips: {heading}")[1][2:] == ["2/4", "1/1", *["0/0"] * 5, "3/5"]


def test_rendered_numbers_stand_in_no_dfew_column(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    for arm in ARMS:
        write_run(demo(arm=arm), predicted=HALF_HAPPY)
    out = report(tmp_path)
    for number in (1, 2, 3):
        text = (out / f"table{number}.md").read_text()
        assert "* Measured on: rendered faces (not DFEW)." in text
        assert "no number here is a result on DFEW" in text
        for columns, *rows in measured_grids(text):
            assert not any(name.startswith("DFEW") or "printed" in name for name in columns)
            assert not any("printed" in row for row in rows)
        assert {line["dataset"] for line in lines(out, number, source="measured")} == {"rendered faces (not DFEW)"}


def test_the_title_of_an_unpublished_data_set_does_not_make_it_dfew(
    tmp_path: Path, write_run: WriteRun, demo: Any, run_data: Any
) -> None:
    write_run(demo(dataset=run_data(name="dfew", title="DFEW", test=5)), predicted=HALF_HAPPY)
    out = report(tmp_path)
    assert {line["dataset"] for line in lines(out, 1, source="measured")} == {"rendered faces (not DFEW)"}
    for number in (1, 2, 3):
        assert "printed" not in str(measured_grids((out / f"table{number}.md").read_text()))


def test_data_laid_out_as_dfew_stand_in_no_dfew_column(
    tmp_path: Path, write_run: WriteRun, demo: Any, run_data: Any
) -> None:
    differs = "fold 1 has 33 train clips of happy, not 1,956"
    write_run(demo(dataset=run_data(name="dfew", title="DFEW", test=5, differs=differs)), predicted=HALF_HAPPY)
    out = report(tmp_path)
    label = "data laid out as DFEW (not the published DFEW)"
    assert {line["dataset"] for line in lines(out, 1, source="measured")} == {label}
    text = (out / "table1.md").read_text()
    assert f"laid out as DFEW, but not it: {differs}; no number here is a result on DFEW." in text
    assert "printed" not in str(grid(text, f"### {label}"))


@pytest.mark.parametrize(("test", "said"), [("centre", "the centre of each segment"), ("upstream", "drawn at random")])
def test_the_rule_for_test_frames_is_said(tmp_path: Path, write_run: WriteRun, demo: Any, test: str, said: str) -> None:
    run = demo()
    sampling = run.recipe.sampling.model_copy(update={"test": test})
    recipe = run.recipe.model_copy(update={"sampling": sampling})
    write_run(run.model_copy(update={"recipe": recipe}), predicted=HALF_HAPPY)
    assert f"Frames at test time: m3dfel {said}" in (report(tmp_path) / "table1.md").read_text()


def test_dfew_numbers_stand_beside_the_printed_ones(tmp_path: Path, write_run: WriteRun, dfew: Any) -> None:
    write_run(dfew(), predicted=HALF_HAPPY)
    write_run(dfew(arm="au-global"), predicted=MORE_HAPPY)
    text = (report(tmp_path) / "table1.md").read_text()
    columns, *rows = grid(text, "### DFEW, native engine, scale full, fold1")
    assert columns[:7] == ["Method", "Arm", "Seeds", "DFEW WAR", "DFEW ΔWAR [95 %]", "DFEW UAR", "DFEW ΔUAR [95 %]"]
    assert columns[7:] == ["WAR as printed", "ΔWAR as printed", "UAR as printed", "ΔUAR as printed"]
    assert rows[0] == ["M3DFEL", "baseline", "1", "60.00", "", "75.00", "", "64.33", "", "52.67", ""]
    assert [rows[1][:4], rows[1][5], rows[1][7:]] == [["M3DFEL", "au-global", "1", "80.00"], "87.50", [""] * 4]
    assert rows[2] == ["M3DFEL", "AU, best of three", *["-"] * 5, "65.53", "+1.20", "54.78", "+2.11"]


def test_table3_sets_each_strategy_against_its_printed_and_measured_baseline(
    tmp_path: Path, write_run: WriteRun, dfew: Any
) -> None:
    write_run(dfew(), predicted=HALF_HAPPY)
    write_run(dfew(arm="au-minor"), predicted=MORE_HAPPY)
    text = (report(tmp_path) / "table3.md").read_text()
    rows = grid(text, "### WAR and UAR: DFEW, native engine")[1:5]
    # One clip of five, of four happy ones, is won: 97.5 % of the draws hold it 3 times or less, of 5 as of 4.
    gains = [points_of(cell) for row in rows for cell in (row[5], row[7])]
    assert gains == [(), (), (), (), (-0.17,), (1.2,), (20.0, 0.0, 60.0), (12.5, 0.0, 37.5)]
    assert [[*row[1:5], row[6], row[8]] for row in rows] == [
        ["baseline", "printed", "", "64.33", "52.67", ""],
        ["baseline", "measured", "1", "60.00", "75.00", ""],
        ["au-minor", "printed", "", "64.16", "53.87", ""],
        ["au-minor", "measured", "1", "80.00", "87.50", "1"],
    ]
    classes = grid(text, "### Accuracy of each expression: DFEW, native engine")[1:5]
    assert [row[1:5] for row in classes[2:]] == [
        ["au-minor", "printed", "88.75", "65.44"],
        ["au-minor", "measured", "75.00", "100.00"],
    ]


def points_of(cell: str) -> tuple[float, ...]:
    """Difference and interval of a cell such as `+1.20 [-0.50, 3.00] ○`."""
    return tuple(map(float, re.findall(r"[-+]?[0-9.]+", cell)))


def test_table2_has_the_printed_gain_of_the_best_of_three(tmp_path: Path, write_run: WriteRun, dfew: Any) -> None:
    write_run(dfew(), predicted=HALF_HAPPY)
    rows = grid((report(tmp_path) / "table2.md").read_text(), "### WAR and UAR: DFEW, native engine")[1:4]
    assert [row[1:3] for row in rows[::2]] == [["baseline", "printed"], ["AU, best of three", "printed"]]
    assert rows[2][4:8] == ["65.53", "+1.20", "54.78", "+2.11"]


def test_models_and_arms_are_in_the_papers_order(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    for model in (*MODELS, "another"):
        for arm in reversed(ARMS):
            write_run(demo(model=model, arm=arm), predicted=HALF_HAPPY)
    rows = grid((report(tmp_path) / "table1.md").read_text(), "### rendered")[1:]
    assert [row[0] for row in rows[::4]] == ["M3DFEL", "MAE-DFER", "Former-DFER", "another"]
    assert [row[1] for row in rows[:4]] == list(ARMS)


def test_an_arm_that_was_not_run_is_a_dash_and_never_a_zero(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    write_run(demo(), predicted=HALF_HAPPY)
    write_run(demo(arm="au-global"), predicted=HALF_HAPPY)
    write_run(demo(model="mae_dfer"), predicted=HALF_HAPPY)
    rows = grid((report(tmp_path) / "table1.md").read_text(), "### rendered")[1:]
    assert rows[3] == ["MAE-DFER", "au-global", *["-"] * 5]


def test_all_folds_give_fold1_mean_and_pooled(tmp_path: Path, write_run: WriteRun, dfew: Any) -> None:
    write_run(dfew(fold=1), predicted=HALF_HAPPY)
    two = dfew(fold=2)
    two = two.model_copy(update={"dataset": two.dataset.model_copy(update={"clips": {"test": 15}})})
    write_run(two, predicted=NONE_RIGHT * 3)
    out = report(tmp_path)
    assert value(out, 1, fold_set="fold1", quantity="WAR") == "60.0000"
    assert value(out, 1, fold_set="mean-of-folds", quantity="WAR") == "30.0000"
    assert value(out, 1, fold_set="pooled", quantity="WAR") == "15.0000"
    (mean,) = lines(out, 2, fold_set="mean-of-folds", **{"class": "happy"})
    (pooled,) = lines(out, 2, fold_set="pooled", **{"class": "happy"})
    assert (mean["correct"], mean["total"]) == ("", "")
    assert (pooled["correct"], pooled["total"]) == ("2", "16")


def test_some_folds_are_named_and_are_no_mean_of_folds(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    write_run(demo(fold=1), predicted=HALF_HAPPY)
    write_run(demo(fold=3), predicted=NONE_RIGHT)
    out = report(tmp_path)
    assert {line["fold_set"] for line in lines(out, 1, source="measured")} == {"fold1", "folds 1,3"}
    assert value(out, 1, fold_set="folds 1,3", quantity="WAR") == "30.0000"


def test_seeds_are_averaged_and_counted(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    write_run(demo(seed=0), predicted=HALF_HAPPY)
    write_run(demo(seed=7), predicted=MORE_HAPPY)
    out = report(tmp_path)
    (war,) = lines(out, 2, source="measured", quantity="WAR")
    assert (war["value"], war["seeds"], war["correct"], war["total"]) == ("70.0000", "0;7", "7", "10")
    assert "fold1, selection last, 2 seeds" in (out / "table2.md").read_text()


def test_a_seed_that_lacks_a_fold_is_in_no_mean_of_folds(tmp_path: Path, write_run: WriteRun, dfew: Any) -> None:
    for fold, seed in ((1, 0), (2, 0), (1, 1)):
        write_run(dfew(fold=fold, seed=seed), predicted=MORE_HAPPY if seed else HALF_HAPPY)
    out = report(tmp_path)
    assert value(out, 1, fold_set="fold1", quantity="WAR", seeds="0;1") == "70.0000"
    assert value(out, 1, fold_set="mean-of-folds", quantity="WAR", seeds="0") == "60.0000"
    text = (out / "table1.md").read_text()
    assert [rows[1][2] for rows in measured_grids(text)] == ["2", "1", "1"]


def test_each_rule_has_a_grid_and_best_on_test_is_an_oracle(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    write_run(demo(selection=("best-on-test", "last")), predicted=HALF_HAPPY)
    out = report(tmp_path)
    text = (out / "table3.md").read_text()
    assert text.index("fold1, selection last, 1 seed") < text.index("fold1, selection best-on-test (*oracle*), 1 seed")
    assert {line["note"] for line in lines(out, 3, selection="best-on-test")} == {"oracle"}


@pytest.mark.parametrize(
    "machine, reason",
    [({"device_name": "Other CPU"}, "device"), ({"torch": "2.12.0"}, "torch"), ({"precision": "bf16"}, "precision")],
)
def test_a_pair_of_two_environments_is_broken(
    tmp_path: Path, write_run: WriteRun, demo: Any, run_environment: Any, machine: dict[str, str], reason: str
) -> None:
    write_run(demo(), predicted=HALF_HAPPY)
    write_run(demo(arm="au-global"), predicted=MORE_HAPPY, machine=run_environment(**machine))
    out = report(tmp_path)
    text = (out / "table3.md").read_text()
    row = grid(text, "### WAR and UAR: rendered")[2]
    assert [row[5], row[7], row[8]] == [f"✗ broken: {reason}", f"✗ broken: {reason}", "0 of 1"]
    assert f"Broken pair, left out of M3DFEL au-global: {reason} (fold 1, seed 0)." in text
    assert value(out, 3, quantity="WAR difference", note=f"broken: {reason} (fold 1, seed 0)") == ""


def test_another_number_of_threads_breaks_no_pair(
    tmp_path: Path, write_run: WriteRun, demo: Any, run_environment: Any
) -> None:
    write_run(demo(), predicted=HALF_HAPPY)
    write_run(demo(arm="au-global"), predicted=MORE_HAPPY, machine=run_environment(threads=16))
    assert value(report(tmp_path), 3, quantity="WAR difference") == "20.0000"


def test_a_pair_of_two_recipes_is_broken(tmp_path: Path, write_run: WriteRun, demo: Any, run_recipe: Any) -> None:
    write_run(demo(), predicted=HALF_HAPPY)
    write_run(demo(arm="au-global", recipe=run_recipe(epochs=9)), predicted=MORE_HAPPY)
    assert grid((report(tmp_path) / "table3.md").read_text(), "### WAR and UAR")[2][5] == "✗ broken: recipe"


def test_an_au_run_without_a_baseline_has_no_difference(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    write_run(demo(arm="au-global"), predicted=MORE_HAPPY)
    assert grid((report(tmp_path) / "table3.md").read_text(), "### WAR and UAR")[1][5] == "✗ broken: no baseline run"


def test_a_broken_pair_is_left_out_of_the_mean_over_seeds(
    tmp_path: Path, write_run: WriteRun, demo: Any, run_environment: Any
) -> None:
    for seed in (0, 1):
        write_run(demo(seed=seed), predicted=HALF_HAPPY)
    write_run(demo(arm="au-global", seed=0), predicted=MORE_HAPPY)
    write_run(demo(arm="au-global", seed=1), predicted=NONE_RIGHT, machine=run_environment(torch="2.12.0"))
    row = grid((report(tmp_path) / "table3.md").read_text(), "### WAR and UAR")[2]
    assert [row[5][:6], row[7][:6], row[8]] == ["+20.00", "+12.50", "1 of 2"]


def test_a_broken_fold_takes_its_seed_out_of_mean_of_folds(
    tmp_path: Path, write_run: WriteRun, dfew: Any, run_environment: Any
) -> None:
    for fold in (1, 2):
        write_run(dfew(fold=fold), predicted=HALF_HAPPY)
        machine = run_environment(device_name="Other CPU") if fold == 2 else None
        write_run(dfew(arm="au-global", fold=fold), predicted=MORE_HAPPY, machine=machine)
    out = report(tmp_path)
    assert value(out, 3, quantity="WAR difference", fold_set="fold1") == "20.0000"
    assert value(out, 3, quantity="WAR difference", fold_set="mean-of-folds") == ""
    assert value(out, 3, quantity="WAR difference", fold_set="pooled") == ""


def test_unfinished_runs_are_named_and_in_no_number(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    write_run(demo(), predicted=HALF_HAPPY)
    left = write_run(demo(seed=1), predicted=NONE_RIGHT, sealed=False)
    out = report(tmp_path)
    assert value(out, 1, quantity="WAR") == "60.0000"
    assert f"demo/rendered/m3dfel/baseline/{left.name}" in (out / "tables.md").read_text()
    assert "1 unfinished run(s) are left out" in (out / "table1.md").read_text()


def test_without_a_finished_run_there_is_no_report(tmp_path: Path, write_run: WriteRun) -> None:
    write_run(sealed=False)
    with pytest.raises(RunError, match=r"no finished run \(1 unfinished\); run an experiment to its end"):
        report(tmp_path)
    assert not (tmp_path / "out").exists()


def test_two_runs_of_one_cell_are_refused(tmp_path: Path, write_run: WriteRun, demo: Any, run_recipe: Any) -> None:
    write_run(demo(), predicted=HALF_HAPPY)
    write_run(demo(recipe=run_recipe(epochs=9)), predicted=HALF_HAPPY)
    with pytest.raises(RunError, match=r"the same model, arm, fold and seed; move one of them out"):
        report(tmp_path)


def test_seeds_of_two_au_ratios_are_refused(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    write_run(demo(arm="au-global", seed=0), predicted=HALF_HAPPY)
    other = AUArm(strategy="global", ratio=0.5)
    write_run(demo(arm="au-global", seed=1, au=other), predicted=HALF_HAPPY)
    with pytest.raises(RunError, match=r"other recipe or options"):
        report(tmp_path)


def test_members_keep_other_runs_out(tmp_path: Path, write_run: WriteRun, demo: Any, run_recipe: Any) -> None:
    wanted = write_run(demo(), predicted=HALF_HAPPY)
    write_run(demo(recipe=run_recipe(epochs=9)), predicted=NONE_RIGHT)
    assert value(report(tmp_path, members=[wanted]), 1, quantity="WAR") == "60.0000"


def test_experiments_are_not_mixed(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    write_run(demo(), predicted=HALF_HAPPY)
    write_run(demo(experiment="other"), predicted=NONE_RIGHT)
    out = report(tmp_path)
    assert value(out, 1, quantity="WAR", experiment="demo") == "60.0000"
    assert value(out, 1, quantity="WAR", experiment="other") == "0.0000"


def test_flops_stand_in_table2_by_model_and_scale(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    write_run(demo(), predicted=HALF_HAPPY)
    write_run(demo(model="mae_dfer"), predicted=HALF_HAPPY)
    out = report(tmp_path, flops={("m3dfel", "demo"): 12_345_678, ("mae_dfer", "full"): 49_000_000_000})
    rows = grid((out / "table2.md").read_text(), "### WAR and UAR")[1:]
    assert [row[-1] for row in rows] == ["0.0123", "-"]


def test_tables_md_says_which_runs_and_epochs_and_command(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    folder = write_run(demo(selection=("last", "best-on-test")), predicted=HALF_HAPPY)
    text = (report(tmp_path, command="audfer report runs") / "tables.md").read_text()
    assert "Command: `audfer report runs`" in text
    assert grid(text, "## Runs")[1] == [f"`demo/rendered/m3dfel/baseline/{folder.name}`", "2", "last 2, best-on-test 1"]


def test_confusion_csv_counts_every_clip(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    write_run(demo(), predicted=HALF_HAPPY)
    rows = list(csv.DictReader(io.StringIO((report(tmp_path) / "confusion.csv").read_text())))
    assert [(row["label"], row["as_happy"], row["as_sad"]) for row in rows[:2]] == [
        ("happy", "2", "2"),
        ("sad", "0", "1"),
    ]
    assert sum(int(row[name]) for row in rows for name in row if name.startswith("as_")) == 5


def test_the_same_runs_give_the_same_bytes(tmp_path: Path, write_run: WriteRun, demo: Any) -> None:
    for model in MODELS:
        for arm in ARMS:
            write_run(demo(model=model, arm=arm, selection=("last", "best-on-test")), predicted=HALF_HAPPY)
    first = write_report(tmp_path / "runs", tmp_path / "one", PAPER)
    moved = (tmp_path / "runs").rename(tmp_path / "elsewhere")
    second = write_report(moved, tmp_path / "two", PAPER)
    assert [path.name for path in first] == [path.name for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert {path.name for path in (tmp_path / "one").iterdir()} == {path.name for path in first}


def test_a_bar_in_a_cell_is_escaped() -> None:
    assert "a\\|b c" in pipe_table(("Method",), [("a|b\nc",)], left=1)


def test_cells_round_as_the_paper_does() -> None:
    assert [percent(417 / 489), percent(0.0), percent(float("nan"))] == ["85.28", "0.00", "-"]
    assert [points(0.012), points(-1e-9), points(-0.0017)] == ["+1.20", "+0.00", "-0.17"]
    assert percent(-1e-9) == "0.00"
    assert [giga(1_656_000_000), giga(12_345_678), giga(None)] == ["1.66", "0.0123", "-"]


def test_printed_values_carry_the_audits_marks(tmp_path: Path, write_run: WriteRun) -> None:
    write_run()
    place = ("table2", "C3D, reported", "fear")
    out = report(tmp_path, findings=[Finding("cell-not-a-fraction", *place, "fear 0.51 is no k/n")])
    text = (out / "table2.md").read_text()
    assert grid(text, "as printed")[1][8] == "0.51<sup>1</sup>"
    assert "* <sup>1</sup> Fear 0.51 is no k/n (certain; `cell-not-a-fraction/table2/C3D, reported/fear`)." in text
    (fear,) = lines(out, 2, source="printed", method="C3D", **{"class": "fear"})
    assert (fear["value"], fear["audit"]) == ("0.51", "cell-not-a-fraction/table2/C3D, reported/fear")
    assert {line["audit"] for line in lines(out, 1)} == {""}
    assert "<sup>" not in (out / "table1.md").read_text()
