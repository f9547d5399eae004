from collections import OrderedDict
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from harness.analysis import flops
from harness.au.head import AUHead
from harness.upstream.native_pair import Answer, Probe, ask, difference, nudged, relative, shaken
from harness.upstream.native_worker import _count_einsum, _gradients_fp32
from harness.upstream.verify_native import Check


def model():
    torch.manual_seed(0)
    layers = [("flat", nn.Flatten()), ("norm", nn.BatchNorm1d(12)), ("fc", nn.Linear(12, 7))]
    return nn.Sequential(OrderedDict(layers))


def clips():
    torch.manual_seed(1)
    return Probe(torch.rand(2, 1, 3, 2, 2), torch.tensor([0, 3]), torch.ones(2, 18))


@pytest.mark.parametrize("training", [False, True])
def test_an_answer_holds_logits_of_both_heads(training):
    answer = ask(model(), "fc", clips(), training, torch.float32)
    expected = model().train(training)
    head = AUHead(expected, "fc")
    feature_BD = expected.norm(clips().clip_BTCHW.flatten(1))
    assert torch.equal(answer.logits_BE, expected.fc(feature_BD))
    assert torch.equal(answer.au_logits_BA, head.linear(feature_BD))


def test_an_answer_holds_gradients_of_both_losses():
    without = Probe(clips().clip_BTCHW, clips().expression_B, torch.zeros(2, 18))
    both = ask(model(), "fc", clips(), True, torch.float32), ask(model(), "fc", without, True, torch.float32)
    assert both[0].gradients.keys() == {"norm.weight", "norm.bias", "fc.weight", "fc.bias"}
    # Other AU labels reach the layers below both heads, and not the expression classifier.
    assert not torch.equal(both[0].gradients["norm.weight"], both[1].gradients["norm.weight"])
    assert torch.equal(both[0].gradients["fc.weight"], both[1].gradients["fc.weight"])


def test_an_answer_leaves_the_model_alone():
    asked = model().eval()
    before = {name: value.clone() for name, value in asked.state_dict().items()}
    answer = ask(asked, "fc", clips(), True, torch.float64)
    assert all(torch.equal(value, before[name]) for name, value in asked.state_dict().items())
    assert not asked.training
    assert answer.buffers["norm.num_batches_tracked"] == 1


def test_the_relative_difference_is_that_of_the_worst_tensor():
    second = {"a": torch.tensor([1.0, -4.0]), "b": torch.tensor([0.01])}
    first = {"a": torch.tensor([1.2, -4.0]), "b": torch.tensor([0.011])}
    # 0.2 of 4 is 0.05, and 0.001 of 0.01 is 0.1.
    value, name = relative(first, second)
    assert (round(value, 5), name) == (0.1, "b")
    assert difference(first["a"], second["a"]) == pytest.approx(0.2)


def test_different_tensors_are_no_pair():
    with pytest.raises(AssertionError):
        relative({"a": torch.zeros(1)}, {"b": torch.zeros(1)})


def test_shaking_moves_vectors_and_wakes_the_classifier():
    state = {"norm.weight": torch.ones(400), "w": torch.ones(4, 4), "classifier.weight": torch.zeros(7, 100),
             "norm.num_batches_tracked": torch.tensor(0)}  # fmt: skip
    moved = shaken(state)
    assert 0.08 < float(moved["norm.weight"].std()) < 0.12
    assert 0.08 < float(moved["classifier.weight"].std()) < 0.12
    assert torch.equal(moved["w"], state["w"])
    assert torch.equal(moved["norm.num_batches_tracked"], torch.tensor(0))
    assert torch.equal(state["norm.weight"], torch.ones(400))


def test_a_nudge_is_relative_and_small():
    asked = clips()
    moved = nudged(asked, 1e-3).clip_BTCHW / asked.clip_BTCHW - 1
    assert 0 < float(moved.abs().max()) < 5e-3


def verdict(ours, moved, fp64_passes):
    def answer(value):
        return Answer(torch.zeros(1), torch.zeros(1), {"w": torch.tensor([value, 1.0])}, {})

    pair = SimpleNamespace(name="m", config=SimpleNamespace(frames=1, pixels=2))
    in_fp64 = Check("m", "gradients, train, fp64", 1e-4, 0.0, fp64_passes)
    return _gradients_fp32(pair, True, answer(0.0), answer(ours), moved, in_fp64)


def test_gradients_within_the_limit_pass():
    assert verdict(5e-5, moved=0.0, fp64_passes=False).passed


def test_gradients_beyond_the_limit_fail():
    assert not verdict(5e-4, moved=4e-4, fp64_passes=True).passed


def test_where_the_upstream_moves_as_far_itself_float64_decides():
    undecided = verdict(5e-4, moved=6e-4, fp64_passes=True)
    assert undecided.passed
    assert "fp32 cannot decide, fp64 does" in undecided.note
    assert not verdict(5e-4, moved=6e-4, fp64_passes=False).passed


class Attention(nn.Module):
    def forward(self, first, second):
        return torch.einsum("b h i j, b h j d -> b h i d", first, second)


def test_einsum_is_counted_exactly(monkeypatch):
    # 2 x 3 x 37 x 41 x 43 products; fvcore alone reads 3.914e+05 off a text and takes it for 391,400.
    monkeypatch.setitem(flops.HANDLERS, "aten::einsum", _count_einsum)
    shapes = torch.rand(2, 3, 37, 41), torch.rand(2, 3, 41, 43)
    assert flops.count(Attention(), shapes).total == 391_386
