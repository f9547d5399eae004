from dataclasses import replace

import pytest
import torch
from torch import nn

import harness.torchvision_ops  # noqa: F401  # before torchvision
from harness.models.former_dfer import (
    FormerDFER,
    FormerDFERConfig,
    SpatialFormer,
    TemporalFormer,
    TransformerConfig,
    TransformerLayer,
)


def test_stages_are_those_of_resnet18():
    from torchvision.models import resnet18

    torch.manual_seed(0)
    reference, own = resnet18().eval(), SpatialFormer(FormerDFERConfig.full()).eval()
    weights = {key: value for key, value in reference.state_dict().items() if not key.startswith("fc.")}
    convolutions = {key: value for key, value in own.state_dict().items() if key.startswith(("stem", "stages"))}
    # Both list their parameters in the order in which they are used.
    own.load_state_dict(dict(zip(convolutions, weights.values(), strict=True)), strict=False)
    frame_XCHW = torch.rand(2, 3, 64, 64)
    map_XCHW = reference.maxpool(reference.relu(reference.bn1(reference.conv1(frame_XCHW))))
    with torch.no_grad():
        expected = reference.layer3(reference.layer2(reference.layer1(map_XCHW)))
        x = own.stem(frame_XCHW)
        for stage in own.stages[:3]:
            x = stage(x)
    torch.testing.assert_close(x, expected, rtol=0, atol=1e-4)


def test_convolutions_start_as_in_resnet():
    torch.manual_seed(0)
    own = SpatialFormer(FormerDFERConfig.full())
    # Kaiming normal, fan out: std = sqrt(2 / (channels out x kernel)).
    assert own.stem[0].weight.std().item() == pytest.approx((2 / (64 * 49)) ** 0.5, rel=0.05)
    assert own.stages[3][0].conv1[0].weight.std().item() == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.05)
    assert own.position.shape == (1, 49, 256)
    assert own.position.std().item() == pytest.approx(1, rel=0.05)


def test_layer_is_that_of_torch():
    torch.manual_seed(0)
    own = TransformerLayer(24, TransformerConfig(depth=1, heads=4, head_width=6, mlp_width=40))
    gelu = nn.GELU(approximate="tanh")
    reference = nn.TransformerEncoderLayer(24, 4, 40, dropout=0.0, activation=gelu, batch_first=True, norm_first=True)
    with torch.no_grad():
        reference.self_attn.in_proj_weight.copy_(own.attention.qkv.weight)
        reference.self_attn.in_proj_bias.zero_()
        reference.self_attn.out_proj.load_state_dict(own.attention.project.state_dict())
        reference.linear1.load_state_dict(own.mlp[0].state_dict())
        reference.linear2.load_state_dict(own.mlp[2].state_dict())
    tokens_BND = torch.randn(2, 9, 24)
    torch.testing.assert_close(own(tokens_BND), reference(tokens_BND), rtol=0, atol=1e-5)


def test_positions_keep_their_place_through_the_transformer():
    spatial = SpatialFormer(FormerDFERConfig.demo())
    spatial.transformer = nn.Identity()
    with torch.no_grad():
        spatial.position.zero_()
    map_XCHW = torch.randn(2, 48, 2, 2)
    assert torch.equal(spatial._attend(map_XCHW), map_XCHW)


def test_class_token_leads_and_is_read():
    temporal = TemporalFormer(8, 3, TransformerConfig(1, 2, 4, 16))
    temporal.transformer = nn.Identity()
    feature_BD = temporal(torch.randn(2, 3, 8))
    expected = (temporal.class_token + temporal.position[:, :1])[:, 0].expand(2, -1)
    assert torch.equal(feature_BD, expected)


def test_frames_of_a_clip_stay_together():
    torch.manual_seed(0)
    model = FormerDFER(FormerDFERConfig.demo()).eval()
    clip_BTCHW = torch.rand(2, 16, 3, 32, 32)
    other = clip_BTCHW.clone()
    other[1] = 0
    with torch.no_grad():
        before, after = model(clip_BTCHW), model(other)
    torch.testing.assert_close(after[0], before[0], rtol=0, atol=1e-5)
    assert not torch.allclose(after[1], before[1])


@pytest.mark.parametrize(("pixels", "tokens"), [(112, 49), (96, 36), (100, 49)])
def test_tokens_of_a_map(pixels, tokens):
    # Stem, pool and two stages halve and round up: 112 to 7, 96 to 6, 100 to 7.
    spatial = SpatialFormer(replace(FormerDFERConfig.full(), pixels=pixels))
    assert spatial.position.shape[1] == tokens
    spatial(torch.zeros(2, 3, pixels, pixels))
