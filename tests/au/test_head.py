import copy
import io
import pickle

import pytest
import torch
from torch import nn

from harness.au import AUHead
from harness.errors import HarnessError


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(5, 8), nn.ReLU())
        self.head = nn.ModuleDict({"classifier": nn.Linear(8, 7), "norm": nn.LayerNorm(8)})

    def forward(self, x_BD):
        return self.head["classifier"](self.backbone(x_BD))


class Tokens(Model):
    def forward(self, x_BD):
        return self.head["classifier"](self.backbone(x_BD)[:, None])


LAYER = "head.classifier"
X = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Model()


def test_the_logits_are_a_linear_layer_on_the_classifiers_input(model):
    head = AUHead(model, LAYER)
    model(X)
    feature_BD = model.backbone(X)
    assert torch.equal(head(), feature_BD @ head.linear.weight.T + head.linear.bias)


def test_the_model_is_left_as_it_was(model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    logits_BE = model(X)
    AUHead(model, LAYER)
    assert torch.equal(model(X), logits_BE)
    assert list(model.state_dict()) == list(before)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert len(list(model.modules())) == len(list(Model().modules()))


def test_the_au_loss_reaches_the_backbone_and_not_the_classifier(model):
    head = AUHead(model, LAYER)
    model(X)
    head().sum().backward()
    assert model.backbone[0].weight.grad.any()
    assert model.head["classifier"].weight.grad is None
    assert head.linear.weight.grad.any()


def test_at_inference_the_head_is_gone(model):
    head = AUHead(model, LAYER)
    model(X)
    model.eval()
    model(X)
    with pytest.raises(HarnessError, match="has no feature: run the model in training mode"):
        head()


def test_a_feature_is_used_once(model):
    head = AUHead(model, LAYER)
    model(X)
    head()
    with pytest.raises(HarnessError, match="has no feature"):
        head()


def test_remove_takes_the_hook_away(model):
    head = AUHead(model, LAYER)
    head.remove()
    model(X)
    assert not model.head["classifier"]._forward_pre_hooks
    with pytest.raises(HarnessError, match="has no feature"):
        head()


def test_weights_are_those_of_a_default_linear_layer_from_the_generator(model):
    head = AUHead(model, LAYER, generator=torch.Generator().manual_seed(11))
    torch.manual_seed(11)
    linear = nn.Linear(8, 18)
    assert torch.equal(head.linear.weight, linear.weight)
    assert torch.equal(head.linear.bias, linear.bias)


def test_the_global_generator_is_not_touched(model):
    state = torch.get_rng_state()
    AUHead(model, LAYER)
    AUHead(model, LAYER, generator=torch.Generator().manual_seed(3))
    assert torch.equal(torch.get_rng_state(), state)


def test_without_a_generator_every_head_is_the_same(model):
    first, second = AUHead(model, LAYER), AUHead(model, LAYER)
    assert torch.equal(first.linear.weight, second.linear.weight)


def test_the_head_takes_dtype_and_device_of_the_classifier(model):
    head = AUHead(model.double(), LAYER, num_units=12)
    model(X.double())
    assert head().dtype == torch.float64
    assert head.linear.weight.shape == (12, 8)
    assert AUHead(Model().to("meta"), LAYER).linear.weight.device.type == "meta"


@pytest.mark.parametrize("inside", [True, False])
def test_a_feature_kept_under_autocast(model, inside):
    head = AUHead(model, LAYER)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model(X)
        inside_BA = head() if inside else None
    assert (inside_BA if inside else head()).dtype == (torch.bfloat16 if inside else torch.float32)


def test_a_copied_model_and_head_belong_together(model):
    head = AUHead(model, LAYER)
    model(X)
    model_copy, head_copy = copy.deepcopy((model, head))
    with pytest.raises(HarnessError, match="has no feature"):
        head_copy()
    model_copy(X)
    assert torch.equal(head_copy(), head())
    head_copy.remove()
    assert not model_copy.head["classifier"]._forward_pre_hooks
    assert model.head["classifier"]._forward_pre_hooks


def test_a_copy_of_the_model_alone_feeds_no_head(model):
    head = AUHead(model, LAYER)
    copy.deepcopy(model)(X)
    with pytest.raises(HarnessError, match="has no feature"):
        head()


def test_model_and_head_can_be_pickled(model):
    head = AUHead(model, LAYER)
    model(X)
    model_copy, head_copy = pickle.loads(pickle.dumps((model, head)))
    model_copy(X)
    assert torch.equal(head_copy(), head())


def test_the_heads_state_dict_holds_its_two_parameters(model):
    head, buffer = AUHead(model, LAYER), io.BytesIO()
    torch.save(head.state_dict(), buffer)
    buffer.seek(0)
    other = AUHead(model, LAYER, generator=torch.Generator().manual_seed(5))
    other.load_state_dict(torch.load(buffer, weights_only=True))
    assert torch.equal(other.linear.weight, head.linear.weight)
    assert len(head.state_dict()) == 2


def test_a_compiled_model_keeps_the_feature(model):
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    head = AUHead(compiled, LAYER)
    compiled(X)
    assert torch.allclose(head(), head.linear(model.backbone(X)))


def test_a_layer_called_by_keyword(model):
    head = AUHead(model, LAYER)
    model.head["classifier"](input=torch.ones(2, 8))
    assert head().shape == (2, 18)


@pytest.mark.parametrize(
    "layer, message",
    [
        ("head.clasifier", "no such layer; linear layers near that name: head.classifier"),
        ("classifier", "no such layer; linear layers near that name: head.classifier"),
        ("fc", "no such layer; linear layers near that name: backbone.0, head.classifier"),
        ("head.norm", "is a LayerNorm, not an nn.Linear; linear layers near that name: head.classifier"),
        ("", "is a Model, not an nn.Linear"),
    ],
)
def test_a_wrong_layer_is_refused_with_the_near_names(model, layer, message):
    with pytest.raises(HarnessError) as caught:
        AUHead(model, layer)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_without_linear_layers():
    with pytest.raises(HarnessError, match="the model has no linear layer"):
        AUHead(nn.Sequential(nn.Conv2d(3, 3, 1)), "classifier")


def test_a_feature_that_is_not_pooled_is_refused():
    model = Tokens()
    head = AUHead(model, LAYER)
    model(X)
    with pytest.raises(HarnessError, match=r"shape \(3, 1, 8\), not \(batch, features\)"):
        head()


def test_data_parallel_is_refused(model):
    with pytest.raises(HarnessError, match="use DistributedDataParallel"):
        AUHead(nn.DataParallel(model), LAYER)


def train(au_ratio):
    """Three steps of a small model; with a ratio, beside an AU head (None: as if the AU code did not exist)."""
    from harness.au import AULoss, combine

    torch.manual_seed(0)
    model = Model()
    head = None if au_ratio is None else AUHead(model, LAYER)
    parameters = [*model.parameters(), *(head.parameters() if head else [])]
    optimiser = torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.05)
    criterion = AULoss(torch.full((7, 18), 0.5), torch.ones(7, 18))
    losses = []
    for _ in range(3):
        x_BD, target_B = torch.randn(4, 5), torch.randint(0, 7, (4,))
        loss = nn.functional.cross_entropy(model(x_BD), target_B)
        if head is not None:
            loss = combine(loss, criterion(head(), torch.ones(4, 18), target_B), au_ratio)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses, model.state_dict()


def test_ratio_zero_trains_the_baseline_bit_for_bit():
    baseline, zero, quarter = train(None), train(0.0), train(0.25)
    assert zero[0] == baseline[0]
    assert all(torch.equal(value, baseline[1][name]) for name, value in zero[1].items())
    assert quarter[0] != baseline[0]
