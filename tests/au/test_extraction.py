import math

import numpy as np
import pytest

from harness.au.extraction import combine, extract_set, largest_sum, rows_of_frames, select, spread
from harness.au.units import ACTION_UNITS, EXPRESSIONS
from harness.errors import DataError, HarnessError

AU01, AU02, AU28, AU45 = (ACTION_UNITS.index(unit) for unit in ("AU01", "AU02", "AU28", "AU45"))
HAPPY, SAD, FEAR = 0, 1, 6


def frames():
    """Seven frames of happy and one of each other class; intensities 0 but for AU01 and AU45 of happy."""
    expression_F = np.array([0] * 7 + [1, 2, 3, 4, 5, 6])
    intensity_FR = np.zeros((13, 17), dtype=np.float32)
    intensity_FR[:7, 0] = [1, 5, 2, 4, 3, 5, 5]
    intensity_FR[:7, 16] = [2, 0, 1, 0, 0, 5, 5]
    probability_F = np.array([0.9, 0.6, 0.9, 0.9, 0.4, 0.5, np.nan, *[0.9] * 6])
    usable_F = np.array([1, 0, 1, 1, 1, 1, 1, *[1] * 6], dtype=bool)
    return intensity_FR, expression_F, probability_F, usable_F


def one_set(**keys):
    return extract_set("faces", *frames(), **{"theta": 0.5, **keys})


def squash(x):
    return 1 / (1 + math.exp(-x))


def test_a_frame_counts_if_it_is_tracked_and_above_the_threshold():
    selected_F = select(np.array([0.51, 0.5, 0.9, np.nan]), np.array([1, 1, 0, 1]), 0.5)
    assert selected_F.tolist() == [True, False, False, False]


def test_medians_are_of_the_selected_frames():
    # Happy keeps the frames with AU01 1, 2 and 4: the others are untracked, not above 0.5, or without a probability.
    found = one_set()
    assert found.median_EA[HAPPY, AU01] == 2
    assert found.median_EA[HAPPY, AU45] == 1
    assert found.median_EA[SAD].tolist() == [0] * 18


def test_an_even_number_of_frames_has_the_mean_of_the_middle_two():
    # With theta 0.4 the frame of 0.5 comes in, its AU01 is 5: of 1, 2, 4, 5 the median is 3.
    assert one_set(theta=0.4).median_EA[HAPPY, AU01] == 3


def test_frames_are_counted_per_class():
    found = one_set()
    assert found.frames_E.tolist() == [7, 1, 1, 1, 1, 1, 1]
    assert found.usable_E.tolist() == [6, 1, 1, 1, 1, 1, 1]
    assert found.selected_E.tolist() == [3, 1, 1, 1, 1, 1, 1]


def test_frames_of_no_clip_count_for_nothing():
    intensity_FR, expression_F, probability_F, usable_F = frames()
    more = extract_set(
        "faces",
        np.concatenate([intensity_FR, np.full((2, 17), 5, dtype=np.float32)]),
        np.append(expression_F, [-1, -1]),
        np.append(probability_F, [0.99, np.nan]),
        np.append(usable_F, [True, True]),
        theta=0.5,
    )
    assert np.array_equal(more.median_EA, one_set().median_EA)
    assert more.frames_E.sum() == 13


def test_au28_is_the_mean_of_the_expressions_other_medians():
    found = one_set()
    assert found.median_EA[HAPPY, AU28] == pytest.approx((2 + 1) / 17)
    assert found.median_EA[FEAR, AU28] == 0


def test_centred_by_the_mid_range_and_squashed():
    # Medians run from 0 to 2, so 1 is subtracted from every one.
    knowledge_EA = one_set().knowledge_EA
    assert knowledge_EA[HAPPY, AU01] == pytest.approx(squash(1))
    assert knowledge_EA[HAPPY, AU45] == pytest.approx(0.5)
    assert knowledge_EA[SAD, AU02] == pytest.approx(squash(-1))
    assert knowledge_EA[HAPPY, AU28] == pytest.approx(squash(3 / 17 - 1))


def test_au28_as_one_constant_is_the_mean_of_the_other_columns():
    # 119 cells: one squash(1), one 1/2, 117 squash(-1).
    constant = (squash(1) + 0.5 + 117 * squash(-1)) / 119
    knowledge_EA = one_set(au28="constant").knowledge_EA
    assert knowledge_EA[:, AU28] == pytest.approx([constant] * 7)
    assert knowledge_EA[HAPPY, AU01] == pytest.approx(squash(1))


