"""The AU labels of a prepared folder: made once, made again when what they are made from has changed."""

import shutil

import numpy as np
import pytest

from harness.data.prepare import open_prepared, prepare
from harness.errors import DataError
from harness.manifest import load_dataset

SIZE = 40


@pytest.fixture
def again(rendered_root, prepared, tmp_path):
    """Prepares the rendered clips from a copy of their AU files, into a copy of the pack."""
    shutil.copytree(rendered_root / load_dataset("rendered").openface_dir, tmp_path / "au")
    shutil.copytree(prepared.path, tmp_path / "cache" / prepared.path.name)

    def again():
        return prepare(load_dataset("rendered"), rendered_root, SIZE, tmp_path / "cache", au=tmp_path / "au")

    return again


def test_all_units_are_there_and_a_second_time_nothing_is_written(again):
    first = again()
    assert first.au_labels("all").unit_A.tolist() == [True] * 18
    before = (first.path / "au_all.npz").stat().st_mtime_ns
    again()
    assert (first.path / "au_all.npz").stat().st_mtime_ns == before


def test_labels_without_units_are_made_again(again):
    folder = again().path
    with np.load(folder / "au_all.npz") as data:
        kept = {key: data[key] for key in data.files if key != "unit_A"}
    np.savez(folder / "au_all.npz", **kept)
    assert again().au_labels("all").unit_A.all()


def test_a_changed_file_changes_the_label(again, tmp_path):
    first = again()
    name, before = first.pack.names[0], first.au_labels("all").label_NA.copy()
    path = tmp_path / "au" / f"{name}.csv"
    header, *lines = path.read_text().splitlines()
    # The presences are the last 18 cells: all of them there, in every frame, and every frame tracked.
    changed = [", ".join([*line.split(", ")[:-18], *["1.00"] * 18]) for line in lines]
    place = header.split(", ").index("success")
    changed = [", ".join([*(c := line.split(", "))[:place], "1", *c[place + 1 :]]) for line in changed]
    path.write_text("\n".join([header, *changed]) + "\n")
    after = again().au_labels("all").label_NA
    assert after[0].tolist() == [1] * 18
    assert np.array_equal(after[1:], before[1:])


def test_a_file_cut_off_is_refused_by_name(again, tmp_path):
    first = again()
    path = tmp_path / "au" / f"{first.pack.names[3]}.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[: first.pack.count_N[3]]) + "\n")  # the header is one of them
    with pytest.raises(DataError, match=f"AU rows of {first.pack.names[3]} end at frame"):
        again()


def test_files_of_another_extractor_say_which_units_they_lack(again, tmp_path):
    pack = again().pack
    for name, count in zip(pack.names, pack.count_N.tolist(), strict=True):
        rows = [f"{frame},1,0.5" for frame in range(count)]
        (tmp_path / "au" / f"{name}.csv").write_text("\n".join(["frame_idx,au_12,au_12_intensity", *rows]) + "\n")
    labels = open_prepared(again().path).au_labels("all")
    assert np.flatnonzero(labels.unit_A).tolist() == [8]
    assert (labels.label_NA.sum(axis=0) > 0).tolist() == labels.unit_A.tolist()
