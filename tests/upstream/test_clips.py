from pathlib import Path

import pytest

from harness.data.clips import Clip, Listing
from harness.errors import DataError
from harness.manifest import AUArm, AUOptions, RunConfig, RunData, load_dataset
from harness.upstream.clips import arrays, label_facts
from harness.upstream.layout import Parts

FIRST, SECOND = (Clip(name, 0, tuple(Path(f"{name}/{n}.jpg") for n in (1, 2, 3))) for name in ("00001", "00002"))


@pytest.fixture
def root(tmp_path):
    """A clip's AU file has a row for each of its three pictures, the other's is cut off after two."""
    folder = tmp_path / load_dataset("dfew").openface_dir
    folder.mkdir(parents=True)
    (folder / "00001.csv").write_text("frame_idx,au_1\n0,1\n1,1\n2,0\n")
    (folder / "00002.csv").write_text("frame_idx,au_1\n0,1\n1,1\n")
    return tmp_path


def listing(*clips):
    return Listing({clip.name: clip for clip in clips}, {})


def test_label_facts_of_whole_files(root):
    digest, unit_A = label_facts(load_dataset("dfew"), root, listing(FIRST), AUOptions())
    assert len(digest) == 64
    assert unit_A.tolist() == [True] + [False] * 17


def test_a_cut_off_au_file_is_refused_when_the_run_is_planned(root):
    with pytest.raises(DataError, match="AU rows of 00002 end at frame 2, the clip has 3 pictures"):
        label_facts(load_dataset("dfew"), root, listing(FIRST, SECOND), AUOptions())


def test_a_cut_off_au_file_is_refused_when_it_starts(root):
    data = RunData.model_construct(name="dfew")
    config = RunConfig.model_construct(dataset=data, au=AUArm(strategy="global"))
    with pytest.raises(DataError, match="AU rows of 00002 end at frame 2, the clip has 3 pictures"):
        arrays(config, root, Parts(1, (FIRST,), (SECOND,)))
