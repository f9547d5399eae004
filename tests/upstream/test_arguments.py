"""From a recipe to a command line, and what a script cannot do."""

import pytest

from harness.errors import ManifestError
from harness.manifest import AUArm, RunConfig, RunData, load_model
from harness.recipe import Recipe
from harness.upstream.arguments import arguments

DATA = RunData(name="dfew", title="DFEW", published=True, labels={}, clips={}, fingerprint="f")


def config(model, recipe=None, **changes):
    """The model's full recipe with changes of some keys."""
    full = load_model(model).recipe["full"].model_dump()
    for key, value in (recipe or {}).items():
        full[key] = {**full[key], **value} if isinstance(value, dict) else value
    run = {
        "experiment": "e",
        "dataset": DATA,
        "model": model,
        "scale": "full",
        "arm": "au-minor",
        "fold": 3,
        "folds": 5,
        "seed": 7,
        "engine": "upstream",
        "selection": ("last",),
        "au": AUArm(strategy="minor"),
        "recipe": Recipe.model_validate(full),
    }
    return RunConfig.model_validate({**run, **changes})


def options(line):
    """Option -> its values."""
    found = {}
    for part in line:
        if part.startswith("--"):
            name, _, value = part.partition("=")
            found[name] = [value] if value else []
        else:
            found[name].append(part)
    return {name: " ".join(values) for name, values in found.items()}


def test_former_dfer_at_its_own_settings():
    expected = {"--data_set": "3", "--batch-size": "32", "--epochs": "100", "--lr": "0.01", "--momentum": "0.9"}
    assert options(arguments(config("former_dfer"), None)) == {**expected, "--weight-decay": "0.0001"}


def test_m3dfel_takes_the_device_by_number():
    assert options(arguments(config("m3dfel"), None))["--gpu_ids"] == "-1"
    assert options(arguments(config("m3dfel", device="cuda:1"), None))["--gpu_ids"] == "0"


def test_m3dfel_at_its_own_settings():
    found = options(arguments(config("m3dfel"), None))
    wanted = {"--batch_size": "256", "--epochs": "300", "--lr": "0.0005", "--weight_decay": "0.05", "--seed": "7"}
    wanted |= {"--warmup_epochs": "20", "--min_lr": "5e-06", "--label_smoothing": "0.1", "--num_frames": "16"}
    assert wanted.items() <= found.items()


def test_mae_dfer_at_the_settings_of_its_own_scripts():
    found = options(arguments(config("mae_dfer"), None))
    wanted = {"--batch_size": "96", "--depth": "16", "--layer_decay": "0.75", "--opt_betas": "0.9 0.999"}
    wanted |= {"--lg_region_size": "2 5 10", "--sampling_rate": "4", "--test_num_segment": "2", "--test_num_crop": "2"}
    wanted |= {"--mixup": "0.8", "--cutmix": "1.0", "--reprob": "0.25", "--aa": "rand-m7-n4-mstd0.5-inc1"}
    wanted |= {"--warmup_epochs": "5", "--smoothing": "0.1", "--nb_classes": "7", "--device": "cpu"}
    assert wanted.items() <= found.items()
    assert "--finetune" not in found


def test_mae_dfer_starts_from_a_file():
    assert options(arguments(config("mae_dfer"), "some.pth"))["--finetune"] == "some.pth"


def test_what_the_recipe_changes_reaches_the_script():
    found = options(arguments(config("m3dfel", {"batch": 8, "input": {"size": 32}}), None))
    assert (found["--batch_size"], found["--crop_size"]) == ("8", "32")


def test_options_beyond_the_recipe():
    line = arguments(config("mae_dfer", upstream_options={"depth": 2, "num_workers": 1}), None)
    assert (options(line)["--depth"], options(line)["--num_workers"]) == ("2", "1")


@pytest.mark.parametrize(
    ("model", "recipe", "message"),
    [
        ("former_dfer", {"input": {"size": 32}}, "recipe.input.size is 32, the upstream's code has 112"),
        (
            "former_dfer",
            {"optimizer": {"name": "adamw"}},
            "recipe.optimizer.name is adamw, the upstream's code has sgd",
        ),
        ("m3dfel", {"sampling": {"jitter": "segment"}}, "recipe.sampling.jitter is segment"),
        ("m3dfel", {"schedule": {"warmup_epochs": 0.5}}, "whole numbers"),
        ("mae_dfer", {"input": {"size": 96}}, "recipe.input.size is 96, the upstream's code has 160"),
        ("mae_dfer", {"sampling": {"test_crops": 1}}, "take two or more"),
        ("mae_dfer", {"augmentation": {"rand_augment": None}}, "always has one"),
    ],
)
def test_what_a_script_cannot_do_is_refused(model, recipe, message):
    with pytest.raises(ManifestError, match=message):
        arguments(config(model, recipe), None)


@pytest.mark.parametrize("name", ["batch_size", "device", "output_dir"])
def test_an_option_that_is_set_already_is_refused(name):
    with pytest.raises(ManifestError, match=rf"upstream_options\.mae_dfer\.{name}: is set"):
        arguments(config("mae_dfer", upstream_options={name: 1}), None)


def test_bf16_is_refused():
    with pytest.raises(ManifestError, match="precision bf16"):
        arguments(config("former_dfer", precision="bf16"), None)
