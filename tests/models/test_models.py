import pytest
import torch
import torch.nn.functional as F

from harness.errors import ManifestError
from harness.models import MODELS, build, input_shape

PARAMETERS = {"m3dfel": 46_823_384, "former_dfer": 18_031_943, "mae_dfer": 84_878_343}
FEATURES = {"m3dfel": 1024, "former_dfer": 512, "mae_dfer": 512}


def clip_of(name, batch, scale="demo"):
    """A batch as the engine hands it over: contiguous (B, T, H, W, C) memory seen as (B, T, C, H, W)."""
    frames, channels, height, width = input_shape(name, scale)
    return torch.randn(batch, frames, height, width, channels).permute(0, 1, 4, 2, 3)


@pytest.mark.parametrize("name", MODELS)
def test_full_scale_is_the_published_model(name):
    with torch.device("meta"):
        model = build(name)
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]
    assert model.classifier.in_features == FEATURES[name]


def test_input_shapes():
    assert [input_shape(name, "full") for name in MODELS] == [(16, 3, 112, 112), (16, 3, 112, 112), (16, 3, 160, 160)]
    assert {input_shape(name, "demo") for name in MODELS} == {(16, 3, 32, 32)}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_logits(name, training):
    model = build(name, "demo", num_classes=5).train(training)
    assert model(clip_of(name, 3)).shape == (3, 5)


@pytest.mark.parametrize("name", MODELS)
def test_one_clip_gives_the_row_it_gives_in_a_batch(name):
    model = build(name, "demo").eval()
    clip_BTCHW = clip_of(name, 3)
    with torch.no_grad():
        torch.testing.assert_close(model(clip_BTCHW[1:2]), model(clip_BTCHW)[1:2], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_memory_layout_does_not_change_the_logits(name):
    model = build(name, "demo").eval()
    clip_BTCHW = clip_of(name, 2)
    with torch.no_grad():
        torch.testing.assert_close(model(clip_BTCHW.contiguous()), model(clip_BTCHW), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_first_convolution_reads_the_clip_in_place(name):
    model = build(name, "demo").eval()
    first = next(module for module in model.modules() if isinstance(module, torch.nn.Conv2d | torch.nn.Conv3d))
    seen = []
    first.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    clip_BTCHW = clip_of(name, 2)
    model(clip_BTCHW)
    memory_format = torch.channels_last if seen[0].dim() == 4 else torch.channels_last_3d
    assert seen[0].data_ptr() == clip_BTCHW.data_ptr()
    assert seen[0].is_contiguous(memory_format=memory_format)


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_learns(name):
    model = build(name, "demo")
    F.cross_entropy(model(clip_of(name, 4)), torch.tensor([0, 1, 2, 3])).backward()
    silent = [key for key, parameter in model.named_parameters() if not parameter.grad.abs().sum() > 0]
    # The last block of MAE-DFER changes its local tokens in vain: only its region tokens are read. So it is upstream.
    last = f"blocks.{model.config.depth - 1}.cross_" if name == "mae_dfer" else "none"
    assert [key for key in silent if not key.startswith(last)] == []


@pytest.mark.parametrize("name", MODELS)
def test_same_seed_same_weights(name):
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(build(name, "demo").state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


@pytest.mark.parametrize(
    ("name", "scale", "message"),
    [
        ("r3d", "full", "model 'r3d' is unknown; use one of: m3dfel, former_dfer, mae_dfer"),
        ("m3dfel", "tiny", "scale 'tiny' of model 'm3dfel' is unknown; use one of: full, demo"),
    ],
)
@pytest.mark.parametrize("ask", [build, input_shape])
def test_unknown_names(ask, name, scale, message):
    with pytest.raises(ManifestError) as caught:
        ask(name, scale)
    assert str(caught.value) == message
