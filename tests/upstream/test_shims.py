"""Each shim in this process, undone by monkeypatch."""

import argparse
import importlib
import os
import random
import sys
import urllib.request

import numpy as np
import pytest
import torch

from harness import torchvision_ops  # noqa: F401  (must come before timm)
from harness.upstream import shims
from harness.upstream.job import Job
from harness.upstream.manifest import UpstreamError, load_upstreams

import timm  # isort: skip


@pytest.fixture
def job(tmp_path):
    return Job(
        upstream="toy", tree=tmp_path, entry="x.py", work=tmp_path, argv=(), shims=(), seed=3, threads=1, device="cpu"
    )


def keep(monkeypatch, owner, *names):
    """Have these attributes back after the test."""
    for name in names:
        monkeypatch.setattr(owner, name, getattr(owner, name))


def absent(monkeypatch, owner, name):
    """Have no such attribute, and after the test what was there before."""
    monkeypatch.setattr(owner, name, None, raising=False)
    delattr(owner, name)


def forget(monkeypatch, *names):
    """Have no such modules, and after the test those that were there before."""
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)
        del sys.modules[name]


def test_every_shim_is_in_a_manifest_with_its_reason():
    listed = [shim for manifest in load_upstreams() for shim in manifest.shims]
    assert {shim.name for shim in listed} == set(shims.SHIMS)
    assert all(len(shim.reason.split()) > 3 for shim in listed)


def test_an_unknown_shim_is_refused(job):
    with pytest.raises(UpstreamError, match="toy: no shim 'flux'; known: torchvision_operators"):
        shims.apply(job.model_copy(update={"shims": ("flux",)}))


