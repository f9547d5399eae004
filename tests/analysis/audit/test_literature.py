"""Printed values beside a small literature; the pairs are made up, the last tests read the paper's."""

from pathlib import Path

import pytest

from harness.analysis.audit.finding import Finding
from harness.analysis.audit.literature import (
    Known,
    literature_findings,
    method_key,
    read_literature,
    replications,
    unknown_methods,
)
from harness.analysis.audit.table import Cell, Row, Table, read_table
from harness.errors import DataError
from harness.manifest import manifests_dir

PAPER = manifests_dir() / "paper"
HEAD = "method,also,dataset,classes,variant,metric,value,source,standing\n"


def known(war: str, uar: str, dataset: str = "DFEW", **changes: str) -> Known:
    fields = {"method": "Net-18", "classes": "7", "variant": "", "source": "its README", "standing": "own", **changes}
    return Known(also=("Net",), dataset=dataset, values={"WAR": Cell(war), "UAR": Cell(uar)}, **fields)


def table(*rows: tuple[str, str, dict[str, str]]) -> Table:
    columns = tuple(dict.fromkeys(column for _, _, cells in rows for column in cells))
    made = [Row(i, method, arm, {name: Cell(text) for name, text in cells.items()})
            for i, (method, arm, cells) in enumerate(rows, start=1)]  # fmt: skip
    return Table("t", columns, (), tuple(made))


def compare(war: str, uar: str, *literature: Known, arm: str = "reported") -> list[Finding]:
    return literature_findings(table(("Net 18", arm, {"DFEW_WAR": war, "DFEW_UAR": uar})), literature)


def test_a_pair_that_a_source_gives_is_right() -> None:
    assert compare("70.00", "60.00", known("70.00", "60.00"), known("71.00", "61.00", variant="re-run")) == []
    assert compare("71.00", "61.00", known("70.00", "60.00"), known("71.00", "61.00", variant="re-run")) == []


def test_a_coarser_print_of_the_same_value_is_right() -> None:
    assert compare("70.0", "60.1", known("70.04", "60.05")) == []


def test_an_exchanged_pair_is_one_finding_with_the_pair_as_it_should_be() -> None:
    (found,) = compare("60.00", "70.00", known("70.00", "60.00"))
    assert (found.kind, found.column, found.confidence) == ("columns-exchanged", "DFEW_WAR, DFEW_UAR", "certain")
    assert found.derived == "WAR 70.00, UAR 60.00"
    assert found.evidence["one_source"] is True


def test_an_exchanged_pair_of_two_variants_is_told_as_such() -> None:
    (found,) = compare("61.00", "70.00", known("70.00", "60.00"), known("71.00", "61.00", variant="re-run"))
    assert found.kind == "columns-exchanged"
    assert found.evidence["one_source"] is False


def test_values_of_two_variants_in_one_row_are_no_pair() -> None:
    (found,) = compare("70.00", "61.00", known("70.00", "60.00"), known("71.00", "61.00", variant="re-run"))
    assert (found.kind, found.confidence) == ("differs-from-literature", "possible")


def test_another_value_names_the_known_one_and_the_difference() -> None:
    (found,) = compare("69.80", "60.00", known("70.00", "60.00", standing="other"))
    assert (found.kind, found.column, found.derived) == ("differs-from-literature", "DFEW_WAR", "70.00")
    assert (found.evidence["difference"], found.confidence) == ("-0.20", "likely")


def test_the_best_standing_is_the_value_to_differ_from() -> None:
    (found,) = compare("69.80", "60.00", known("69.79", "60.00", standing="survey"), known("65.00", "60.00"))
    assert (found.derived, found.confidence) == ("65.00", "certain")


def test_a_value_of_another_data_set_is_named() -> None:
    rows = table(("Net-18", "reported", {"FERV39k_WAR": "70.00", "FERV39k_UAR": "38.00"}))
    (found,) = literature_findings(rows, [known("70.00", "60.00"), known("48.00", "38.00", "FERV39k")])
    assert found.evidence["value_of"] == [{"dataset": "DFEW", "metric": "WAR", "source": "its README"}]


