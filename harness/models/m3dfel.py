"""M3DFEL (Wang et al., CVPR 2023): dynamic expressions as multiple-instance learning over 3D instances.

A clip is a bag of short instances. One 3D ResNet-18 embeds each instance, a bidirectional LSTM and multi-head
self-attention relate the instances, dynamic multi-instance normalisation (DMIN) turns the attended features into a
gate, and one convolution aggregates the gated bag into the feature of the clip.

Shape letters: B batch, T frames, C channels, H W pixels, N instances of a bag, S frames of an instance, D features,
E expressions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class M3DFELConfig:
    """`hidden` is the LSTM's width in one direction, `stem` the first convolution's (kernel, stride, padding).

    `time_kernels` are the stages' kernels along the frames: where one frame is left, the outer two of three taps only
    ever meet padding, and 1 gives the same functions.
    """

    frames: int
    pixels: int
    instances: int
    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    time_kernels: tuple[int, ...]
    stem: tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]
    hidden: int
    lstm_layers: int
    heads: int

    @classmethod
    def full(cls) -> M3DFELConfig:
        """As released (models/M3DFEL.py, options.py): R3D-18 over four instances of four frames of 112 x 112 pixels."""
        widths, stem = (64, 128, 256, 512), ((3, 7, 7), (1, 2, 2), (1, 3, 3))
        return cls(16, 112, 4, widths, (2, 2, 2, 2), (3, 3, 3, 3), stem, hidden=512, lstm_layers=2, heads=8)

    @classmethod
    def demo(cls) -> M3DFELConfig:
        """For one CPU thread: four instances of four frames of 32 x 32 pixels, one block a stage."""
        widths, stem = (32, 48, 64, 96), ((4, 4, 4), (1, 4, 4), (0, 0, 0))
        return cls(16, 32, 4, widths, (1, 1, 1, 1), (1, 1, 1, 1), stem, hidden=64, lstm_layers=1, heads=4)


class M3DFEL(nn.Module):
    """clip_BTCHW (B, T, 3, H, W), normalised, to logits_BE; at scale full T = 16 and H = W = 112.

    `backbone` takes the state_dict of torchvision's `r3d_18` (Kinetics-400) less its `fc`.
    """

    def __init__(self, config: M3DFELConfig, num_classes: int = 7) -> None:
        super().__init__()
        self.config = config
        features = 2 * config.hidden
        self.backbone = R3D(config)
        self.lstm = nn.LSTM(config.widths[-1], config.hidden, config.lstm_layers, batch_first=True, bidirectional=True)
        self.attention = InstanceAttention(features, config.heads)
        self.norm = DMIN(features)
        # The instances are the channels; the kernel slides along the features.
        self.aggregate = nn.Conv1d(config.instances, 1, kernel_size=3, padding=1)
        self.classifier = nn.Linear(features, num_classes)

    def forward(self, clip_BTCHW: Tensor) -> Tensor:
        instances = self.config.instances
        # Splitting the frame axis and moving the channels in front are views: no pixel is copied here.
        instance_XSCHW = clip_BTCHW.unflatten(1, (instances, -1)).flatten(0, 1)
        embedding_BND = self.backbone(instance_XSCHW.transpose(1, 2)).unflatten(0, (-1, instances))
        related_BND = self._related(embedding_BND)
        gate_BND = torch.sigmoid(self.norm(self.attention(related_BND)))
        feature_BD = self.aggregate(related_BND * gate_BND).squeeze(1)
        return self.classifier(feature_BD)

    def _related(self, embedding_BND: Tensor) -> Tensor:
        """The LSTM, a thousandth of the work, in fp32 under autocast too: not every processor can run one in bf16."""
        with torch.autocast(embedding_BND.device.type, enabled=False):
            wide = embedding_BND.float() if embedding_BND.dtype == torch.bfloat16 else embedding_BND
            return self.lstm(wide)[0]


class InstanceAttention(nn.Module):
    """Multi-head self-attention between the instances of a bag, with no output projection. (B, N, D) to (B, N, D)."""

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(features, 3 * features, bias=False)

    def forward(self, related_BND: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(related_BND).chunk(3, dim=-1)
        )
        return F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


class DMIN(nn.Module):
    """Dynamic multi-instance normalisation (section 3.4 of the M3DFEL paper). (B, N, D) to (B, N, D).

    Mean and variance are learned mixtures of two levels: each feature over the instances of its bag (unbiased
    variance), and all features of the bag together.
    """

    def __init__(self, features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.mean_mixture = nn.Parameter(torch.ones(2))
        self.variance_mixture = nn.Parameter(torch.ones(2))

    def forward(self, x_BND: Tensor) -> Tensor:
        means = self._levels(x_BND)
        mean = _mix(self.mean_mixture, means[0], means[1])
        variance = _mix(self.variance_mixture, means[2], means[3])
        return (x_BND - mean) / (variance + self.eps).sqrt() * self.weight + self.bias

    @staticmethod
    def _levels(x_BND: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Means of instance and bag level, then their variances."""
        mean_B1D, variance_B1D = x_BND.mean(1, keepdim=True), x_BND.var(1, keepdim=True)
        mean_B11 = mean_B1D.mean(2, keepdim=True)
        variance_B11 = (variance_B1D + mean_B1D**2).mean(2, keepdim=True) - mean_B11**2
        return mean_B1D, mean_B11, variance_B1D, variance_B11


