from pathlib import Path

import numpy as np
import pytest

from harness.au.knowledge import load_knowledge, read_unit_table, unit_table_csv, unit_table_lines
from harness.au.pos_weight import frame_count_behind
from harness.au.units import ACTION_UNITS, EXPRESSIONS
from harness.errors import DataError, HarnessError

FOLDER = Path(__file__).parents[2] / "manifests" / "knowledge"
AU28 = ACTION_UNITS.index("AU28")


def cell(matrix_EA, expression, unit):
    return matrix_EA[EXPRESSIONS.index(expression), ACTION_UNITS.index(unit)]


def logit(matrix_EA):
    return np.log(matrix_EA / (1 - matrix_EA))


def test_fig4_as_printed():
    knowledge_EA = load_knowledge("fig4", FOLDER)
    assert knowledge_EA.shape == (7, 18)
    assert cell(knowledge_EA, "happy", "AU12") == 0.93  # largest cell of Fig. 4
    assert cell(knowledge_EA, "neutral", "AU09") == 0.18
    assert cell(knowledge_EA, "disgust", "AU07") == 0.91
    assert cell(knowledge_EA, "fear", "AU45") == 0.22


def test_fig4_follows_from_the_released_matrix_in_every_cell():
    # The sum S behind both matrices: the release subtracts the mid-range of S, Fig. 4 subtracts 2.5.
    sum_EA = logit(load_knowledge("released", FOLDER)) + 3.023147
    assert np.array_equal(np.round(1 / (1 + np.exp(2.5 - sum_EA)), 2), load_knowledge("fig4", FOLDER))


def test_the_released_matrix_is_symmetric_in_logits():
    logits_EA = logit(load_knowledge("released", FOLDER))
    assert logits_EA.max() == pytest.approx(2.073426446, abs=1e-9)
    assert logits_EA.min() == pytest.approx(-2.073426446, abs=1e-9)


def test_au28_is_the_mean_of_the_other_units_over_all_expressions():
    logits_EA = logit(load_knowledge("released", FOLDER))
    assert logits_EA[:, AU28] == pytest.approx(np.delete(logits_EA, AU28, axis=1).mean(), abs=1e-6)


# In the order of EXPRESSIONS. All but the last of DFEW are within 9 of the frames of its single-labelled clips.
FRAMES_BEHIND = {
    "dfew": [182752, 182021, 213677, 161406, 94886, 9057, 372907],
    "ferv39k": [207116, 201556, 249851, 215472, 88608, 67663, 60367],
}


@pytest.mark.parametrize("dataset", FRAMES_BEHIND)
def test_released_pos_weights_count_frames(dataset):
    rows_EA = read_unit_table(FOLDER / f"pos_weight_{dataset}.csv", (*EXPRESSIONS, "all"))[:-1]
    assert [frame_count_behind(row_A) for row_A in rows_EA] == FRAMES_BEHIND[dataset]
    present_EA = np.array(FRAMES_BEHIND[dataset])[:, None] / (1 + rows_EA)
    assert np.abs(present_EA - np.round(present_EA)).max() < 1e-6


def test_the_released_global_row_of_ferv39k_is_its_surprise_row():
    table = read_unit_table(FOLDER / "pos_weight_ferv39k.csv", (*EXPRESSIONS, "all"))
    assert table[-1] == pytest.approx(table[EXPRESSIONS.index("surprise")], rel=1e-14)


def test_eight_global_weights_of_dfew_lie_outside_their_class_rows():
    table = read_unit_table(FOLDER / "pos_weight_dfew.csv", (*EXPRESSIONS, "all"))
    outside = (table[-1] < table[:-1].min(0)) | (table[-1] > table[:-1].max(0))
    impossible = [unit for unit, is_outside in zip(ACTION_UNITS, outside, strict=True) if is_outside]
    assert impossible == ["AU01", "AU02", "AU09", "AU20", "AU25", "AU26", "AU28", "AU45"]


def write_table(path, rows=EXPRESSIONS, columns=ACTION_UNITS, value=lambda row, column: "0.5"):
    lines = [",".join(["expression", *columns])]
    lines += [",".join([row, *(value(row, column) for column in columns)]) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_rows_and_columns_are_found_by_name(tmp_path):
    def value(row, column):
        return str((EXPRESSIONS.index(row) + 1) / 10 + ACTION_UNITS.index(column) / 1000)

    path = write_table(tmp_path / "k.csv", EXPRESSIONS[::-1], ACTION_UNITS[::-1], value)
    knowledge_EA = load_knowledge(f"computed:{path}", FOLDER)
    assert knowledge_EA[0, 0] == 0.1
    assert cell(knowledge_EA, "fear", "AU02") == pytest.approx(0.701)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"rows": EXPRESSIONS[:-1]}, "rows: missing fear"),
        ({"rows": (*EXPRESSIONS, "contempt")}, "rows: surplus contempt"),
        ({"rows": (*EXPRESSIONS, "happy")}, "rows: surplus happy"),
        ({"columns": (*ACTION_UNITS[:-1], "AU43")}, "columns: missing AU45; surplus AU43"),
        ({"value": lambda row, column: "" if (row, column) == ("sad", "AU04") else "0.5"}, "sad, AU04: '' is not"),
        ({"value": lambda row, column: "nan"}, "happy, AU01: 'nan' is not a finite number"),
        ({"value": lambda row, column: "1.0"}, r"happy, AU01: 1 is outside \(0, 1\)"),
        ({"value": lambda row, column: "0"}, r"happy, AU01: 0 is outside \(0, 1\)"),
    ],
)
def test_a_wrong_matrix_is_refused_by_name(tmp_path, change, message):
    path = write_table(tmp_path / "k.csv", **change)
    with pytest.raises(DataError, match=message) as caught:
        load_knowledge(f"computed:{path}", FOLDER)
    assert str(path) in str(caught.value)


def test_a_short_line_is_a_missing_cell(tmp_path):
    path = write_table(tmp_path / "k.csv")
    path.write_text(path.read_text().rstrip()[:-4] + "\n")
    with pytest.raises(DataError, match="fear, AU45: '' is not a finite number"):
        load_knowledge(f"computed:{path}", FOLDER)


def test_a_missing_or_empty_file(tmp_path):
    with pytest.raises(DataError, match="no such table"):
        load_knowledge("fig4", tmp_path)
    (tmp_path / "knowledge_fig4.csv").write_text("")
    with pytest.raises(DataError, match="is empty"):
        load_knowledge("fig4", tmp_path)


@pytest.mark.parametrize("choice", ["fig5", "computed:", "computed", ""])
def test_an_unknown_choice(choice):
    with pytest.raises(HarnessError, match="is not one of fig4, released, computed:<file>"):
        load_knowledge(choice, FOLDER)


def test_a_written_table_is_read_back_digit_by_digit(tmp_path):
    matrix_EA = load_knowledge("released", FOLDER) / 3
    path = tmp_path / "k.csv"
    path.write_text(unit_table_csv(EXPRESSIONS, matrix_EA))
    assert np.array_equal(load_knowledge(f"computed:{path}", FOLDER), matrix_EA)


def test_a_table_for_a_terminal():
    lines = unit_table_lines(EXPRESSIONS, load_knowledge("fig4", FOLDER))
    assert len(lines) == 8
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split() == list(ACTION_UNITS)
    assert lines[1].split()[:4] == ["happy", "0.37", "0.38", "0.42"]
