import logging
from pathlib import Path

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from harness.au.pos_weight import (
    MAJOR_IN_PAPER,
    RELEASED_ROWS,
    count_clips,
    count_frames,
    examine_released,
    frame_count_behind,
    load_released,
    pos_weight,
    read_released_rows,
    weights_of,
)
from harness.au.units import EXPRESSIONS
from harness.errors import DataError, HarnessError

FOLDER = Path(__file__).parents[2] / "manifests" / "knowledge"

# Clips per expression in the training part of fold 1 of the public lists (MAFW: its seven basic expressions).
TRAIN_CLIPS = {
    "dfew": [1956, 1515, 2135, 1738, 1175, 116, 721],
    "ferv39k": [5854, 5523, 7790, 5906, 2502, 1833, 1680],
    "mafw": [993, 1176, 910, 1112, 857, 511, 500],
}


def fold_of(*clips):
    """(expression, digits of the first units, usable) per clip."""
    labels_NA = np.zeros((len(clips), 18), dtype=np.uint8)
    for clip, (_, digits, _) in enumerate(clips):
        labels_NA[clip, : len(digits)] = [int(digit) for digit in digits]
    mask_N = np.array([usable for *_, usable in clips], dtype=bool)
    return labels_NA, mask_N, np.array([EXPRESSIONS.index(name) for name, *_ in clips])


# 14 clips: happy 5 and sad 3 are more than a seventh (2) of them, neutral 2 is exactly a seventh and so is not.
FOLD = fold_of(
    *[("happy", "11", True)] * 1,
    *[("happy", "10", True)] * 2,
    *[("happy", "00", True)] * 1,
    ("happy", "11", False),
    ("sad", "11", True),
    ("sad", "00", True),
    ("sad", "00", True),
    ("neutral", "10", True),
    ("neutral", "01", True),
    ("angry", "10", True),
    ("surprise", "01", True),
    ("disgust", "10", True),
    ("fear", "00", True),
)
HAPPY, SAD, NEUTRAL = 0, 1, 2


def test_global_counts_all_clips():
    # 13 usable clips; AU01 in 3 + 1 + 1 + 1 + 1 = 7 of them, AU02 in 1 + 1 + 1 + 1 = 4.
    weights_EA = pos_weight("global", *FOLD)
    assert weights_EA.shape == (7, 18)
    assert weights_EA[:, 0].tolist() == [6 / 7] * 7
    assert weights_EA[:, 1].tolist() == [9 / 4] * 7


def test_distinct_counts_within_the_expression():
    weights_EA = pos_weight("distinct", *FOLD)
    assert weights_EA[HAPPY, :2].tolist() == [1 / 3, 3 / 1]  # of 4 usable clips
    assert weights_EA[SAD, :2].tolist() == [2 / 1, 2 / 1]
    assert weights_EA[NEUTRAL, :2].tolist() == [1.0, 1.0]


def test_minor_is_one_for_major_expressions_and_distinct_for_the_others():
    labels_NA, mask_N, expression_N = fold_of(
        *[("happy", "1", True)] * 3, *[("happy", "0", True)] * 9, *[("fear", "1", True)] * 1, *[("fear", "0", True)] * 1
    )
    weights_EA = pos_weight("minor", labels_NA, mask_N, expression_N)
    assert weights_EA[EXPRESSIONS.index("happy"), 0] == 1
    labels_NA[-2:, 0] = [1, 1]
    expression_N[:3] = EXPRESSIONS.index("fear")  # now 5 of 14 clips are fear, all with AU01: major as well
    assert (pos_weight("minor", labels_NA, mask_N, expression_N) == 1).all()


def test_minor_keeps_the_weights_of_minor_expressions():
    fold = fold_of(*[("happy", "1", True)] * 21, ("fear", "1", True), ("fear", "0", True), ("fear", "0", True))
    weights_EA = pos_weight("minor", *fold)
    assert weights_EA[EXPRESSIONS.index("fear"), 0] == 2  # 3 of 24 clips is less than a seventh
    assert weights_EA[HAPPY, 0] == 1


