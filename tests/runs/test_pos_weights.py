"""pos_weights of a fold counted from the AU files, checked with pandas, and what the released rows give away."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.au.units import ACTION_UNITS, EXPRESSIONS
from harness.data.clips import Clip, Fold, Listing
from harness.data.readers import read_listing
from harness.errors import DataError, ManifestError
from harness.manifest import load_dataset
from harness.runs.pos_weights import Compared, compare_pos_weights, examine, released_lines

PRESENCE = [f"{unit}_c" for unit in ACTION_UNITS]


@pytest.fixture(scope="module")
def listing(rendered_root: Path) -> Listing:
    return read_listing(load_dataset("rendered"), rendered_root)


@pytest.fixture(scope="module")
def rows(rendered_root: Path) -> pd.DataFrame:
    """Tracked AU rows of fold 1's training clips, with clip and class, read by pandas alone."""
    split = rendered_root / "EmoLabel_DataSplit" / "train(single-labeled)" / "set_1.csv"
    with split.open() as file:
        clips = [(row["video_name"].zfill(5), int(row["label"]) - 1) for row in csv.DictReader(file)]
    read = [
        pd.read_csv(rendered_root / "OpenFace" / f"{name}.csv", skipinitialspace=True).assign(clip=name, label=label)
        for name, label in clips
    ]
    return pd.concat(read).query("success == 1")


def compared(listing: Listing, root: Path, **keys: object) -> Compared:
    return compare_pos_weights(load_dataset("rendered"), listing, root / "OpenFace", **keys)


def ratio(rows: pd.DataFrame) -> np.ndarray:
    """Negatives over positives of each unit; 1 where there is none of either."""
    positive_A, count = rows[PRESENCE].sum().to_numpy(), len(rows)
    negative_A = count - positive_A
    return np.where((positive_A > 0) & (negative_A > 0), negative_A / np.maximum(positive_A, 1), 1.0)


def test_frame_level(listing: Listing, rendered_root: Path, rows: pd.DataFrame) -> None:
    found = compared(listing, rendered_root, level="frame")
    assert found.weights["global"] == pytest.approx(np.tile(ratio(rows), (7, 1)))
    expected_EA = np.stack([ratio(rows[rows["label"] == label]) for label in range(7)])
    assert found.weights["distinct"] == pytest.approx(expected_EA)
    assert found.counts.usable_E.tolist() == rows["label"].value_counts().reindex(range(7), fill_value=0).tolist()


def test_clip_level_takes_the_label_of_the_majority(listing: Listing, rendered_root: Path, rows: pd.DataFrame) -> None:
    found = compared(listing, rendered_root)
    clips = (rows.groupby(["clip", "label"])[PRESENCE].mean() >= 0.5).astype(int).reset_index()
    expected_EA = np.stack([ratio(clips[clips["label"] == label]) for label in range(7)])
    assert found.weights["distinct"] == pytest.approx(expected_EA)
    assert found.weights["global"][0] == pytest.approx(ratio(clips))


def test_what_is_major_is_a_matter_of_clips_at_both_levels(listing: Listing, rendered_root: Path) -> None:
    label_N = [listing.clips[name].label for name in listing.folds[1].train]
    clips_E = np.bincount(label_N, minlength=7)
    for level in ("clip", "frame"):
        found = compared(listing, rendered_root, level=level)
        assert found.counts.all_E.tolist() == clips_E.tolist()
        assert (found.weights["minor"][clips_E * 7 > clips_E.sum()] == 1).all()