def test_without_cuda_tensors_and_modules_stay_where_they_are(job, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    keep(monkeypatch, torch.Tensor, "cuda")
    keep(monkeypatch, torch.nn.Module, "cuda")
    keep(monkeypatch, torch.cuda, "synchronize")
    keep(monkeypatch, torch.cuda.amp, "GradScaler")
    shims.no_cuda(job)
    tensor, module = torch.ones(2), torch.nn.Linear(1, 1)
    assert tensor.cuda() is tensor
    assert module.cuda(0) is module
    assert torch.cuda.synchronize() is None


def test_the_scaler_without_cuda_multiplies_by_one(job, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for owner, name in ((torch.Tensor, "cuda"), (torch.nn.Module, "cuda"), (torch.cuda, "synchronize")):
        keep(monkeypatch, owner, name)
    keep(monkeypatch, torch.cuda.amp, "GradScaler")
    shims.no_cuda(job)
    weight = torch.nn.Parameter(torch.tensor([3.0]))
    optimizer = torch.optim.SGD([weight], 0.5)
    scaler = torch.cuda.amp.GradScaler()
    scaler.scale((weight**2).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    assert weight.item() == 0.0  # 3 - 0.5 x 6
    assert scaler.state_dict()["scale"] == 1.0


def test_with_cuda_the_calls_are_torchs_own(job, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    before = torch.Tensor.cuda
    shims.no_cuda(job)
    assert torch.Tensor.cuda is before


def test_absent_modules_are_stood_in_for_and_present_ones_are_not(job, monkeypatch):
    monkeypatch.setattr(shims, "DISPENSABLE", {"no_such_module": ("part",), "json": ("tool",)})
    forget(monkeypatch, "no_such_module", "no_such_module.part")
    before = sys.modules["json"]
    shims.absent_modules(job)
    part = importlib.import_module("no_such_module.part")
    assert part.subplots(3).plot([1], color="g") is part
    assert sys.modules["json"] is before


def test_numpy_has_its_former_names(job, monkeypatch):
    forget(monkeypatch, "numpy.lib.function_base")
    absent(monkeypatch, np, "float")
    shims.numpy_2(job)
    assert vars(np)["float"] is float
    assert callable(importlib.import_module("numpy.lib.function_base").disp)


def test_torch_six_has_inf(job, monkeypatch):
    forget(monkeypatch, "torch._six")
    shims.torch_six(job)
    assert importlib.import_module("torch._six").inf == float("inf")


def test_timm_has_its_former_places(job, monkeypatch):
    keep(monkeypatch, timm.models, "create_model")
    forget(monkeypatch, "timm.models.layers", "timm.models.registry")
    for module, name in shims.FORMER_TIMM_OPTIMIZERS:
        absent(monkeypatch, importlib.import_module(f"timm.optim.{module}"), name)
    shims.timm_1(job)
    assert sys.modules["timm.models.layers"].trunc_normal_ is timm.layers.trunc_normal_
    assert sys.modules["timm.models.registry"].register_model is timm.models.register_model
    for module, name in shims.FORMER_TIMM_OPTIMIZERS:
        assert hasattr(importlib.import_module(f"timm.optim.{module}"), name)


def test_timm_passes_on_what_a_model_takes(job, monkeypatch):
    keep(monkeypatch, timm.models, "create_model")
    forget(monkeypatch, "timm.models.layers", "timm.models.registry")
    monkeypatch.setattr(timm.models, "model_entrypoint", lambda name: lambda **given: (name, given))
    shims.timm_1(job)
    found = timm.models.create_model("net", drop_block_rate=None, depth=2)
    assert found == ("net", {"pretrained": False, "depth": 2})


@pytest.fixture
def video(monkeypatch):
    """torchvision's video models, with no network."""
    module = importlib.import_module("torchvision.models.video")
    keep(monkeypatch, module, "r3d_18")
    monkeypatch.setattr(urllib.request, "urlopen", None)
    return module


def test_kinetics_weights_are_not_downloaded(job, video):
    torch.manual_seed(0)
    plain = video.r3d_18(weights=None)
    shims.kinetics_weights(job)
    torch.manual_seed(0)
    found = video.r3d_18(weights=video.R3D_18_Weights.DEFAULT)
    assert all(torch.equal(one, other) for one, other in zip(found.parameters(), plain.parameters(), strict=True))


def test_kinetics_weights_come_from_the_file(job, video, tmp_path):
    weights = {key: torch.zeros_like(value) for key, value in video.r3d_18(weights=None).state_dict().items()}
    torch.save(weights, tmp_path / "r3d.pth")
    shims.kinetics_weights(job.model_copy(update={"weights": tmp_path / "r3d.pth"}))
    assert not any(one.any() for one in video.r3d_18(weights=video.R3D_18_Weights.DEFAULT).parameters())


def test_a_single_process_has_each_epochs_own_order(job, monkeypatch):
    real = torch.utils.data.DistributedSampler
    keep(monkeypatch, torch.utils.data, "DistributedSampler")
    keep(monkeypatch, torch.distributed, "barrier")
    shims.single_process(job)
    assert torch.distributed.barrier() is None
    sampler = torch.utils.data.DistributedSampler(range(9), num_replicas=1, rank=0, shuffle=True)
    expected = real(range(9), num_replicas=1, rank=0, shuffle=True)
    for epoch in range(3):
        expected.set_epoch(epoch)
        assert list(sampler) == list(expected)


class Anything:
    """Not to be unpickled."""


def test_checkpoints_with_options_load_and_others_do_not(job, tmp_path):
    before = torch.serialization.get_safe_globals()
    try:
        shims.plain_checkpoints(job)
        torch.save({"args": argparse.Namespace(lr=1), "model": {}}, tmp_path / "good.pth")
        torch.save({"args": Anything()}, tmp_path / "bad.pth")
        assert torch.load(tmp_path / "good.pth")["args"].lr == 1
        with pytest.raises(Exception, match="Anything"):
            torch.load(tmp_path / "bad.pth")
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def test_a_folder_is_never_too_small(job, monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    monkeypatch.setattr(os.path, "getsize", lambda path: 5)
    shims.folder_size(job)
    assert os.path.getsize(tmp_path) == 1024
    assert os.path.getsize(tmp_path / "file") == 5


def test_every_generator_starts_from_the_runs_seed(job):
    def draws():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    shims.seeds(job)
    first = draws()
    shims.seeds(job)
    assert draws() == first
    shims.seeds(job.model_copy(update={"seed": 4}))
    assert all(one != other for one, other in zip(draws(), first, strict=True))
