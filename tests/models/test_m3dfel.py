import pytest
import torch

import harness.torchvision_ops  # noqa: F401  # before torchvision
from harness.models.m3dfel import DMIN, M3DFEL, R3D, InstanceAttention, M3DFELConfig


def test_backbone_takes_torchvision_weights_and_agrees():
    from torchvision.models.video import r3d_18

    torch.manual_seed(0)
    reference, backbone = r3d_18().eval(), R3D(M3DFELConfig.full()).eval()
    weights = {key: value for key, value in reference.state_dict().items() if not key.startswith("fc.")}
    backbone.load_state_dict(weights)
    reference.fc = torch.nn.Identity()
    clip_XCSHW = torch.rand(2, 3, 4, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(backbone(clip_XCSHW), reference(clip_XCSHW), rtol=0, atol=1e-5)


def test_backbone_starts_from_torchvision_distributions():
    from torchvision.models.video import r3d_18

    torch.manual_seed(0)
    reference, own = r3d_18().state_dict(), R3D(M3DFELConfig.full()).state_dict()
    for key in ("stem.0.weight", "layer1.0.conv1.0.weight", "layer2.0.downsample.0.weight", "layer4.1.conv2.0.weight"):
        assert own[key].std().item() == pytest.approx(reference[key].std().item(), rel=0.05)


def test_instances_are_runs_of_frames():
    torch.manual_seed(0)
    model = M3DFEL(M3DFELConfig.demo()).eval()
    clip_BTCHW = torch.rand(2, 16, 3, 32, 32)
    seen = []
    model.lstm.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    with torch.no_grad():
        model(clip_BTCHW)
        one_by_one = [model.backbone(clip_BTCHW[:, n * 4 : n * 4 + 4].transpose(1, 2)) for n in range(4)]
    torch.testing.assert_close(seen[0], torch.stack(one_by_one, dim=1), rtol=0, atol=1e-5)


def test_attention_is_that_of_torch():
    torch.manual_seed(0)
    own, reference = InstanceAttention(32, heads=4), torch.nn.MultiheadAttention(32, 4, bias=False, batch_first=True)
    with torch.no_grad():
        reference.in_proj_weight.copy_(own.qkv.weight)
        reference.out_proj.weight.copy_(torch.eye(32))
    x_BND = torch.randn(2, 4, 32)
    torch.testing.assert_close(own(x_BND), reference(x_BND, x_BND, x_BND)[0], rtol=0, atol=1e-6)


def test_dmin_of_instances_alone_normalises_each_feature_over_the_bag():
    norm = DMIN(5)
    with torch.no_grad():
        norm.mean_mixture.copy_(torch.tensor([100.0, 0.0]))
        norm.variance_mixture.copy_(torch.tensor([100.0, 0.0]))
    x_BND = torch.randn(3, 4, 5)
    expected = (x_BND - x_BND.mean(1, keepdim=True)) / (x_BND.var(1, keepdim=True, unbiased=True) + 1e-5).sqrt()
    torch.testing.assert_close(norm(x_BND), expected)


def test_dmin_starts_half_and_half():
    # One clip, two instances (0, 2) and (4, 10) of two features: means 2 and 6, unbiased variances 8 and 32.
    # Bag: mean 4, variance mean(8 + 4, 32 + 36) - 16 = 24. Half and half: means 3 and 5, variances 16 and 28.
    x_BND = torch.tensor([[[0.0, 2.0], [4.0, 10.0]]])
    expected = torch.tensor([[[-3 / 16**0.5, -3 / 28**0.5], [1 / 16**0.5, 5 / 28**0.5]]])
    torch.testing.assert_close(DMIN(2)(x_BND).detach(), expected, rtol=0, atol=1e-5)


def test_dmin_scale_and_shift_belong_to_features():
    norm = DMIN(2)
    plain = norm(torch.tensor([[[0.0, 2.0], [4.0, 10.0]]])).detach()
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([2.0, 1.0]))
        norm.bias.copy_(torch.tensor([0.0, 3.0]))
    expected = plain * torch.tensor([2.0, 1.0]) + torch.tensor([0.0, 3.0])
    torch.testing.assert_close(norm(torch.tensor([[[0.0, 2.0], [4.0, 10.0]]])).detach(), expected)
