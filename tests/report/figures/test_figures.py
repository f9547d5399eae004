"""From settings to pictures: what can be drawn is drawn, with the same bytes twice, small, and with words."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from PIL import Image

from harness.engine.features import write_features
from harness.errors import RunError
from harness.manifest import AUArm, manifests_dir
from harness.report.figures import Forest, ForestRow, write_figures
from harness.report.measured import settings
from harness.runs.records import FEATURES, read_runs, seal

FOREST = Forest("demo", "Differences", ("rendered faces (not DFEW)",), {"WAR": [ForestRow("m3dfel", 0.1, 0.0, 0.2)]})


@pytest.fixture
def pair(setting_of, run_config):
    return setting_of(run_config(), run_config(arm="au-minor"))


def test_a_pair_has_curves_a_confusion_and_its_forest_as_small_pictures(pair, tmp_path):
    figures = write_figures(pair, tmp_path / "figures", [FOREST])
    place = "demo-rendered-native-demo-m3dfel"
    assert [one.name for one in figures] == ["forest-demo", f"curves-{place}", f"confusion-{place}-au-minor"]
    for one in figures:
        assert (one.svg.name, one.png.name) == (f"{one.name}.svg", f"{one.name}.png")
        assert one.title
        assert "rendered faces (not DFEW)" in one.alt
        assert ET.parse(one.svg).getroot().tag == "{http://www.w3.org/2000/svg}svg"
        assert one.png.stat().st_size < 60_000
        with Image.open(one.png) as picture:
            assert picture.width > 900
    assert len(list((tmp_path / "figures").iterdir())) == 6


def test_the_same_runs_give_the_same_bytes(pair, tmp_path):
    first, again = (write_figures(pair, tmp_path / name, [FOREST]) for name in ("one", "two"))
    for one, other in zip(first, again, strict=True):
        assert one.svg.read_bytes() == other.svg.read_bytes()
        assert one.png.read_bytes() == other.png.read_bytes()
        assert one.alt == other.alt


def test_a_broken_pair_has_no_confusion(setting_of, run_config, run_environment, tmp_path):
    found = setting_of(run_config(), run_config(arm="au-minor"), machines={1: run_environment(precision="bf16")})
    assert [one.name.partition("-")[0] for one in write_figures(found, tmp_path / "figures")] == ["curves"]


def test_runs_that_kept_features_have_a_plane_too(write_run, run_config, tmp_path):
    for arm in ("baseline", "au-minor"):
        folder = write_run(run_config(arm=arm, features=True), sealed=False)
        label_B = np.repeat(np.arange(7), (12, 9, 13, 10, 7, 1, 4))
        feature_BD = torch.from_numpy(np.random.default_rng(len(arm)).normal(size=(56, 8)).astype(np.float32))
        write_features(folder / FEATURES, [f"{i:05d}" for i in range(56)], label_B, feature_BD)
        seal(folder)
    figures = write_figures(settings(read_runs(tmp_path / "runs")[0]), tmp_path / "figures")
    assert [one.name.partition("-")[0] for one in figures] == ["curves", "confusion", "tsne"]
    assert "silhouette" in figures[-1].alt


def test_a_sweep_is_one_figure(setting_of, run_config, tmp_path):
    au = {"arm": "au-minor", "au": AUArm(strategy="minor", ratio=0.5)}
    found = setting_of(run_config(experiment="sweep"), run_config(experiment="sweep/ratio-0.5", **au))
    figures = write_figures(found, tmp_path / "figures")
    assert [one.name for one in figures] == ["curves-sweep-rendered-native-demo-m3dfel", "ratio-sweep-native-demo"]


def test_a_computed_matrix_is_drawn_only_while_it_is_the_one_that_was_used(setting_of, run_config, tmp_path):
    from hashlib import sha256

    file = tmp_path / "k.csv"
    file.write_bytes((manifests_dir() / "knowledge/knowledge_fig4.csv").read_bytes())
    digest = sha256(file.read_bytes()).hexdigest()
    au = AUArm(strategy="minor", knowledge=f"computed:{file}", knowledge_sha256=digest)
    found = setting_of(run_config(), run_config(arm="au-minor", au=au))
    last = write_figures(found, tmp_path / "figures")[-1]
    assert last.name == f"knowledge-{digest[:12]}"
    assert "Computed minus Fig. 4: 0.00 on average" in last.alt
    file.write_text("changed")
    assert not write_figures(found, tmp_path / "again")[-1].name.startswith("knowledge")


def test_a_folder_that_cannot_be_written_is_named(pair, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"file: figures cannot be written"):
        write_figures(pair, tmp_path / "file")
