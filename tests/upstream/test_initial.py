import argparse
import logging
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import harness.torchvision_ops  # noqa: F401  (before torchvision)
from harness.errors import ManifestError, RunError
from harness.models import build
from harness.upstream.initial import initial_name, load_initial
from harness.upstream.namemap import to_upstream

from torchvision.models.video import r3d_18  # isort: skip  (after it)


def model(name="m3dfel", num_classes=7):
    torch.manual_seed(1)
    return build(name, "demo", num_classes)


def same(state, expected):
    return state.keys() == expected.keys() and all(torch.equal(state[key], expected[key]) for key in expected)


@pytest.mark.parametrize("name", ["m3dfel", "former_dfer", "mae_dfer"])
def test_an_upstream_checkpoint(name, tmp_path):
    source = model(name).state_dict()
    namespace = argparse.Namespace(lr=1e-3, gpu_ids=[0], output_path="here")
    saved = {"model": to_upstream(name, source), "epoch": 3, "args": namespace, "best_wa": np.float64(0.5)}
    torch.save(saved, tmp_path / "checkpoint-best.pth")
    assert same(load_initial(name, "demo", tmp_path / "checkpoint-best.pth"), source)


def test_a_checkpoint_of_data_parallel_training(tmp_path):
    source = model("former_dfer").state_dict()
    wrapped = {f"module.{key}": value for key, value in to_upstream("former_dfer", source).items()}
    torch.save({"state_dict": wrapped, "best_acc": torch.tensor(61.2)}, tmp_path / "model_best.pth")
    assert same(load_initial("former_dfer", "demo", tmp_path / "model_best.pth"), source)


def test_a_checkpoint_of_our_own(tmp_path):
    source = model().state_dict()
    torch.save({"digest": "0" * 64, "step": 4, "model": source, "head": None, "losses": []}, tmp_path / "checkpoint.pt")
    assert same(load_initial("m3dfel", "demo", tmp_path / "checkpoint.pt"), source)


def test_safetensors(tmp_path):
    source = model().state_dict()
    save_file(to_upstream("m3dfel", source), tmp_path / "weights.safetensors")
    assert same(load_initial("m3dfel", "demo", tmp_path / "weights.safetensors"), source)


def test_the_backbone_of_torchvision(tmp_path, caplog):
    theirs = r3d_18(weights=None).state_dict()
    torch.save(theirs, tmp_path / "r3d_18.pth")
    state = load_initial("m3dfel", "full", tmp_path / "r3d_18.pth")
    assert len(state) == len(theirs) - 2  # less fc.weight and fc.bias
    assert torch.equal(state["backbone.layer3.0.downsample.0.weight"], theirs["layer3.0.downsample.0.weight"])
    assert "read as torchvision's r3d_18; left at random: aggregate.bias, aggregate.weight" in caplog.text


def test_a_pre_training_checkpoint_of_mae_dfer(tmp_path, caplog):
    # modeling_pretrain.py: the encoder under its prefix, a norm of its own, and a decoder that fine-tuning drops.
    source = model("mae_dfer").state_dict()
    kept = {key: value for key, value in source.items() if not key.startswith(("norm.", "classifier."))}
    theirs = to_upstream("mae_dfer", kept)
    encoder = {f"encoder.{key}": value for key, value in theirs.items()}
    beside = {name: torch.ones(3) for name in ("encoder.norm.weight", "mask_token", "decoder.head.bias")}
    torch.save({"model": encoder | beside}, tmp_path / "checkpoint-49.pth")
    assert same(load_initial("mae_dfer", "demo", tmp_path / "checkpoint-49.pth"), kept)
    assert "left at random: classifier.bias, classifier.weight, norm.bias and 1 more" in caplog.text


