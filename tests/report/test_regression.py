"""The comparison as text, markdown, JSON and JUnit XML."""

import xml.etree.ElementTree as ET

from harness.analysis.regress import Check
from harness.analysis.summary import Bands, Control
from harness.report.regression import as_json, junit, junit_of_error, lines, markdown, markdown_of_error

CHECKS = [
    Check("runs", "finished runs", "same", "", "4 of 4"),
    Check("exact", "m3dfel: parameters", "failed", "10", "11", "must be equal"),
    Check("scores", "a|b: WAR", "within", "50.0000", "51.0000", "up by 1.0000, band 2.0000"),
    Check("scores", "gone", "vanished", "WAR 1.0000", "", "the candidate no longer has it"),
    Check("speed", "m3dfel", "skipped", "cpu, one", "cpu, two", "another device"),
    Check("speed", "mae_dfer", "warning", "10", "7", "0.70 of the baseline's"),
]


def test_the_verdict_comes_first_and_counts() -> None:
    assert lines(CHECKS)[0] == "Regressed: 2 of 6 checks failed; 1 warning, 0 appeared, 1 vanished"
    assert lines(CHECKS)[1:] == [
        "failed: m3dfel: parameters: 10 -> 11 (must be equal)",
        "vanished: gone: WAR 1.0000 (the candidate no longer has it)",
        "warning: mae_dfer: 10 -> 7 (0.70 of the baseline's)",
    ]
    assert lines(CHECKS[:1]) == ["Unchanged: 1 check, none failed; 0 warnings, 0 appeared, 0 vanished"]


def test_the_page_begins_with_the_verdict_then_what_failed() -> None:
    page = markdown(CHECKS, "reports/baselines/demo.json", "out", None)
    assert page.startswith("# Regressed: 2 of 6 checks failed")
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert headings[0] == "## Failed (1)"
    assert headings[1] == "## Vanished: in the baseline only (1)"
    assert "finished runs" not in page
    assert r"a\|b: WAR" in page


def test_the_page_says_how_the_bands_were_made() -> None:
    control = Control(name="seed1", summary_sha256="0" * 64, seeds=(1,), devices=("cpu, one",))
    bands = Bands(made_by="audfer", rule="largest minus smallest", controls=(control, control), scores={})
    page = markdown(CHECKS, "a", "b", bands)
    assert "Bands: largest minus smallest. Controls: `seed1` (seeds 1; cpu, one); `seed1`" in page
    assert "the band is unknown" in markdown(CHECKS, "a", "b", bands.model_copy(update={"controls": (control,)}))


def test_a_long_list_is_cut_and_says_so() -> None:
    page = markdown([Check("exact", f"fact {i}", "failed", "a" * 99, "b") for i in range(201)], "a", "b", None)
    assert "1 more; the JUnit file has them all." in page
    assert "a" * 60 + "…" in page


def test_junit_has_a_test_case_per_check() -> None:
    root = ET.fromstring(junit(CHECKS))
    assert len(root.findall(".//testcase")) == len(CHECKS)
    assert len(root.findall(".//failure")) == sum(int(suite.attrib["failures"]) for suite in root) == 2
    assert [case.attrib["name"] for case in root.iter("testcase") if case.find("skipped") is not None] == ["m3dfel"]
    assert [suite.attrib["name"] for suite in root] == ["runs", "exact", "scores", "speed"]
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.attrib["message"] == "failed: 10 -> 11 (must be equal)"


def test_json_holds_every_check() -> None:
    found = as_json(CHECKS)
    assert (found["passed"], len(found["checks"])) == (False, 6)
    assert found["checks"][1]["verdict"] == "failed"


def test_an_input_at_fault_is_an_error_in_both_files() -> None:
    root = ET.fromstring(junit_of_error("a.json: not JSON <&>"))
    assert [suite.attrib["errors"] for suite in root] == ["1"]
    assert markdown_of_error("a.json: not JSON").startswith("# Input at fault")
