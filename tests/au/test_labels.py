import itertools
import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.au.labels import clip_label, clip_labels, evenly_spaced, read_clip_labels
from harness.au.units import ACTION_UNITS
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


def test_clip_labels_come_in_the_order_asked_for(tmp_path, row_of, write, caplog):
    write(tmp_path / "00002.csv", row_of(1, {"AU02"}), row_of(2, {"AU02"}), row_of(3))
    write(tmp_path / "00001.csv", row_of(1, {"AU01"}))
    write(tmp_path / "00003.csv", row_of(1, {"AU04"}, success=0))
    with caplog.at_level(logging.WARNING):
        labels = read_clip_labels(tmp_path, ["00002", "00009", "00001", "00003", "00010"])
    assert labels.mask_N.tolist() == [True, False, True, False, False]
    assert labels.labels_NA[:, :3].tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert labels.unit_A.all()
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}: 2 of 5 clips have no AU file and no AU loss"
    ]


def test_clip_labels_of_sampled_frames(tmp_path, row_of, write):
    # Of 6 frames, 3 samples are frames 2, 4 and 6: AU01 in 3 of 6 frames but 1 of 3 samples, AU02 in 2 of 6 and 2 of 3.
    present = [{"AU01"}, {"AU01"}, {"AU01"}, {"AU02"}, set(), {"AU02"}]
    write(tmp_path / "00001.csv", *(row_of(i + 1, units) for i, units in enumerate(present)))
    assert read_clip_labels(tmp_path, ["00001"]).labels_NA[0, :2].tolist() == [1, 0]
    sampled = read_clip_labels(tmp_path, ["00001"], frames="sampled", num_sampled=3)
    assert sampled.labels_NA[0, :2].tolist() == [0, 1]


def test_a_folder_without_any_of_the_files_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no AU file for any of 2 clips; expected e.g. 00001.csv"):
        read_clip_labels(tmp_path, ["00001", "00002"])


def test_an_au_file_that_ends_before_the_clip_is_refused_by_name(tmp_path, row_of, write):
    write(tmp_path / "00001.csv", row_of(1), row_of(2))
    write(tmp_path / "00002.csv", row_of(1), row_of(2))
    assert read_clip_labels(tmp_path, ["00001", "00002"], least_frames=[2, 1]).mask_N.all()
    with pytest.raises(DataError, match="AU rows of 00002 end at frame 2, the clip has 3 pictures"):
        read_clip_labels(tmp_path, ["00001", "00002"], least_frames=[2, 3])


def test_only_confident_frames_make_the_label(tmp_path, row_of, write):
    write(
        tmp_path / "a.csv",
        row_of(1, {"AU01"}, confidence="0.9"),
        row_of(2, confidence="0.1"),
        row_of(3, confidence="0.1"),
    )
    assert read_clip_labels(tmp_path, ["a"]).labels_NA[0, 0] == 0
    assert read_clip_labels(tmp_path, ["a"], min_confidence=0.5).labels_NA[0, 0] == 1
    assert not read_clip_labels(tmp_path, ["a"], min_confidence=0.95).mask_N[0]


def test_units_that_the_extractor_lacks_are_said(tmp_path):
    (tmp_path / "a.csv").write_text("frame,FaceScore,AU01,AU12\n0,0.9,0.8,0.1\n")
    labels = read_clip_labels(tmp_path, ["a"])
    assert [unit for unit, there in zip(ACTION_UNITS, labels.unit_A, strict=True) if there] == ["AU01", "AU12"]
    assert labels.labels_NA[0].tolist() == [1] + [0] * 17
    assert labels.mask_N.tolist() == [True]


def test_a_clip_whose_list_entries_are_empty_is_masked_and_never_all_ones(tmp_path):
    (tmp_path / "AU.txt").write_text(f" 00001.csv/1\n 00002.csv/1 {' '.join('1' * 18)}\n")
    labels = read_clip_labels(tmp_path / "AU.txt", ["00001", "00002"])
    assert labels.mask_N.tolist() == [False, True]
    assert labels.labels_NA.sum(axis=1).tolist() == [0, 18]
