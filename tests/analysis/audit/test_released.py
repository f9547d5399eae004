"""The code audit: made-up rows, then the released constants with the figures that are known of them."""

from pathlib import Path

import numpy as np
import pytest

from harness.analysis.audit.finding import Finding
from harness.analysis.audit.released import (
    Frames,
    frame_findings,
    knowledge_findings,
    read_frames_by_class,
    released,
    row_findings,
)
from harness.au.knowledge import load_knowledge
from harness.au.pos_weight import ReleasedRow
from harness.errors import DataError
from harness.manifest import load_dataset, manifests_dir

KNOWLEDGE = manifests_dir() / "knowledge"
FRAMES = manifests_dir() / "paper" / "frames_by_class.csv"
LISTED = {"happy": Frames(8, 8000, 2, 2000), "sad": Frames(4, 4000, 1, 1000)}


def row(
    name: str, frames: int | None = None, equals: tuple[str, ...] = (), outside: tuple[str, ...] = ()
) -> ReleasedRow:
    return ReleasedRow(name, frames, equals, outside)


def test_rows_that_are_anothers() -> None:
    (found,) = row_findings("one", (row("happy", equals=("two:sad",)), row("sad"), row("all")))
    assert (found.row, found.derived) == ("happy", "two:sad")


def test_of_a_class_row_and_the_pooled_one_the_pooled_is_named() -> None:
    (found,) = row_findings("one", (row("happy", equals=("one:all",)), row("all", equals=("one:happy",))))
    assert found.row == "all"


def test_a_pooled_ratio_outside_its_parts() -> None:
    (found,) = row_findings("one", (row("happy"), row("all", outside=("AU01", "AU26"))))
    assert (found.row, found.evidence["units"]) == ("all", ["AU01", "AU26"])


def test_frames_of_training_and_test_clips_together() -> None:
    (found,) = frame_findings("one", (row("happy", 10_003), row("sad", 4000)), LISTED)
    assert found.evidence["rows"] == {"happy": {"behind": 10_003, "listed": 10_000, "listed_train": 8000}}


def test_frames_of_training_clips_are_no_finding() -> None:
    assert frame_findings("one", (row("happy", 8000), row("sad", 4000), row("all", 12_000)), LISTED) == []


def test_frames_of_other_clips() -> None:
    """Pooled: 15,000 listed; 1,600 are 100 clips of 16 frames."""
    (found,) = frame_findings("one", (row("all", 1600),), LISTED)
    assert (found.row, found.printed, found.derived) == ("all", "1600", "15000")
    assert found.evidence["clips_of_16_frames"] == 100


def test_without_lists_nothing_is_said_of_frames() -> None:
    assert frame_findings("one", (row("happy", 3),), {}) == []


def test_a_matrix_that_is_fig4_and_below_the_bound_has_no_finding_but_its_constant_unit() -> None:
    """Logits of 0.4 stay: the text's own steps would give them."""
    fig4_EA = np.round(np.linspace(0.3, 0.6, 126), 2).reshape(7, 18)
    fig4_EA[:, 16] = 0.41
    assert [found.column for found in knowledge_findings(fig4_EA, fig4_EA)] == ["AU28"]


@pytest.mark.parametrize("line", ["dfew,happy,1,2,3", "dfew,happy,1,2,3,many,x", "dfew,happy,1,,3,4,x"])
def test_a_faulty_list_of_frames_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "frames.csv").write_text(
        "dataset,class,train_clips,train_frames,test_clips,test_frames,source\n" + line
    )
    with pytest.raises(DataError, match=r"frames\.csv:2"):
        read_frames_by_class(tmp_path / "frames.csv")


@pytest.mark.parametrize("name", ["dfew", "ferv39k"])
def test_the_frames_are_of_the_manifests_clips(name: str) -> None:
    counts, frames = load_dataset(name).counts["1"], read_frames_by_class(FRAMES)[name]
    assert [one.train_clips for one in frames.values()] == list(counts.train)
    assert [one.test_clips for one in frames.values()] == list(counts.test)


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str, str], Finding]:
    findings = released(KNOWLEDGE, read_frames_by_class(FRAMES))
    return {(one.table, one.row, one.column): one for one in findings}


def test_fig4_comes_out_of_the_released_matrix_only_with_another_offset(found: dict) -> None:
    one = found["knowledge_released", "", "offset"]
    assert one.evidence["agree_after_offset"] == one.evidence["cells"] == 126
    assert one.evidence["agree_as_released"] == 0


def test_six_cells_are_above_what_four_sigmoids_give(found: dict) -> None:
    cells = found["knowledge_fig4", "", "S"].evidence["cells"]
    assert {(cell["expression"], cell["unit"]) for cell in cells} == {
        *(("happy", unit) for unit in ("AU07", "AU10", "AU12", "AU25")), ("disgust", "AU04"), ("disgust", "AU07"),
    }  # fmt: skip


def test_one_unit_is_constant(found: dict) -> None:
    assert found["knowledge_released", "", "AU28"].printed == "0.41"
    assert load_knowledge("fig4", KNOWLEDGE)[:, 16].tolist() == [0.41] * 7


def test_dfew_fear_counts_other_frames(found: dict) -> None:
    """57,930 frames of fear are in the public lists, 46,461 of them for training."""
    one = found["pos_weight_dfew", "fear", "frames"]
    assert (one.printed, one.derived, one.evidence["listed_train"]) == ("372907", "57930", 46461)


def test_dfews_pooled_row(found: dict) -> None:
    """254,496 = 16 x 15,906, more clips than the 11,697 of the lists, and eight units out of range."""
    one = found["pos_weight_dfew", "all", "frames"]
    assert (one.printed, one.evidence["clips_of_16_frames"], one.evidence["listed_clips"]) == ("254496", 15906, 11697)
    assert ("pos_weight_dfew", "all", "AU01, AU02, AU09, AU20, AU25, AU26, AU28, AU45") in found


def test_ferv39ks_pooled_row_is_that_of_surprise(found: dict) -> None:
    assert found["pos_weight_ferv39k", "all", ""].evidence == {"equal_to": ["pos_weight_ferv39k:surprise"]}


def test_every_other_row_counts_training_and_test_frames(found: dict) -> None:
    rows = {table: one.evidence["rows"] for (table, _, column), one in found.items()
            if column == "frames" and "rows" in one.evidence}  # fmt: skip
    assert len(rows["pos_weight_dfew"]) == 6
    assert all(abs(one["behind"] - one["listed"]) <= 8 for one in rows["pos_weight_dfew"].values())
    assert len(rows["pos_weight_ferv39k"]) == 7
    assert all(one["behind"] == one["listed"] for one in rows["pos_weight_ferv39k"].values())
