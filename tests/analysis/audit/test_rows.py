import pytest

from harness.analysis.audit.basis import bases
from harness.analysis.audit.rows import RowVerdict, audit_row, audit_table, needed_recall
from harness.analysis.audit.table import Cell, FoldSizes, Row, Table, fold_sizes

CLASSES = ("a", "b", "c", "d", "e")
# On the second fold a tenth more; a tenth of nothing divides both.
SIZES = fold_sizes("D", CLASSES, {1: [489, 379, 181, 29, 97], 2: [491, 380, 180, 29, 98]})
# Right clips 400, 200, 90, 3, 50 of the first fold: WAR 743/1175.
FOLD1 = {"a": "81.80", "b": "52.77", "c": "49.72", "d": "10.34", "e": "51.55", "WAR": "63.23", "UAR": "49.24"}


def audited(cells: dict[str, str], sizes: FoldSizes = SIZES) -> RowVerdict:
    table = Table("T", (*CLASSES, "WAR", "UAR"), CLASSES, (Row(1, "A", "arm", {n: Cell(t) for n, t in cells.items()}),))
    return audit_row(table.rows[0], table, sizes)


def test_a_row_of_one_fold_closes_there_with_its_counts() -> None:
    verdict = audited(FOLD1)
    assert verdict.closes
    assert verdict.bases[0] == "fold1"
    assert verdict.counts["fold1"] == {"a": 400, "b": 200, "c": 90, "d": 3, "e": 50}
    assert verdict.ranges["fold1"]["d"] == (3, 3)
    assert verdict.findings == ()
    # (490 380 182 30 98) printable of 10,001 each, no halves.
    assert verdict.chance == pytest.approx(490 * 380 * 182 * 30 * 98 / 10001**5, rel=0.05)


def test_a_pooled_row_closes_pooled() -> None:
    # 800 of 980, 400 of 759, 180 of 361, 7 of 58, 100 of 195: 1487/2353; no fold has 7/58.
    cells = {"a": "81.63", "b": "52.70", "c": "49.86", "d": "12.07", "e": "51.28", "WAR": "63.20", "UAR": "49.51"}
    assert "pooled" in audited(cells).bases


@pytest.mark.parametrize(
    "metric, text, kind", [("UAR", "49.94", "uar-not-mean"), ("WAR", "63.43", "war-not-weighted-mean")]
)
def test_one_wrong_metric_is_named(metric: str, text: str, kind: str) -> None:
    (finding,) = audited(FOLD1 | {metric: text}).findings
    assert (finding.kind, finding.column, finding.basis) == (kind, metric, "fold1")
    assert finding.printed == text
    assert finding.derived.startswith(FOLD1[metric][:4])
    assert finding.evidence["counts"]["a"] == 400


def test_one_wrong_cell_is_named_with_what_belongs_there() -> None:
    (finding,) = audited(FOLD1 | {"c": "49.92"}).findings
    assert (finding.kind, finding.column, finding.basis) == ("cell-not-a-fraction", "c", "fold1")
    low, high = map(float, finding.derived.split(" to "))
    assert low <= 49.72 <= high < 49.92


def test_a_wrong_cell_that_is_a_fraction_is_found_by_the_metrics() -> None:
    # d = 4/29 in place of 3/29.
    (finding,) = audited(FOLD1 | {"d": "13.79"}).findings
    assert finding.basis == "fold1"
    assert finding.column in ("d", "UAR")


def test_the_last_digit_is_seen_though_the_mean_over_folds_would_take_it() -> None:
    verdict = audited(FOLD1 | {"b": "52.78"})
    assert not verdict.closes
    assert verdict.findings[0].column == "b"
    assert verdict.findings[0].confidence == "likely"


def test_a_row_that_fits_nowhere_is_one_finding() -> None:
    cells = {"a": "11.11", "b": "22.21", "c": "33.31", "d": "44.41", "e": "55.51", "WAR": "66.61", "UAR": "77.71"}
    (finding,) = audited(cells).findings
    assert (finding.kind, finding.column) == ("no-basis", "")
    assert {"d", "UAR", "WAR"} <= set(finding.evidence["fails"]["fold1"])


def test_without_class_cells_war_has_to_be_a_share_of_the_clips() -> None:
    sizes = fold_sizes("D", CLASSES, {1: [10, 10, 10, 10, 11]})
    assert audited({"WAR": "50.98", "UAR": "50.00"}, sizes).closes
    (finding,) = audited({"WAR": "50.50", "UAR": "50.00"}, sizes).findings
    assert finding.column in ("WAR", "")


def test_a_missing_cell_leaves_the_rest_checked() -> None:
    assert audited({name: text for name, text in FOLD1.items() if name != "c"}).bases[0] == "fold1"
    assert not audited({name: text for name, text in FOLD1.items() if name != "c"} | {"d": "11.11"}).closes


def test_a_row_without_numbers_has_nothing_to_say() -> None:
    verdict = audited({"UAR": "50.00"})
    assert (verdict.bases, verdict.closes, verdict.findings) == ((), False, ())


def test_a_table_has_a_verdict_for_each_row() -> None:
    rows = tuple(Row(number, "A", "", {n: Cell(t) for n, t in FOLD1.items()}) for number in (1, 2))
    verdicts = audit_table(Table("T", (*CLASSES, "WAR", "UAR"), CLASSES, rows), SIZES)
    assert [verdict.row.number for verdict in verdicts] == [1, 2]


def test_what_is_left_for_a_class_holds_its_recall() -> None:
    row = Row(1, "A", "", {name: Cell(text) for name, text in FOLD1.items()})
    low, high = needed_recall(row, bases(SIZES)[0], "a")
    assert low <= 400 / 489 <= high
    assert high - low < 0.001