def test_the_ratio_is_that_of_balanced_class_weights():
    rng = np.random.default_rng(0)
    labels_NA, expression_N = (rng.random((400, 18)) < 0.3).astype(np.uint8), rng.integers(0, 7, 400)
    weights_EA = pos_weight("distinct", labels_NA, np.ones(400, dtype=bool), expression_N)
    for expression in range(7):
        for unit in range(18):
            label_N = labels_NA[expression_N == expression, unit]
            negative, positive = compute_class_weight("balanced", classes=np.array([0, 1]), y=label_N)
            assert weights_EA[expression, unit] == pytest.approx(positive / negative)


def test_a_seventh_is_minor_and_more_is_major():
    counts = count_clips(*FOLD)
    assert counts.all_E.tolist() == [5, 3, 2, 1, 1, 1, 1]
    assert counts.major_E.tolist() == [True, True, False, False, False, False, False]


def test_masked_clips_count_for_the_size_of_their_class_only():
    counts = count_clips(*FOLD)
    assert counts.usable_E.tolist() == [4, 3, 2, 1, 1, 1, 1]
    assert counts.positive_EA[HAPPY, :2].tolist() == [3, 1]


@pytest.mark.parametrize("clips_E", TRAIN_CLIPS.values(), ids=TRAIN_CLIPS)
def test_the_rule_gives_the_major_expressions_that_the_paper_names(clips_E):
    expression_N = np.repeat(np.arange(7), clips_E)
    counts = count_clips(np.zeros((len(expression_N), 18)), np.ones(len(expression_N), dtype=bool), expression_N)
    major = [name for name, is_major in zip(EXPRESSIONS, counts.major_E, strict=True) if is_major]
    assert tuple(major) == MAJOR_IN_PAPER


def test_a_unit_never_or_always_present_has_weight_one_and_a_warning(caplog):
    fold = fold_of(("happy", "10", True), ("happy", "10", True), ("sad", "01", True), ("sad", "10", True))
    fold[0][:, 2:] = [[1], [0], [1], [0]]
    with caplog.at_level(logging.WARNING):
        weights_EA = pos_weight("distinct", *fold)
    assert np.isfinite(weights_EA).all()
    assert weights_EA[HAPPY, :2].tolist() == [1, 1]
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == (
        "pos_weight, expression happy: no positive clip for AU02; no negative clip for AU01; the weight there is 1"
    )
    assert messages[1] == "pos_weight, expression neutral: no clip with AU labels; the weight there is 1"
    assert len(messages) == 6  # not sad, which has both of every unit


def test_global_warns_once(caplog):
    fold = fold_of(("happy", "10", True), ("sad", "01", True))
    with caplog.at_level(logging.WARNING):
        weights_EA = pos_weight("global", *fold)
    assert (weights_EA == 1).all()
    assert len(caplog.records) == 1
    assert "expression all: no positive clip for AU04, AU05" in caplog.text


def test_a_fold_without_au_labels_gives_ones(caplog):
    labels_NA, _, expression_N = FOLD
    for strategy in ("global", "distinct", "minor"):
        assert (pos_weight(strategy, labels_NA, np.zeros(14, dtype=bool), expression_N) == 1).all()
    assert "no clip with AU labels" in caplog.text


def test_arrays_of_different_lengths_are_refused():
    labels_NA, mask_N, expression_N = FOLD
    with pytest.raises(DataError, match="14 AU labels, 14 mask entries and 13 expressions"):
        pos_weight("global", labels_NA, mask_N, expression_N[1:])


@pytest.mark.parametrize("label", [-1, 7])
def test_an_expression_out_of_range_is_refused(label):
    labels_NA, mask_N, expression_N = FOLD
    with pytest.raises(DataError, match="expressions must be 0 to 6"):
        pos_weight("global", labels_NA, mask_N, np.where(expression_N == 0, label, expression_N))


def test_an_unknown_strategy_is_refused():
    with pytest.raises(HarnessError, match="'major' is not one of global, distinct, minor"):
        pos_weight("major", *FOLD)
    with pytest.raises(HarnessError, match="'major' is not one of"):
        load_released(FOLDER / "pos_weight_dfew.csv", "major")


def test_released_rows():
    path = FOLDER / "pos_weight_dfew.csv"
    assert load_released(path, "distinct")[HAPPY, 0] == 4.648862512363996
    assert load_released(path, "global")[:, 0].tolist() == [8.123028391167193] * 7
    minor_EA = load_released(path, "minor")
    assert (minor_EA[:4] == 1).all()
    assert minor_EA[4:, 0].tolist() == [7.116157728166966, 4.229214780600462, 5.96072648535643]


