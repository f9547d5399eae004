import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.au.labels import clip_label, clip_labels, evenly_spaced
from harness.errors import DataError


def frames_with(*rows):
    """presence_TA whose first units are the given digits, the others absent."""
    presence_TA = np.zeros((len(rows), 18), dtype=np.uint8)
    for frame, digits in enumerate(rows):
        presence_TA[frame, : len(digits)] = [int(digit) for digit in digits]
    return presence_TA


def test_a_unit_counts_from_half_of_the_frames_on():
    label_A, usable = clip_label(frames_with("111", "110", "100", "000"), np.ones(4))
    assert usable
    assert label_A.dtype == np.uint8
    assert label_A[:3].tolist() == [1, 1, 0]  # 3, 2 and 1 of 4 frames


def test_half_of_an_odd_number_is_not_rounded():
    label_A, _ = clip_label(frames_with("11", "10", "00"), np.ones(3))
    assert label_A[:2].tolist() == [1, 0]  # 2 of 3, 1 of 3


def test_frames_without_success_count_neither_way():
    presence_TA = frames_with("10", "10", "01", "01", "01")
    label_A, _ = clip_label(presence_TA, np.array([1, 1, 1, 0, 0]))
    assert label_A[:2].tolist() == [1, 0]  # AU01 2 of 3, AU02 1 of 3


def test_a_clip_without_usable_frame_is_masked_and_never_all_ones():
    label_A, usable = clip_label(frames_with("1" * 18, "1" * 18), np.zeros(2))
    assert not usable
    assert not label_A.any()


def test_a_clip_without_frames_is_masked():
    label_A, usable = clip_label(frames_with(), np.zeros(0))
    assert not usable
    assert not label_A.any()


def test_sampled_frames_only():
    presence_TA = frames_with("1", "0", "0", "1")
    assert clip_label(presence_TA, np.ones(4), np.array([0, 3]))[0][0] == 1
    assert clip_label(presence_TA, np.ones(4), np.array([1, 2, 3]))[0][0] == 0


def test_a_frame_sampled_twice_counts_twice():
    presence_TA = frames_with("1", "0")
    assert clip_label(presence_TA, np.ones(2), np.array([0, 1, 1]))[0][0] == 0
    assert clip_label(presence_TA, np.ones(2), np.array([0, 0, 1]))[0][0] == 1


def test_empty_clips_anywhere_take_no_frame_of_their_neighbours():
    presence_FA = frames_with("1", "1", "0")
    labels_NA, mask_N = clip_labels(presence_FA, np.ones(3), np.array([0, 0, 2, 2, 3, 3]))
    assert mask_N.tolist() == [False, True, False, True, False]
    assert labels_NA[:, 0].tolist() == [0, 1, 0, 0, 0]


def test_a_fold_of_no_clips_gives_no_labels():
    labels_NA, mask_N = clip_labels(frames_with(), np.zeros(0), np.array([0]))
    assert labels_NA.shape == (0, 18)
    assert mask_N.shape == (0,)


@given(lengths=st.lists(st.integers(0, 5), max_size=8), seed=st.integers(0, 2**16))
def test_a_table_gives_the_labels_of_its_clips_one_by_one(lengths, seed):
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(int)
    presence_FA = rng.integers(0, 2, (sum(lengths), 18))
    success_F = rng.integers(0, 2, sum(lengths))
    labels_NA, mask_N = clip_labels(presence_FA, success_F, offsets)
    for clip, (start, end) in enumerate(itertools.pairwise(offsets)):
        rows = [row.tolist() for row, ok in zip(presence_FA[start:end], success_F[start:end], strict=True) if ok]
        expected = [int(bool(rows) and sum(column) >= len(rows) / 2) for column in zip(*rows, strict=True)] or [0] * 18
        assert labels_NA[clip].tolist() == expected
        assert mask_N[clip] == bool(rows)


def test_evenly_spaced_takes_the_middle_of_each_part():
    assert evenly_spaced(16, 16).tolist() == list(range(16))
    assert evenly_spaced(12, 3).tolist() == [2, 6, 10]
    assert evenly_spaced(2, 4).tolist() == [0, 0, 1, 1]
    assert evenly_spaced(0, 4).tolist() == []


@pytest.mark.parametrize("offsets", [[0, 2], [1, 3], [0, 3, 2, 3], []])
def test_offsets_that_do_not_fit_are_refused(offsets):
    with pytest.raises(DataError, match="offsets must rise from 0 to the number of frames"):
        clip_labels(frames_with("1", "1", "0"), np.ones(3), np.array(offsets, dtype=int))


@pytest.mark.parametrize("index", [-1, 3])
def test_sampled_indices_outside_the_clip_are_refused(index):
    with pytest.raises(DataError, match="clip 0 has 3 frames"):
        clip_label(frames_with("1", "1", "0"), np.ones(3), np.array([index]))


def test_sampled_frames_for_every_clip_or_none():
    with pytest.raises(DataError, match="1 of 2 clips"):
        clip_labels(frames_with("1", "1"), np.ones(2), np.array([0, 1, 2]), [np.array([0])])