def test_stretches_of_a_video_are_counted_by_their_frame_numbers(rendered_root: Path, listing: Listing) -> None:
    name = listing.folds[1].train[0]
    path = rendered_root / "OpenFace" / f"{name}.csv"
    rows = pd.read_csv(path, skipinitialspace=True)
    frame = listing.clips[name].frames[0]
    stretches = [
        Clip(f"{name}/a", 0, (frame,) * 3, name, (2, 3, 4)),
        Clip(f"{name}/b", 1, (frame,) * 2, name, (9, 12)),
    ]
    one = Listing({clip.name: clip for clip in stretches}, {1: Fold(1, tuple(c.name for c in stretches), ())})
    found = compare_pos_weights(load_dataset("rendered"), one, path.parent, level="frame")
    for label, numbers in enumerate([(2, 3, 4), (9, 12)]):
        expected = rows[rows["frame"].isin(numbers) & (rows["success"] == 1)]
        assert found.counts.usable_E[label] == len(expected)
        assert found.counts.positive_EA[label].tolist() == expected[PRESENCE].sum().astype(int).tolist()


def test_beside_a_released_table(listing: Listing, rendered_root: Path) -> None:
    found = compared(listing, rendered_root, strategies=["distinct"], released="dfew")
    assert found.released_weights["distinct"][0, 0] == 4.648862512363996
    text = "\n".join(found.lines())
    assert "ours / released:" in text
    assert "released rows of dfew" in text
    happy = found.findings[0]
    clips = [listing.clips[name] for name in listing.folds[1].train if listing.clips[name].label == 0]
    assert happy.data_train_frames == sum(len(clip.frames) for clip in clips)
    data = json.loads(json.dumps(found.to_json()))
    assert data["weights"]["distinct"] == found.weights["distinct"].tolist()
    assert data["released_rows"][0]["row"]["frames"] == 182752


def test_rendered_clips_have_no_released_table(listing: Listing, rendered_root: Path) -> None:
    found = compared(listing, rendered_root, strategies=["global"])
    assert found.released is None
    assert found.findings == ()
    assert len([line for line in found.lines() if line.startswith("all ")]) == 1


def test_a_fold_or_a_table_that_is_not_there(listing: Listing, rendered_root: Path) -> None:
    with pytest.raises(DataError, match="no fold 6; known: 1, 2, 3, 4, 5"):
        compared(listing, rendered_root, fold=6)
    with pytest.raises(ManifestError, match="'mafw': there are those of dfew, ferv39k only"):
        examine("mafw")


def test_the_fear_row_of_dfew_counts_other_clips_too() -> None:
    findings = {one.row.name: one for one in examine("dfew")}
    assert findings["fear"].row.frames == 372907
    assert findings["fear"].published_clips == 721 + 181
    assert findings["fear"].frames_per_clip == pytest.approx(372907 / 902)
    told = [line for line in released_lines("dfew", examine("dfew")) if "not of this class" in line]
    assert [line.split(":")[0] for line in told] == ["fear"]


def test_the_global_row_of_dfew_is_no_pool_of_its_class_rows() -> None:
    text = "\n".join(released_lines("dfew", examine("dfew")))
    assert "16 of each of 15,906 clips" in text
    assert "all: AU01, AU02, AU09, AU20, AU25, AU26, AU28, AU45 lie outside" in text
    assert "the same weights" not in text


def test_the_global_row_of_ferv39k_is_its_surprise_row() -> None:
    lines = released_lines("ferv39k", examine("ferv39k"))
    assert [line for line in lines if "the same weights" in line] == [
        "all: the same weights as ferv39k:surprise, so the frames of one of them only"
    ]
    assert not any("not of this class" in line for line in lines)
    assert not any("lie outside" in line for line in lines)


def test_frames_of_the_data_beside_the_row() -> None:
    frames_E = np.array([182747, 182021, 213674, 161398, 94878, 9055, 57930])
    lines = released_lines("dfew", examine("dfew", (frames_E, frames_E - 1000)))
    assert (
        lines[1]
        == "  happy: 182,752 frames, 74.7 a clip of 2,445; here 182,747 in all clips (+5), 181,747 in training clips"
    )
    assert len(EXPRESSIONS) + 2 <= len(lines)
