"""The whole audit: the paper's tables, tables of a user, and inputs that do not go together."""

from pathlib import Path

import pytest

from harness.analysis.audit.finding import KINDS
from harness.analysis.audit.inputs import given_inputs, manifest_sizes, paper_inputs
from harness.analysis.audit.whole import WEIGHT, Audit, audit
from harness.errors import DataError, HarnessError

FOLDS = "dataset,fold,class,count\nD,1,a,29\nD,1,b,100\n"
# a 3/29, b 50/100 and 6/29, 51/100: WAR 53/129 and 57/129.
TABLE = "method,arm,a,b,WAR,UAR\nM,baseline,10.34,50.00,41.09,30.17\nM,x,20.69,51.00,44.19,35.84\n"
OF_A_ROW = {"no-basis", "uar-not-mean", "war-not-weighted-mean", "cell-not-a-fraction", "repair", "shifted"}


@pytest.fixture(scope="module")
def paper() -> Audit:
    return audit(paper_inputs())


def given(folder: Path, table: str = TABLE, folds: str = FOLDS, **options: str) -> Audit:
    for name, text in (("t.csv", table), ("f.csv", folds)):
        (folder / name).write_text(text)
    return audit(given_inputs([folder / "t.csv"], folder / "f.csv", **options))


def test_every_kind_has_a_weight() -> None:
    assert set(WEIGHT) == set(KINDS)


def test_of_the_paper_these_rows_close(paper: Audit) -> None:
    """M3DFEL and MAE-DFER on fold 1 (disgust 10.34 = 3/29), Former-DFER over the folds (disgust 4.83 = 7/145)."""
    bases = {(name, one.row.name): one.bases for name, rows in paper.rows.items() for one in rows}
    assert bases["table3", "MAE-DFER, distinct"][0] == "fold1"
    assert bases["table2", "M3DFEL, au"][0] == "fold1"
    assert "mean-of-folds" in bases["table3", "Former-DFER, distinct"]
    assert "fold1" not in bases["table3", "Former-DFER, distinct"]
    assert not bases["table2", "EC-STFL, reported"]
    assert not bases["table2", "MAE-DFER, au"]


def test_no_finding_about_a_row_that_closes(paper: Audit) -> None:
    """Only what compares it with something outside the table may name one: sizes, FLOPs, what the text says."""
    closing = {(name, one.row.name) for name, rows in paper.rows.items() for one in rows if one.closes}
    blamed = {(one.kind, one.table, one.row) for one in paper.findings if (one.table, one.row) in closing}
    assert {kind for kind, _, _ in blamed} <= {"effect", "flops", "replication"}


def test_every_row_that_fails_has_a_finding(paper: Audit) -> None:
    for name, rows in paper.rows.items():
        for one in rows:
            assert bool(one.findings) is not one.closes
            assert not one.findings or paper.of(table=name, row=one.row.name)


def test_each_statement_is_told_once(paper: Audit) -> None:
    ids = [one.id for one in paper.findings]
    assert len(ids) == len(set(ids))
    (shifted,) = paper.of("shifted")
    assert shifted.row == "EC-STFL, reported"
    assert shifted.evidence["also"]["other_table"] == "table1"


def test_the_weightiest_come_first(paper: Audit) -> None:
    order = [WEIGHT.index(one.kind) for one in paper.findings]
    assert order == sorted(order)


def test_of_the_paper_one_war_is_no_count(paper: Audit) -> None:
    """3613/7847 = 46.0431 and 3614/7847 = 46.0558 do not round to 46.05; 3613/7846 = 46.0489 does."""
    (found,) = paper.of("dropped-line")
    assert (found.row, found.column, found.derived) == ("M3DFEL, baseline", "FERV39k_WAR", "3613/7846")
    assert found.evidence["cut_off"] == {"fold1": 3614}
    assert found.confidence == "possible"


def test_a_table_of_a_user(tmp_path: Path) -> None:
    found = given(tmp_path)
    assert [one.bases for one in found.rows["t"]] == [("fold1",), ("fold1",)]
    assert [one.kind for one in found.findings] == ["effect"]
    assert found.findings[0].evidence["correct"] == {"baseline": 53, "arm": 57, "clips": 129}


def test_a_slip_in_it_is_found_and_the_other_row_left_alone(tmp_path: Path) -> None:
    found = given(tmp_path, TABLE.replace("20.69", "26.69"))
    assert [one.closes for one in found.rows["t"]] == [True, False]
    assert {one.row for one in found.findings if one.kind in OF_A_ROW} == {"M, x"}
    (repair,) = found.of("repair")
    assert repair.evidence["changes"] == {"a": ["26.69", "20.69"]}


def test_a_table_without_class_cells(tmp_path: Path) -> None:
    table = "method,arm,WAR,UAR\nM,baseline,41.09,30.00\nM,x,44.19,30.00\nN,x,44.20,30.00\n"
    found = given(tmp_path, table)
    (war,) = found.of("war-no-count")
    assert (war.row, war.evidence["nearest"]["fold1"][0]) == ("N, x", "57/129 = 44.1860")
    assert found.of("effect")[0].derived == "+4 clips"


def test_a_lost_line(tmp_path: Path) -> None:
    """60/128 = 46.875; 60/129 = 46.512, 61/129 = 47.287."""
    (found,) = given(tmp_path, "method,WAR\nM,46.88\n").of("dropped-line")
    assert found.derived == "60/128"
    assert found.evidence["cut_off"] == {}
    assert found.confidence == "likely"


def test_a_data_set_from_its_manifest(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("method,WAR,UAR\nM,64.33,52.67\n")
    found = audit(given_inputs([tmp_path / "t.csv"], dataset="dfew"))
    assert found.wars["t"][0].possible
    assert found.inputs.sources == {"dfew": "manifests/datasets/dfew.toml"}


BAD = [
    (TABLE.replace(",b,", ",c,"), FOLDS, {}, r"f\.csv: the classes of D are a, b, but .*t\.csv has a, c"),
    (TABLE, FOLDS.replace("D,1,b", "D,1,c"), {}, r"f\.csv: the classes of D are a, c"),
    (TABLE, FOLDS, {"dataset": "E"}, r"f\.csv: has no class sizes of data set e"),
    (TABLE, FOLDS + "E,1,a,3\n", {}, r"f\.csv: has no class sizes of a data set .* add --dataset"),
    (TABLE, FOLDS + "D,2,a,3\n", {}, r"f\.csv: D: fold 2 has other classes"),
    (TABLE.replace(",", ";"), FOLDS, {}, r"t\.csv: no column 'method'"),
    (TABLE.replace("50.00", "fifty"), FOLDS, {}, r"t\.csv:2: b: 'fifty' is not a number"),
    ("method,D_WAR,E_WAR\nM,1,2\n", FOLDS, {}, r"f\.csv: has no class sizes of data set e"),
]


@pytest.mark.parametrize("table, folds, options, said", BAD)
def test_inputs_that_do_not_go_together(
    tmp_path: Path, table: str, folds: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(HarnessError, match=said):
        given(tmp_path, table, folds, **options)


def test_class_sizes_have_to_be_given(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE)
    with pytest.raises(DataError, match=r"t\.csv: no class sizes; give them with --folds"):
        given_inputs([tmp_path / "t.csv"])
    with pytest.raises(DataError, match=r"rendered\.toml: has no counts"):
        manifest_sizes(["rendered"])


def test_two_tables_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE)
    with pytest.raises(DataError, match="another table has the same name"):
        given_inputs([tmp_path / "t.csv", tmp_path / "t.csv"], tmp_path / "f.csv")
