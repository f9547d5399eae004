"""No list and no manifest leads out of the folder that it speaks of; links inside a data root are followed."""

import pytest

from harness.data.clips import frame_files
from harness.data.ferv39k import read_part
from harness.data.lists import leads_out
from harness.data.upstream_lists import read_upstream_lists
from harness.errors import DataError, ManifestError
from harness.manifest import DatasetManifest, load_dataset, parse

OUTSIDE = ["../../etc", "/etc", "a/../../b", "..", "."]


@pytest.mark.parametrize("key", ["frames_dir", "other_frames_dir", "split_dir", "openface_dir"])
@pytest.mark.parametrize("path", OUTSIDE)
def test_a_manifest_that_leads_out_of_the_data_root_is_refused(key, path):
    data = {**load_dataset("dfew").model_dump(), key: path}
    with pytest.raises(ManifestError, match=f"dfew.toml: {key}") as caught:
        parse(data, DatasetManifest, "dfew.toml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "out"), [("../x", True), ("a/..", True), ("a/./b", True), ("a//b", True),
                                           ("/a", True), ("a/b..c", False), ("Action/Happy/0267", False)])  # fmt: skip
def test_names_that_lead_out(name, out):
    assert leads_out(name) is out


@pytest.mark.parametrize("name", ["../Happy/0267", "Action/Happy/..", "./Happy/0267"])
def test_a_list_that_leads_out_of_the_clips_is_refused(tmp_path, name):
    manifest = load_dataset("ferv39k")
    path = tmp_path / manifest.split_dir / "train_All.csv"
    path.parent.mkdir(parents=True)
    path.write_text(f"Action/Happy/0001 Happy\n{name} Happy\n")
    with pytest.raises(DataError, match=r"train_All\.csv:2: .* names a clip outside the folder of clips"):
        read_part(tmp_path, manifest, 1, "train")


def test_an_upstreams_list_that_leads_out_is_refused(tmp_path):
    path = tmp_path / "annotation" / "DFEW_set_1_train.txt"
    path.parent.mkdir()
    path.write_text("Clip/.. 16 0\n")
    with pytest.raises(DataError, match=r"DFEW_set_1_train\.txt:1: .* outside the folder of clips"):
        read_upstream_lists(load_dataset("dfew"), "former_dfer", tmp_path)


def test_a_clip_that_is_a_link_is_read(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "1.jpg").write_bytes(b"")
    (tmp_path / "clip").symlink_to(tmp_path / "store")
    assert [frame.name for frame in frame_files(tmp_path / "clip")] == ["1.jpg"]