def test_a_released_table_with_a_weight_of_zero_is_refused(tmp_path):
    text = (FOLDER / "pos_weight_dfew.csv").read_text()
    path = tmp_path / "pos_weight.csv"
    path.write_text(text.replace("4.648862512363996", "0"))
    with pytest.raises(DataError, match="not positive"):
        load_released(path, "distinct")


def test_frames_behind_a_row_of_counts():
    present = np.array([3, 50, 7, 14])
    assert frame_count_behind((210 - present) / present) == 210
    with pytest.raises(HarnessError, match="no number of frames up to"):
        frame_count_behind(np.array([np.pi, np.e, np.sqrt(2)]))


def test_frames_are_counted_where_the_face_was_tracked():
    # Happy: 4 frames of which one is lost; AU01 in 1 of the 3 left. Sad: AU01 in 2 of 3.
    presence_FA = np.zeros((7, 18), dtype=np.uint8)
    presence_FA[[0, 1, 4, 5], 0] = 1
    counts = count_frames(
        presence_FA, np.array([0, 1, 1, 1, 1, 1, 1]), np.array([0, 0, 0, 0, 1, 1, 1]), np.array([1, 2, 0, 0, 0, 0, 0])
    )
    assert counts.usable_E.tolist() == [3, 3, 0, 0, 0, 0, 0]
    assert counts.positive_EA[:2, 0].tolist() == [1, 2]
    weights_EA = weights_of("distinct", counts)
    assert weights_EA[:2, 0].tolist() == [2 / 1, 1 / 2]
    assert weights_of("global", counts)[:, 0].tolist() == [1.0] * 7
    # Two of three clips are sad, one is happy: both are major whatever their frames.
    assert counts.major_E.tolist() == [True, True, False, False, False, False, False]


def test_a_warning_says_what_was_counted(caplog):
    presence_FA = np.ones((2, 18), dtype=np.uint8)
    with caplog.at_level(logging.WARNING):
        weights_of("global", count_frames(presence_FA, [1, 1], np.array([0, 1]), np.ones(7)))
    assert "no negative frame for AU01" in caplog.text


def released_table(*rows):
    """(units present, of frames) per row, as a released table."""
    return np.array([[(n - p) / p for p in (*present, *[1] * (18 - len(present)))] for present, n in rows])


def test_what_released_rows_give_away():
    classes = [((3, 50), 210), ((7, 14), 97), ((5, 11), 301), ((6, 9), 53), ((2, 3), 31), ((4, 5), 29), ((8, 9), 61)]
    pooled = [sum(present[unit] for present, _ in classes) for unit in (0, 1)]
    total = sum(n for _, n in classes)
    # Seven rows of one frame of the other units: pooled 7 of all. But AU02 is given far more often than in any class.
    good = released_table(*classes, ((pooled[0], pooled[1], *[7] * 16), total))
    bad = released_table(*classes, ((pooled[0], total - 1, *[7] * 16), total))
    copied = released_table(*classes, classes[3])
    tables = {"good": good, "bad": bad, "copied": copied}
    rows = {name: examine_released(tables, name) for name in tables}
    assert [row.name for row in rows["good"]] == list(RELEASED_ROWS)
    assert [row.frames for row in rows["good"]] == [210, 97, 301, 53, 31, 29, 61, total]
    assert rows["good"][-1].outside == ()
    assert rows["bad"][-1].outside == ("AU02",)
    assert rows["copied"][-1].equals == ("good:angry", "bad:angry", "copied:angry")
    assert rows["good"][0].equals == ("bad:happy", "copied:happy")


def test_a_row_that_counts_no_frames_has_no_number_of_them():
    table = np.tile([np.pi, np.e, np.sqrt(2), *range(2, 17)], (8, 1)).astype(float)
    assert examine_released({"drawn": table}, "drawn")[0].frames is None


def test_a_released_table_is_read_in_the_order_of_its_rows():
    table = read_released_rows(FOLDER / "pos_weight_ferv39k.csv")
    assert table.shape == (8, 18)
    assert table[RELEASED_ROWS.index("fear"), 0] == 6.047279943964511