def test_bare_columns_belong_to_the_data_set_given() -> None:
    rows = table(("Net", "", {"WAR": "60.00", "UAR": "70.00"}))
    assert [found.kind for found in literature_findings(rows, [known("70.00", "60.00")], "dfew")] == [
        "columns-exchanged"
    ]
    assert literature_findings(rows, [known("70.00", "60.00")], "mafw") == []


def test_own_measurements_are_not_held_to_the_literature() -> None:
    assert compare("50.00", "40.00", known("70.00", "60.00"), arm="baseline") == []


def test_the_audited_paper_is_no_evidence_against_itself() -> None:
    assert compare("50.00", "40.00", known("70.00", "60.00", standing="audited")) == []


def test_unknown_methods_are_counted() -> None:
    rows = table(
        ("Net", "reported", {"WAR": "1.0"}), ("Other", "reported", {"WAR": "1.0"}), ("Ours", "au", {"WAR": "1.0"})
    )
    assert unknown_methods(rows, [known("70.00", "60.00")]) == ("Other",)


def test_names_without_case_and_signs() -> None:
    assert method_key("R(2+1)D-18") == method_key("r(2+1)D18") != method_key("R(2+1)D")


def test_a_repetition_is_beside_its_source_and_so_are_the_arms() -> None:
    rows = table(("Net", "baseline", {"DFEW_WAR": "68.00"}), ("Net", "au", {"DFEW_WAR": "69.50"}))
    (found,) = replications(rows, [known("70.00", "60.00")])
    assert (found.kind, found.evidence["difference"]) == ("replication", "-2.00")
    assert found.evidence["other_arms_less_source"] == {"Net, au": "-0.50"}


def test_a_repetition_on_other_classes_is_not_compared() -> None:
    rows = table(("Net", "baseline", {"DFEW_WAR": "68.00"}))
    assert replications(rows, [known("70.00", "60.00", classes="11")], classes={"dfew": 7}) == []


@pytest.mark.parametrize("line", [
    "Net,,DFEW,7,,WAR,seventy,README,own", "Net,,DFEW,7,,WAR,70.0,README,hearsay", "Net,,DFEW,7,,WAR,70.0,README",
    "Net,,DFEW,7,,WAR,70.0,README,own\nNet,,DFEW,7,,WAR,71.0,README,own",
])  # fmt: skip
def test_a_faulty_file_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "lit.csv").write_text(HEAD + line + "\n")
    with pytest.raises(DataError, match=r"lit\.csv:[23]"):
        read_literature(tmp_path / "lit.csv")


def test_of_the_paper_the_exchanged_pairs_are_these() -> None:
    """By eye: C3D, ResNet18+LSTM, SVFAP-B, S2D and FRU-Adapter on MAFW; FRU-Adapter on the other two as well."""
    found = literature_findings(read_table(PAPER / "table1.csv"), read_literature(PAPER / "literature.csv"))
    exchanged = {(one.row.partition(",")[0], one.column[:4]) for one in found if one.kind == "columns-exchanged"}
    mafw = {"C3D", "ResNet18+LSTM", "SVFAP-B", "S2D", "FRU-Adapter"}
    assert exchanged == {(name, "MAFW") for name in mafw} | {("FRU-Adapter", "DFEW"), ("FRU-Adapter", "FERV")}
    others = {(one.row.partition(",")[0], one.column) for one in found if one.kind == "differs-from-literature"}
    assert others == {("ResNet18+LSTM", "FERV39k_WAR"), ("ResNet18+LSTM", "FERV39k_UAR"), ("STT", "DFEW_WAR")}


def test_the_paper_repeats_m3dfel_below_its_authors_and_stays_there() -> None:
    """69.25 published, 64.33 repeated, 65.53 with AU."""
    found = replications(read_table(PAPER / "table1.csv"), read_literature(PAPER / "literature.csv"), "", {"mafw": 7})
    (one,) = [one for one in found if one.row.startswith("M3DFEL") and one.column == "DFEW_WAR"]
    assert (one.evidence["difference"], one.evidence["other_arms_less_source"]) == ("-4.92", {"M3DFEL, au": "-3.72"})
