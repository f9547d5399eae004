"""Features are the classifier's input on the test clips of the last epoch's model, also after a resume."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from harness.data.prepare import Prepared
from harness.engine import train
from harness.engine.evaluate import predict
from harness.engine.features import features
from harness.engine.fold import load_fold
from harness.engine.setup import build
from harness.engine.train import train_run

NAME = "features.safetensors"


@pytest.mark.parametrize("model", ["m3dfel", "former_dfer", "mae_dfer"])
def test_the_classifier_makes_the_logits_from_them(model: str, make_config: Any, prepared: Prepared) -> None:
    config = make_config(model, "au-minor")
    config = config.model_copy(update={"recipe": of_views(config, 1)})
    data = load_fold(prepared, config)
    setup = build(config, data)
    feature_ND = features(setup, data)
    with torch.inference_mode():
        logits_NE = setup.model.classifier(feature_ND)
    torch.testing.assert_close(logits_NE, predict(setup.model, data, data.test_N, config, setup.autocast()))


def test_of_several_views_a_clip_has_the_mean_feature(
    make_config: Any, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config("mae_dfer", "baseline")
    config = config.model_copy(update={"recipe": of_views(config, 2)})
    data = load_fold(prepared, config)
    setup = build(config, data)
    seen: list[torch.Tensor] = []
    setup.model.classifier.register_forward_hook(lambda layer, args, output: seen.append(output))
    monkeypatch.setattr("harness.engine.evaluate.EVAL_BATCH", 6)
    feature_ND = features(setup, data)
    assert feature_ND.shape == (16, setup.model.classifier.in_features)
    # A linear layer of a mean is the mean of the layer: batches of 6, 6 and 4 clips, two views each.
    expected = torch.cat([(seen[i] + seen[i + 1]) / 2 for i in (0, 2, 4)])
    with torch.inference_mode():
        torch.testing.assert_close(setup.model.classifier(feature_ND), expected)


def test_a_run_keeps_them_only_if_asked(make_config: Any, prepared: Prepared, tmp_path: Path) -> None:
    config = make_config("mae_dfer", "baseline", epochs=1)
    assert not config.features
    train_run(config, load_fold(prepared, config), tmp_path)
    assert not (tmp_path / NAME).exists()


def test_a_run_killed_before_its_record_keeps_the_same_features(
    make_config: Any, prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config("mae_dfer", "au-global", features=True)
    data = load_fold(prepared, config)
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    train_run(config, data, tmp_path / "whole")
    with monkeypatch.context() as patched:
        patched.setattr(train, "write_epochs", killed)
        with pytest.raises(KeyboardInterrupt):
            train_run(config, data, tmp_path / "killed")
    assert not (tmp_path / "killed" / NAME).exists()
    train_run(config, data, tmp_path / "killed")
    assert (tmp_path / "whole" / NAME).read_bytes() == (tmp_path / "killed" / NAME).read_bytes()
    tensors = load_file(tmp_path / "whole" / NAME)
    np.testing.assert_array_equal(tensors["label_N"], prepared.pack.label_N[data.test_N])
    assert np.isfinite(tensors["feature_ND"]).all()


def of_views(config: Any, views: int) -> Any:
    sampling = config.recipe.sampling.model_copy(update={"test_segments": views})
    return config.recipe.model_copy(update={"sampling": sampling})


def killed(*arguments: Any) -> None:
    raise KeyboardInterrupt
