"""Former-DFER (Zhao and Liu, ACM MM 2021): a spatial transformer inside a ResNet-18, then a temporal transformer.

CS-Former: three ResNet stages turn each frame into a map whose positions are the tokens of a small transformer; a
fourth stage and the mean over positions give one feature a frame. T-Former: a class token attends to these features.

Shape letters: B batch, T frames, C channels, H W pixels, X frames of all clips (B T), P positions of a map, N tokens,
D features, E expressions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class TransformerConfig:
    """`head_width` is the width of one head; heads * head_width need not be the width of the tokens."""

    depth: int
    heads: int
    head_width: int
    mlp_width: int


@dataclass(frozen=True)
class FormerDFERConfig:
    """`stem` is the first convolution's (kernel, stride); with `pool`, a 3 x 3 max-pool of stride 2 follows it."""

    frames: int
    pixels: int
    stem: tuple[int, int]
    pool: bool
    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    spatial: TransformerConfig
    temporal: TransformerConfig

    @classmethod
    def full(cls) -> FormerDFERConfig:
        """As released (models/S_Former.py, models/T_Former.py): 16 frames of 112 x 112 pixels."""
        spatial = TransformerConfig(depth=1, heads=8, head_width=32, mlp_width=512)
        temporal = TransformerConfig(depth=3, heads=8, head_width=64, mlp_width=1024)
        return cls(16, 112, (7, 2), True, (64, 128, 256, 512), (2, 2, 2, 2), spatial, temporal)

    @classmethod
    def demo(cls) -> FormerDFERConfig:
        """For one CPU thread: 16 frames of 32 x 32 pixels, one block a stage."""
        spatial = TransformerConfig(depth=1, heads=4, head_width=16, mlp_width=128)
        temporal = TransformerConfig(depth=1, heads=4, head_width=24, mlp_width=192)
        return cls(16, 32, (5, 4), False, (16, 32, 48, 64), (1, 1, 1, 1), spatial, temporal)


class FormerDFER(nn.Module):
    """clip_BTCHW (B, T, 3, H, W), normalised, to logits_BE; at scale full T = 16 and H = W = 112."""

    def __init__(self, config: FormerDFERConfig, num_classes: int = 7) -> None:
        super().__init__()
        self.config = config
        self.spatial = SpatialFormer(config)
        self.temporal = TemporalFormer(config.widths[-1], config.frames, config.temporal)
        self.classifier = nn.Linear(config.widths[-1], num_classes)

    def forward(self, clip_BTCHW: Tensor) -> Tensor:
        feature_XD = self.spatial(clip_BTCHW.flatten(0, 1))
        feature_BD = self.temporal(feature_XD.unflatten(0, (-1, self.config.frames)))
        return self.classifier(feature_BD)


class SpatialFormer(nn.Module):
    """CS-Former: frames (X, 3, H, W) to features (X, widths[-1])."""

    def __init__(self, config: FormerDFERConfig) -> None:
        super().__init__()
        kernel, stride = config.stem
        width, *_ = config.widths
        self.stem = nn.Sequential(*_conv_norm(3, width, kernel, stride), nn.ReLU(inplace=True))
        if config.pool:
            self.stem.append(nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
        self.stages = nn.ModuleList(
            _stage(channels_in, channels, blocks, stride)
            for channels_in, channels, blocks, stride in zip(
                (width, *config.widths), config.widths, config.blocks, (1, 2, 2, 2), strict=False
            )
        )
        self.position = nn.Parameter(torch.randn(1, _map_side(config) ** 2, config.widths[2]))
        self.transformer = Transformer(config.widths[2], config.spatial)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.apply(_init_convolution)

    def forward(self, frame_XCHW: Tensor) -> Tensor:
        x = self.stem(frame_XCHW)
        *convolutions, last = self.stages
        for stage in convolutions:
            x = stage(x)
        return self.average(last(self._attend(x))).flatten(1)

    def _attend(self, map_XCHW: Tensor) -> Tensor:
        """The positions of the map as tokens; the shape, and the memory format, stay."""
        tokens_XPC = map_XCHW.flatten(2).transpose(1, 2)
        attended_XPC = self.transformer(tokens_XPC + self.position)
        return attended_XPC.transpose(1, 2).unflatten(2, map_XCHW.shape[2:])


class TemporalFormer(nn.Module):
    """T-Former: a class token attends to the frames. (B, T, D) to (B, D)."""

    def __init__(self, features: int, frames: int, config: TransformerConfig) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.randn(1, 1, features))
        self.position = nn.Parameter(torch.randn(1, frames + 1, features))
        self.transformer = Transformer(features, config)

    def forward(self, feature_BTD: Tensor) -> Tensor:
        class_token_B1D = self.class_token.expand(len(feature_BTD), -1, -1)
        tokens_BND = torch.cat((class_token_B1D, feature_BTD), dim=1) + self.position
        return self.transformer(tokens_BND)[:, 0]


class Transformer(nn.Module):
    """Pre-norm transformer, (B, N, D) to (B, N, D). All released dropout rates are 0: there is none here."""

    def __init__(self, features: int, config: TransformerConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TransformerLayer(features, config) for _ in range(config.depth))

    def forward(self, tokens_BND: Tensor) -> Tensor:
        for layer in self.layers:
            tokens_BND = layer(tokens_BND)
        return tokens_BND


class TransformerLayer(nn.Module):
    """Self-attention and a two-layer perceptron with the tanh form of GELU, each added to its input."""

    def __init__(self, features: int, config: TransformerConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(features)
        self.attention = SelfAttention(features, config.heads, config.head_width)
        self.mlp_norm = nn.LayerNorm(features)
        self.mlp = nn.Sequential(
            nn.Linear(features, config.mlp_width), nn.GELU(approximate="tanh"), nn.Linear(config.mlp_width, features)
        )

    def forward(self, tokens_BND: Tensor) -> Tensor:
        tokens_BND = tokens_BND + self.attention(self.attention_norm(tokens_BND))
        return tokens_BND + self.mlp(self.mlp_norm(tokens_BND))


class SelfAttention(nn.Module):
    def __init__(self, features: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(features, 3 * heads * head_width, bias=False)
        self.project = nn.Linear(heads * head_width, features)

    def forward(self, tokens_BND: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(tokens_BND).chunk(3, dim=-1)
        )
        attended = F.scaled_dot_product_attention(query, key, value)
        return self.project(attended.transpose(1, 2).flatten(2))


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut (He et al., CVPR 2016)."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(*_conv_norm(channels_in, channels, 3, stride), nn.ReLU(inplace=True))
        self.conv2 = nn.Sequential(*_conv_norm(channels, channels, 3, 1))
        self.shortcut = None
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Sequential(*_conv_norm(channels_in, channels, 1, stride))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return F.relu(self.conv2(self.conv1(x)) + shortcut, inplace=True)


def _stage(channels_in: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
    first = ResidualBlock(channels_in, channels, stride)
    return nn.Sequential(first, *(ResidualBlock(channels, channels, 1) for _ in range(blocks - 1)))


def _conv_norm(channels_in: int, channels: int, kernel: int, stride: int) -> tuple[nn.Module, nn.Module]:
    convolution = nn.Conv2d(channels_in, channels, kernel, stride, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm2d(channels)


def _map_side(config: FormerDFERConfig) -> int:
    """Side of the third stage's map: the stem, the max-pool and two stages each round up."""
    stride = config.stem[1] * (2 if config.pool else 1) * 2 * 2
    return math.ceil(config.pixels / stride)


def _init_convolution(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
