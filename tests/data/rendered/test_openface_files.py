"""The OpenFace files, read by pandas."""

import io

import numpy as np
import pandas as pd
import pytest

from harness.au.units import ACTION_UNITS
from harness.data.rendered.clip import plan_clip
from harness.data.rendered.openface import openface_csv
from harness.data.rendered.scene import clean_scene


@pytest.fixture(scope="module")
def texts() -> list[tuple[np.ndarray, str]]:
    plans = [plan_clip(0, index, np.full(18, 0.3)) for index in range(200)]
    return [(plan.present, plan.openface) for plan in plans]


@pytest.fixture(scope="module")
def tables(texts: list[tuple[np.ndarray, str]]) -> list[tuple[np.ndarray, pd.DataFrame]]:
    return [(present, pd.read_csv(io.StringIO(text), skipinitialspace=True)) for present, text in texts]


def test_column_names_after_the_first_carry_a_leading_blank(texts: list[tuple[np.ndarray, str]]) -> None:
    names = texts[0][1].splitlines()[0].split(",")
    assert names[:5] == ["frame", " face_id", " timestamp", " confidence", " success"]
    assert all(name.startswith(" ") for name in names[1:])


def test_columns_are_those_of_openface_2_2(tables: list[tuple[np.ndarray, pd.DataFrame]]) -> None:
    columns = list(tables[0][1].columns)
    assert columns[-18:] == [f"{name}_c" for name in ACTION_UNITS]
    assert columns[-35:-18] == [f"{name}_r" for name in ACTION_UNITS if name != "AU28"]
    assert columns[5:19] == [
        "gaze_0_x", "gaze_0_y", "gaze_0_z", "gaze_1_x", "gaze_1_y", "gaze_1_z", "gaze_angle_x", "gaze_angle_y",
        "pose_Tx", "pose_Ty", "pose_Tz", "pose_Rx", "pose_Ry", "pose_Rz",
    ]  # fmt: skip


def test_one_row_per_frame_of_the_whole_clip(tables: list[tuple[np.ndarray, pd.DataFrame]]) -> None:
    for present, table in tables[:20]:
        assert table["frame"].tolist() == list(range(1, len(present) + 1))
        assert table["timestamp"].iloc[-1] == pytest.approx((len(present) - 1) / 6.25, abs=1e-3)


def test_values_stay_in_openface_ranges(tables: list[tuple[np.ndarray, pd.DataFrame]]) -> None:
    for _, table in tables:
        assert table.filter(regex="_r$").stack().between(0, 5).all()
        assert table.filter(regex="_c$").isin([0.0, 1.0]).all(axis=None)
        assert table["success"].isin([0, 1]).all()
        assert table["confidence"].between(0, 1).all()


def test_presence_is_the_clips_but_for_a_few_errors(tables: list[tuple[np.ndarray, pd.DataFrame]]) -> None:
    wrong, seen = 0, 0
    for present, table in tables:
        rows = table["success"].to_numpy() == 1
        wrong += int((table.filter(regex="_c$").to_numpy()[rows] != present[rows]).sum())
        seen += 18 * int(rows.sum())
    assert 0 < wrong < 0.03 * seen


def test_frames_without_a_face_hold_zeros_and_low_confidence(tables: list[tuple[np.ndarray, pd.DataFrame]]) -> None:
    lost = pd.concat([table[table["success"] == 0] for _, table in tables])
    found = pd.concat([table[table["success"] == 1] for _, table in tables])
    assert 0.01 < len(lost) / (len(lost) + len(found)) < 0.1
    assert (lost.filter(regex="^AU") == 0).all(axis=None)
    assert lost["confidence"].max() < found["confidence"].min()


def test_some_clip_has_no_face_at_all() -> None:
    clips = 1500
    texts = (openface_csv(np.random.default_rng(i), np.zeros((16, 18)), clean_scene(16)) for i in range(clips))
    without = sum(not any(row.split(", ")[4] == "1" for row in text.splitlines()[1:]) for text in texts)
    # 0.4 % of 1500 are 6; the Poisson probability of none, or of more than 18, is below 0.3 %.
    assert 1 <= without <= 18