def test_the_sets_add_up_and_go_through_a_second_sigmoid():
    result = combine([one_set(), one_set(theta=0.4)])
    # The second set: happy's AU01 median 3 is the largest, so 1.5 is subtracted.
    total = squash(1) + squash(1.5)
    assert result.sum_EA[HAPPY, AU01] == pytest.approx(total)
    assert result.knowledge_EA[HAPPY, AU01] == pytest.approx(squash(total - 2.5))
    assert result.offset == 2.5


def test_the_mid_range_of_the_sum_as_offset():
    result = combine([one_set()], "mid-range")
    assert result.offset == pytest.approx((squash(1) + squash(-1)) / 2)
    assert result.knowledge_EA.max() == pytest.approx(1 - result.knowledge_EA.min())


def test_four_sets_of_intensities_up_to_five_stay_below_the_bound():
    assert largest_sum() == pytest.approx(4 * squash(2.5))
    assert largest_sum(1) == pytest.approx(squash(2.5))


def test_a_class_without_a_selected_frame_is_named():
    intensity_FR, expression_F, probability_F, usable_F = frames()
    usable_F[expression_F == FEAR] = False
    with pytest.raises(DataError, match=r"faces: no frame of fear .* above theta 0\.25, it has none at all"):
        extract_set("faces", intensity_FR, expression_F, probability_F, usable_F, theta=0.25)


def test_the_highest_probability_below_the_threshold_is_told():
    with pytest.raises(DataError, match=r"no frame of sad .* theta 0\.95, the highest of its 1 is 0\.900"):
        extract_set("faces", *frames()[:2], np.where(frames()[1] == HAPPY, 0.99, 0.9), frames()[3], theta=0.95)


def test_an_intensity_that_is_no_number_is_named():
    intensity_FR, *others = frames()
    intensity_FR[0, 16] = np.nan
    with pytest.raises(DataError, match="faces: happy: intensity of AU45 is not a number"):
        extract_set("faces", intensity_FR, *others, theta=0.5)


@pytest.mark.parametrize("theta", [-0.1, 1.0, math.nan])
def test_a_theta_that_is_no_threshold_is_refused(theta):
    with pytest.raises(HarnessError, match="is not a threshold"):
        one_set(theta=theta)


@pytest.mark.parametrize("keys", [{"au28": "none"}])
def test_an_unknown_au28_is_refused(keys):
    with pytest.raises(HarnessError, match="is not one of expression, constant"):
        one_set(**keys)


@pytest.mark.parametrize("offset", ["middle", math.inf])
def test_an_offset_that_is_no_number_is_refused(offset):
    with pytest.raises(HarnessError, match="neither a number nor mid-range"):
        combine([one_set()], offset)


def test_no_data_set_is_refused():
    with pytest.raises(HarnessError, match="no data set"):
        combine([])


def test_rows_of_frames_go_by_video_and_number():
    # Video b has rows 1, 2 and 4; clips: two stretches of b, one of a video without rows, one of a.
    rows = rows_of_frames(
        ["a", "b"], np.array([0, 2, 5]), np.array([1, 2, 1, 2, 4]),
        ["b", "b", "missing", "a"], np.array([2, 2, 1, 3]), np.array([1, 2, 3, 4, 1, 1, 2, 3]),
    )  # fmt: skip
    assert rows.tolist() == [2, 3, -1, 4, -1, 0, 1, -1]


def test_rows_of_frames_without_any_row():
    rows = rows_of_frames(["a"], np.array([0, 0]), np.zeros(0, dtype=int), ["a"], np.array([2]), np.array([1, 2]))
    assert rows.tolist() == [-1, -1]


def test_expressions_keep_their_order():
    intensity_FR, expression_F, probability_F, usable_F = frames()
    intensity_FR[expression_F == FEAR, 1] = 4
    found = extract_set("faces", intensity_FR, expression_F, probability_F, usable_F, theta=0.5)
    assert found.median_EA[EXPRESSIONS.index("fear"), AU02] == 4
    assert found.median_EA[:FEAR, AU02].tolist() == [0] * 6


def test_rows_of_a_whole_clip_fall_to_the_nearest_of_its_chosen_frames():
    # Four frames of eight: two rows each. Three of seven: frames at 7/6, 7/2 and 35/6.
    assert spread(np.arange(1, 9), 4).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert spread(np.arange(1, 8), 3).tolist() == [0, 0, 1, 1, 1, 2, 2]
    assert spread(np.array([2, 3, 8]), 4).tolist() == [0, 1, 3]
