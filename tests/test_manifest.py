"""Manifests: what is there loads, what is wrong is named by file and key."""

import csv
from pathlib import Path

import pytest

from harness.au.units import EXPRESSIONS
from harness.errors import ManifestError
from harness.manifest import (
    Experiment,
    RunConfig,
    change,
    known,
    load_dataset,
    load_experiment,
    load_file,
    load_model,
    manifests_dir,
    resolve_recipe,
)


@pytest.mark.parametrize("name", known("experiments"))
def test_every_experiment_and_what_it_names_loads(name: str) -> None:
    assert load_experiment(name).name == name


@pytest.mark.parametrize("name", known("models"))
def test_a_recipe_has_the_input_of_its_model(name: str) -> None:
    from harness.models import input_shape

    for scale, recipe in load_model(name).recipe.items():
        assert (recipe.input.frames, recipe.input.size) == (input_shape(name, scale)[0], input_shape(name, scale)[2])


def test_dfew_counts_are_the_published_totals() -> None:
    counts = load_dataset("dfew").counts
    assert [sum(counts[str(fold)].test) for fold in range(1, 6)] == [2341, 2341, 2340, 2339, 2336]
    assert tuple(map(sum, zip(*(fold.test for fold in counts.values()), strict=True))) == (
        2445, 1894, 2669, 2173, 1469, 145, 902,
    )  # fmt: skip


def test_an_unknown_key_is_named_with_its_file(tmp_path: Path) -> None:
    text = Path(__file__).parent.parent.joinpath("manifests/experiments/demo.toml").read_text(encoding="utf-8")
    path = tmp_path / "typo.toml"
    path.write_text(text.replace("seeds =", "sedes ="), encoding="utf-8")
    with pytest.raises(ManifestError, match=r"typo\.toml: .*seeds: Field required.*sedes: unknown key"):
        load_file(path, Experiment)


def test_an_override_with_a_typo_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    demo = Path(__file__).parent.parent.joinpath("manifests/experiments/demo.toml").read_text(encoding="utf-8")
    path.write_text(demo + "\n[overrides.m3dfel]\nepoch = 3\n", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"overrides\.m3dfel: epoch: unknown key"):
        load_experiment(str(path))


@pytest.mark.parametrize(
    ("load", "name", "message"),
    [
        (load_model, "m3dfl", "model 'm3dfl' is not known; known: former_dfer, m3dfel, mae_dfer"),
        (
            load_dataset,
            "dwef",
            "dataset 'dwef' is not known; known: affwild2, dfew, dfew_16f, ferv39k, mafw, mafw_11, ravdess, rendered",
        ),
        (load_experiment, "dmeo", "experiment 'dmeo' is not known"),
    ],
)
def test_an_unknown_name_lists_the_known_ones(load: object, name: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        load(name)  # type: ignore[operator]


def test_a_fold_the_dataset_does_not_have_is_refused() -> None:
    with pytest.raises(ManifestError, match="6 is not a fold of rendered faces"):
        change(load_experiment("demo"), {"folds": [6]})


def test_changes_of_the_command_line_reach_every_recipe() -> None:
    changed = change(load_experiment("demo"), {"epochs": 2, "models": ["m3dfel"], "arms": None})
    assert changed.models == ("m3dfel",)
    assert resolve_recipe(changed, load_model("m3dfel")).epochs == 2


def test_settings_of_the_command_line_reach_recipe_and_experiment() -> None:
    settings = ["m3dfel.sampling.test=upstream", "m3dfel.batch=8", "au.ratio=0.5", "au.knowledge=computed:k.csv"]
    changed = change(load_experiment("demo"), {"settings": settings, "epochs": 3})
    recipe = resolve_recipe(changed, load_model("m3dfel"))
    assert (recipe.sampling.test, recipe.batch, recipe.epochs) == ("upstream", 8, 3)
    assert (changed.au.ratio, changed.au.knowledge) == (0.5, "computed:k.csv")
    assert resolve_recipe(changed, load_model("mae_dfer")).batch == load_model("mae_dfer").recipe["demo"].batch


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("m3dfel.batch", "not KEY=VALUE"),
        ("m3dfel.bach=8", "bach: unknown key"),
        ("resnet.batch=8", "resnet: unknown key"),
        ("au.ratio=2", "au.ratio"),
        ("precision=fp16", "precision: Input should be 'auto', 'fp32' or 'bf16'"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(setting: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        change(load_experiment("demo"), {"settings": [setting]})


@pytest.mark.parametrize("name", ["mafw_11", "affwild2"])
def test_data_that_cannot_be_trained_on_are_refused(name: str) -> None:
    with pytest.raises(ManifestError, match="cannot be trained on"):
        change(load_experiment("reproduce-mafw"), {"dataset": name, "folds": [1]})


def test_one_scene_of_ferv39k_is_a_data_set_of_its_own() -> None:
    scene = load_dataset("ferv39k:Action")
    assert (scene.name, scene.title, scene.scene) == ("ferv39k-Action", "FERV39k, Action", "Action")
    assert (sum(scene.counts["1"].train), sum(scene.counts["1"].test)) == (640, 164)
    with pytest.raises(ManifestError, match="no scene 'Akction'; known: Action, Argue"):
        load_dataset("ferv39k:Akction")
    with pytest.raises(ManifestError, match="DFEW has no scenes"):
        load_dataset("dfew:Action")


def test_the_scenes_of_ferv39k_add_up_to_it() -> None:
    with (manifests_dir() / "datasets" / "ferv39k_scenes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["scene"] for row in rows}) == 22
    whole = load_dataset("ferv39k").counts["1"]
    for part, counts in (("train", whole.train), ("test", whole.test)):
        found = [sum(int(row[name]) for row in rows if row["part"] == part) for name in EXPRESSIONS]
        assert found == list(counts)


def test_counts_of_the_manifests_are_the_known_totals() -> None:
    # field notes, section 5
    totals = {"dfew": 11_697, "dfew_16f": 11_697, "ferv39k": 38_935, "mafw": 7_576, "mafw_11": 9_172, "ravdess": 1_248}
    for name, total in totals.items():
        manifest = load_dataset(name)
        assert len(manifest.counts) == manifest.folds
        assert {sum(one.train) + sum(one.test) for one in manifest.counts.values()} == {total}
        if manifest.folds > 1:
            assert sum(sum(one.test) for one in manifest.counts.values()) == total


def test_overrides_are_laid_over_key_by_key() -> None:
    experiment = load_experiment("reproduce-dfew")
    recipe = resolve_recipe(experiment, load_model("m3dfel"))
    assert (recipe.epochs, recipe.batch, recipe.optimizer.lr) == (100, 256, 5e-4)


def test_a_run_configuration_survives_its_own_json() -> None:
    from harness.manifest import RunData

    config = RunConfig(
        experiment="demo",
        dataset=RunData(name="d", title="D", published=False, labels={"happy": 1}, clips={"test": 1}, fingerprint="f"),
        model="m3dfel",
        scale="demo",
        arm="baseline",
        fold=1,
        folds=5,
        seed=0,
        selection=("last",),
        au=None,
        recipe=load_model("m3dfel").recipe["demo"],
    )
    again = RunConfig.model_validate_json(config.canonical_json())
    assert again == config
    assert again.digest() == config.digest()
    assert config.directory().name == f"fold1-seed0-{config.digest()[:12]}"
