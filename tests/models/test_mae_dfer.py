from dataclasses import replace

import pytest
import torch
from torch import nn

from harness.models.mae_dfer import MAEDFER, Attention, MAEDFERConfig, drop_path, sinusoid_ND

SMALL = MAEDFERConfig(4, 32, 2, 8, (1, 2, 4), 8, 2, 2, 4, drop_path=0.0, init_std=0.02, head_scale=0.001)


def test_attention_is_that_of_torch():
    torch.manual_seed(0)
    own, reference = Attention(24, heads=4), nn.MultiheadAttention(24, 4, batch_first=True)
    with torch.no_grad():
        nn.init.normal_(own.key_value)
        nn.init.normal_(own.value_bias)
        reference.in_proj_weight.copy_(torch.cat((own.query.weight, own.key_value)))
        reference.in_proj_bias.copy_(torch.cat((own.query.bias, torch.zeros(24), own.value_bias)))
        reference.out_proj.load_state_dict(own.project.state_dict())
    x_BND, context_BMD = torch.randn(2, 9, 24), torch.randn(2, 5, 24)
    expected, _ = reference(x_BND, context_BMD, context_BMD)
    torch.testing.assert_close(own(x_BND, context_BMD), expected, rtol=0, atol=1e-5)


def test_tokens_are_parted_by_region():
    # 2 x 4 x 4 tokens in regions of 1 x 2 x 4: four regions, each two rows of one pair of frames.
    model = MAEDFER(SMALL)
    tokens_BND = torch.arange(32.0)[None, :, None].expand(2, -1, 8)
    region_BRSD = model._part(tokens_BND)
    assert region_BRSD.shape == (2, 4, 9, 8)
    assert torch.equal(region_BRSD[1, :, 0], model.region_tokens)
    assert torch.equal(region_BRSD[1, :, 1:, 0], torch.arange(32.0).view(4, 8))


def test_regions_across_frames():
    # Regions of 2 x 2 x 2 tokens on a grid of 2 x 4 x 4: the first holds rows 0-1, columns 0-1 of both frames.
    model = MAEDFER(replace(SMALL, region=(2, 2, 2)))
    region_BRSD = model._part(torch.arange(32.0)[None, :, None].expand(1, -1, 8))
    assert region_BRSD[0, 0, 1:, 0].tolist() == [0, 1, 4, 5, 16, 17, 20, 21]
    assert region_BRSD[0, 1, 1:, 0].tolist() == [2, 3, 6, 7, 18, 19, 22, 23]


def test_full_scale_regions():
    assert MAEDFERConfig.full().grid == (8, 10, 10)
    assert MAEDFERConfig.full().regions == (4, 2, 1)


def test_regions_meet_only_through_their_tokens():
    torch.manual_seed(0)
    model = MAEDFER(replace(SMALL, depth=1, init_std=0.3)).eval()
    block, x_BRSD = model.blocks[0], torch.randn(1, 4, 9, 8)
    other = x_BRSD.clone()
    other[0, 3, 5] = torch.randn(8)
    with torch.no_grad():
        nn.init.zeros_(block.global_attention.project.weight)
        before, after = block(x_BRSD), block(other)
    # With the second attention silent, region tokens of other regions do not change; local tokens do, by the third.
    assert torch.equal(after[0, :3, 0], before[0, :3, 0])
    assert not torch.allclose(after[0, 3, 0], before[0, 3, 0])
    assert not torch.allclose(after[0, 0, 1:], before[0, 0, 1:])


def test_sinusoid():
    table_ND = sinusoid_ND(3, 4)
    angle = torch.tensor([0.0, 1.0, 2.0])
    expected = torch.stack((angle.sin(), angle.cos(), (angle / 100).sin(), (angle / 100).cos()), dim=1)
    torch.testing.assert_close(table_ND, expected)


def test_position_is_no_weight():
    assert not any("position" in key for key in MAEDFER(SMALL).state_dict())


def test_drop_path_drops_rows_and_keeps_the_mean():
    torch.manual_seed(0)
    dropped = drop_path(torch.ones(4000, 3, 2), 0.25)
    rows = dropped.flatten(1)
    assert torch.equal(rows, rows[:, :1].expand_as(rows))
    assert set(rows[:, 0].tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert (rows[:, 0] == 0).float().mean() == pytest.approx(0.25, abs=0.03)


def test_drop_path_rises_with_depth_and_rests_at_inference():
    torch.manual_seed(0)
    model = MAEDFER(replace(SMALL, depth=3, drop_path=0.5, init_std=0.3))
    assert [block.drop_path for block in model.blocks] == [0, 0.25, 0.5]
    clip_BTCHW = torch.randn(2, 4, 3, 32, 32)
    assert not torch.equal(model(clip_BTCHW), model(clip_BTCHW))
    model.eval()
    assert torch.equal(model(clip_BTCHW), model(clip_BTCHW))


def std_of(parameter):
    return parameter.std().item()


def test_initial_distributions():
    torch.manual_seed(0)
    model = MAEDFER(replace(SMALL, features=64, head_scale=0.5))
    assert std_of(model.blocks[0].mlp[0].weight) == pytest.approx(0.02, rel=0.05)
    assert std_of(model.blocks[1].cross_attention.key_value) == pytest.approx(0.02, rel=0.05)
    assert std_of(model.region_tokens) == pytest.approx(0.02, rel=0.2)
    assert std_of(model.classifier.weight) == pytest.approx(0.01, rel=0.2)
    assert not model.classifier.bias.any()


def test_sharpened_filters_ignore_even_colour():
    torch.manual_seed(0)
    model = MAEDFER(replace(SMALL, embed_gain=8.0))
    even_BCTHW = torch.tensor([0.2, 0.5, 0.9]).view(1, 3, 1, 1, 1).expand(1, 3, 4, 32, 32)
    torch.testing.assert_close(model.patch_embed(even_BCTHW)[0, :, 0, 0, 0], model.patch_embed.bias, rtol=0, atol=1e-5)
    # PyTorch's default is uniform with variance 1 / (3 x inputs), inputs = 3 x 2 x 8 x 8.
    assert std_of(model.patch_embed.weight) == pytest.approx(8 / (3 * 384) ** 0.5, rel=0.05)


def test_logits_come_from_region_tokens():
    torch.manual_seed(0)
    model = MAEDFER(replace(SMALL, head_scale=1.0, depth=0)).eval()
    feature = model.norm(model.region_tokens.mean(0))
    expected = model.classifier(feature).expand(2, -1)
    torch.testing.assert_close(model(torch.randn(2, 4, 3, 32, 32)), expected, rtol=0, atol=1e-6)


def test_region_tokens_are_not_decayed():
    model = MAEDFER(SMALL)
    assert model.no_weight_decay() <= {key for key, _ in model.named_parameters()}