def _mix(logits: Tensor, of_instances: Tensor, of_bag: Tensor) -> Tensor:
    share = logits.softmax(0)
    return share[0] * of_instances + share[1] * of_bag


class R3D(nn.Module):
    """3D ResNet (Tran et al., CVPR 2018). Clips (X, 3, S, H, W) to features (X, widths[-1]).

    Parameters are named as in torchvision's `VideoResNet` and start from its distributions.
    """

    def __init__(self, config: M3DFELConfig) -> None:
        super().__init__()
        kernel, stride, padding = config.stem
        width = config.widths[0]
        self.stem = nn.Sequential(
            nn.Conv3d(3, width, kernel, stride, padding, bias=False), nn.BatchNorm3d(width), nn.ReLU(inplace=True)
        )
        stages = zip((width, *config.widths), config.widths, config.blocks, config.time_kernels, strict=False)
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            _stage(channels_in, channels, blocks, time_kernel, stride=1 if index == 0 else 2)
            for index, (channels_in, channels, blocks, time_kernel) in enumerate(stages)
        )
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.apply(_init_convolution)

    def forward(self, clip_XCSHW: Tensor) -> Tensor:
        x = self.stem(clip_XCSHW)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.avgpool(x).flatten(1)


class ResidualBlock(nn.Module):
    """Two 3 x 3 x 3 convolutions (frames, rows, columns) beside a shortcut; the stride also thins the frames."""

    def __init__(self, channels_in: int, channels: int, time_kernel: int, stride: int) -> None:
        super().__init__()
        kernel = (time_kernel, 3, 3)
        self.conv1 = nn.Sequential(*_conv_norm(channels_in, channels, kernel, stride), nn.ReLU(inplace=True))
        self.conv2 = nn.Sequential(*_conv_norm(channels, channels, kernel, 1))
        self.downsample = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(*_conv_norm(channels_in, channels, (1, 1, 1), stride))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(self.conv2(self.conv1(x)) + shortcut, inplace=True)


def _stage(channels_in: int, channels: int, blocks: int, time_kernel: int, stride: int) -> nn.Sequential:
    first = ResidualBlock(channels_in, channels, time_kernel, stride)
    return nn.Sequential(first, *(ResidualBlock(channels, channels, time_kernel, 1) for _ in range(blocks - 1)))


def _conv_norm(channels_in: int, channels: int, kernel: tuple[int, int, int], stride: int) -> tuple[nn.Module, ...]:
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    convolution = nn.Conv3d(channels_in, channels, kernel, stride, padding, bias=False)
    return convolution, nn.BatchNorm3d(channels)


def _init_convolution(module: nn.Module) -> None:
    if isinstance(module, nn.Conv3d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