def test_a_classifier_of_other_classes_stays_random(tmp_path, caplog):
    source = model(num_classes=11).state_dict()
    torch.save(source, tmp_path / "mafw.pth")
    with caplog.at_level(logging.WARNING):
        state = load_initial("m3dfel", "demo", tmp_path / "mafw.pth")
    assert source.keys() - state.keys() == {"classifier.weight", "classifier.bias"}
    assert "left at random: classifier.bias, classifier.weight" in caplog.text
    target = model()
    before = target.classifier.weight.clone()
    target.load_state_dict(state, strict=False)
    assert torch.equal(target.classifier.weight, before)
    assert torch.equal(target.lstm.weight_hh_l0, source["lstm.weight_hh_l0"])


def test_a_classifier_of_as_many_classes_is_loaded(tmp_path):
    source = model(num_classes=11).state_dict()
    torch.save(source, tmp_path / "mafw.pth")
    assert same(load_initial("m3dfel", "demo", tmp_path / "mafw.pth", num_classes=11), source)


def test_weights_of_another_model_are_refused(tmp_path):
    torch.save(model("former_dfer").state_dict(), tmp_path / "former.pth")
    with pytest.raises(ManifestError, match=r"not weights of m3dfel at scale demo: read as .*missing .*unknown"):
        load_initial("m3dfel", "demo", tmp_path / "former.pth")


def test_a_missing_weight_is_named(tmp_path):
    source = model().state_dict()
    del source["lstm.weight_hh_l0"]
    torch.save(source, tmp_path / "part.pth")
    with pytest.raises(ManifestError, match=r"1 missing \(lstm.weight_hh_l0\)"):
        load_initial("m3dfel", "demo", tmp_path / "part.pth")


def test_an_unknown_weight_is_named(tmp_path):
    torch.save(model().state_dict() | {"extra.weight": torch.zeros(2)}, tmp_path / "more.pth")
    with pytest.raises(ManifestError, match=r"1 unknown \(extra.weight\)"):
        load_initial("m3dfel", "demo", tmp_path / "more.pth")


def test_another_scale_is_refused(tmp_path):
    # Four second blocks of 2 x (1 + 5) tensors and two temporal layers of 11 are only there at full scale.
    torch.save(model("former_dfer").state_dict(), tmp_path / "demo.pth")
    with pytest.raises(
        ManifestError, match=r"not weights of former_dfer at scale full: read as our own checkpoint, 70 missing"
    ):
        load_initial("former_dfer", "full", tmp_path / "demo.pth")


def test_another_shape_is_named(tmp_path):
    source = model("former_dfer").state_dict()
    source["temporal.position"] = torch.zeros(1, 9, 64)
    torch.save(source, tmp_path / "eight.pth")
    with pytest.raises(
        ManifestError, match=r"eight.pth: weight 'temporal.position' has shape \(1, 9, 64\), the model's"
    ):
        load_initial("former_dfer", "demo", tmp_path / "eight.pth")


class Runs:
    """Unpickling it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_a_file_that_would_run_code_is_refused(tmp_path):
    trace = tmp_path / "trace"
    torch.save({"model": model().state_dict(), "recorder": Runs(trace)}, tmp_path / "evil.pth")
    with pytest.raises(RunError, match="holds other objects"):
        load_initial("m3dfel", "demo", tmp_path / "evil.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Runs(trace)))
    with pytest.raises(RunError, match="not a file of weights"):
        load_initial("m3dfel", "demo", tmp_path / "plain.pth")
    assert not trace.exists()


def test_errors_are_one_line(tmp_path):
    (tmp_path / "text.pth").write_text("hello")
    for path in (tmp_path / "none.pth", tmp_path / "text.pth"):
        with pytest.raises(RunError) as caught:
            load_initial("m3dfel", "demo", path)
        assert "\n" not in str(caught.value)


def test_a_file_without_weights_is_refused(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "empty.pth")
    with pytest.raises(RunError, match="holds no weights by name"):
        load_initial("m3dfel", "demo", tmp_path / "empty.pth")


def test_the_same_bytes_have_the_same_name(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"abc")
    # FIPS 180-2, example of one block.
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert initial_name(tmp_path / "a") == initial_name(tmp_path / "b") == f"sha256:{digest}"
