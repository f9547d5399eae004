"""MAE-DFER (Sun et al., ACM MM 2023): a video transformer that attends within regions, and globally between them.

Tokens of a clip are parted into regions, each with a region token of its own. A block attends within each region
together with its region token, then among the region tokens, then lets all local tokens look at the region tokens. The
mean of the region tokens is the feature of the clip. This is the fine-tuning model; no decoder is here.

Shape letters: B batch, T frames, C channels, H W pixels, R regions, S tokens of a region (its region token first), N M
tokens, D features, E expressions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NORM_EPS = 1e-6


@dataclass(frozen=True)
class MAEDFERConfig:
    """`region` is a region's size in tokens (frames, rows, columns); `drop_path` the rate at the last block.

    `init_std` is that of the linear layers, `head_scale` a factor on the classifier's initial weights, `position_scale`
    one on the position code. With an `embed_gain` the patch embedding's initial filters lose their mean and are scaled
    by it: where no pre-training did so, the mean colour of a patch, which says nothing of an expression, drowns its
    texture for many epochs.
    """

    frames: int
    pixels: int
    tubelet: int
    patch: int
    region: tuple[int, int, int]
    features: int
    depth: int
    heads: int
    mlp_ratio: int
    drop_path: float
    init_std: float
    head_scale: float
    position_scale: float = 1.0
    embed_gain: float | None = None

    @classmethod
    def full(cls) -> MAEDFERConfig:
        """As fine-tuned on DFEW (scripts/dfew, vit_base_dim512_no_depth_patch16_160): 16 frames of 160 x 160 pixels."""
        return cls(16, 160, 2, 16, (2, 5, 10), 512, 16, 8, 4, drop_path=0.1, init_std=0.02, head_scale=0.001)

    @classmethod
    def demo(cls) -> MAEDFERConfig:
        """For one CPU thread: 16 frames of 32 x 32 pixels, with initial weights that can do without pre-training."""
        scales = {"init_std": 0.1, "head_scale": 1.0, "position_scale": 0.5, "embed_gain": 8.0}
        return cls(16, 32, 4, 8, (2, 4, 4), 64, 2, 4, 4, drop_path=0.0, **scales)

    @property
    def grid(self) -> tuple[int, int, int]:
        """Tokens of a clip as (frames, rows, columns)."""
        side = self.pixels // self.patch
        return self.frames // self.tubelet, side, side

    @property
    def regions(self) -> tuple[int, int, int]:
        """Regions of a clip as (frames, rows, columns)."""
        counts = [tokens // size for tokens, size in zip(self.grid, self.region, strict=True)]
        return counts[0], counts[1], counts[2]


class MAEDFER(nn.Module):
    """clip_BTCHW (B, T, 3, H, W), normalised, to logits_BE; at scale full T = 16 and H = W = 160."""

    def __init__(self, config: MAEDFERConfig, num_classes: int = 7) -> None:
        super().__init__()
        self.config = config
        features, patch = config.features, (config.tubelet, config.patch, config.patch)
        self.patch_embed = nn.Conv3d(3, features, kernel_size=patch, stride=patch)
        position_ND = config.position_scale * sinusoid_ND(_product(config.grid), features)
        self.register_buffer("position_ND", position_ND, persistent=False)
        self.region_tokens = nn.Parameter(torch.empty(_product(config.regions), features))
        rates = [config.drop_path * index / max(config.depth - 1, 1) for index in range(config.depth)]
        self.blocks = nn.ModuleList(LocalGlobalBlock(config, rate) for rate in rates)
        self.norm = nn.LayerNorm(features, eps=NORM_EPS)
        self.classifier = nn.Linear(features, num_classes)
        self._init_weights()

    def forward(self, clip_BTCHW: Tensor) -> Tensor:
        tokens_BND = self.patch_embed(clip_BTCHW.transpose(1, 2)).flatten(2).transpose(1, 2)
        region_BRSD = self._part(tokens_BND + self.position_ND)
        for block in self.blocks:
            region_BRSD = block(region_BRSD)
        feature_BD = self.norm(region_BRSD[:, :, 0].mean(1))
        return self.classifier(feature_BD)

    def no_weight_decay(self) -> set[str]:
        """Parameters, by name, that no recipe decays, beside biases and norms."""
        return {"region_tokens"}

    def _part(self, tokens_BND: Tensor) -> Tensor:
        """Tokens by region, each region led by its region token."""
        (t, h, w), (nt, nh, nw) = self.config.region, self.config.regions
        batch, _, features = tokens_BND.shape
        parts = tokens_BND.view(batch, nt, t, nh, h, nw, w, features).permute(0, 1, 3, 5, 2, 4, 6, 7)
        local_BRND = parts.reshape(batch, nt * nh * nw, t * h * w, features)
        region_BR1D = self.region_tokens[None, :, None].expand(batch, -1, -1, -1)
        return torch.cat((region_BR1D, local_BRND), dim=2)

    def _init_weights(self) -> None:
        """Truncated normals everywhere but in the patch embedding, whose default is kept or sharpened."""
        nn.init.trunc_normal_(self.region_tokens, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=self.config.init_std)
                nn.init.zeros_(module.bias)
            if isinstance(module, Attention):
                nn.init.trunc_normal_(module.key_value, std=self.config.init_std)
        with torch.no_grad():
            self.classifier.weight.mul_(self.config.head_scale)
            if self.config.embed_gain is not None:
                filters = self.patch_embed.weight
                filters.sub_(filters.mean((2, 3, 4), keepdim=True)).mul_(self.config.embed_gain)


class LocalGlobalBlock(nn.Module):
    """LGI-Former block: local intra-region, global inter-region and local-global attention, then a perceptron."""

    def __init__(self, config: MAEDFERConfig, drop_path: float) -> None:
        super().__init__()
        features = config.features
        self.drop_path = drop_path
        self.part_of_batch = (0, 1)  # which of how many equal parts of the batch this process has
        self.local_norm = nn.LayerNorm(features, eps=NORM_EPS)
        self.local_attention = Attention(features, config.heads)
        self.global_norm = nn.LayerNorm(features, eps=NORM_EPS)
        self.global_attention = Attention(features, config.heads)
        self.cross_norm = nn.LayerNorm(features, eps=NORM_EPS)
        self.cross_context_norm = nn.LayerNorm(features, eps=NORM_EPS)
        self.cross_attention = Attention(features, config.heads)
        self.mlp_norm = nn.LayerNorm(features, eps=NORM_EPS)
        hidden = config.mlp_ratio * features
        self.mlp = nn.Sequential(nn.Linear(features, hidden), nn.GELU(), nn.Linear(hidden, features))

    def forward(self, x_BRSD: Tensor) -> Tensor:
        batch, regions, _, features = x_BRSD.shape
        # Rows are regions here, so that a dropped path drops one region of one clip, as in the released code.
        x_XSD = x_BRSD.flatten(0, 1)
        normed_XSD = self.local_norm(x_XSD)
        x_XSD = x_XSD + self._drop(self.local_attention(normed_XSD, normed_XSD))
        region_BRD = x_XSD[:, 0].unflatten(0, (batch, regions))
        local_BND = x_XSD[:, 1:].reshape(batch, -1, features)
        normed_BRD = self.global_norm(region_BRD)
        region_BRD = region_BRD + self._drop(self.global_attention(normed_BRD, normed_BRD))
        context_BRD = self.cross_context_norm(region_BRD)
        local_BND = local_BND + self._drop(self.cross_attention(self.cross_norm(local_BND), context_BRD))
        x_XSD = torch.cat((region_BRD.unsqueeze(2), local_BND.unflatten(1, (regions, -1))), dim=2).flatten(0, 1)
        x_XSD = x_XSD + self._drop(self.mlp(self.mlp_norm(x_XSD)))
        return x_XSD.unflatten(0, (batch, regions))

    def _drop(self, branch: Tensor) -> Tensor:
        return drop_path(branch, self.drop_path, self.part_of_batch) if self.training else branch


class Attention(nn.Module):
    """Multi-head attention of queries (B, N, D) on a context (B, M, D); queries and values have a bias, keys none."""

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(features, features)
        self.key_value = nn.Parameter(torch.empty(2 * features, features))
        self.value_bias = nn.Parameter(torch.zeros(features))
        self.project = nn.Linear(features, features)

    def forward(self, x_BND: Tensor, context_BMD: Tensor) -> Tensor:
        bias = torch.cat((torch.zeros_like(self.value_bias), self.value_bias))
        key_value = F.linear(context_BMD, self.key_value, bias)
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query(x_BND), *key_value.chunk(2, dim=-1))
        )
        attended = F.scaled_dot_product_attention(query, key, value)
        return self.project(attended.transpose(1, 2).flatten(2))


def drop_path(branch: Tensor, rate: float, part: tuple[int, int] = (0, 1)) -> Tensor:
    """Drops whole rows of a residual branch and scales the rest by 1 / (1 - rate) (Huang et al., ECCV 2016).

    `branch` is the part `part[0]` of `part[1]` equal ones: draws are made for the rows of all.
    """
    if rate == 0:
        return branch
    index, parts = part
    every = branch.new_empty(branch.shape[0] * parts, *(1,) * (branch.dim() - 1)).bernoulli_(1 - rate)
    return branch * every.chunk(parts)[index].div_(1 - rate)


def sinusoid_ND(positions: int, features: int) -> Tensor:
    """Fixed position code (Vaswani et al., 2017): sine in the even features, cosine in the odd ones."""
    pair = torch.arange(features, dtype=torch.float64) // 2
    angle_ND = torch.arange(positions, dtype=torch.float64)[:, None] / 10000 ** (2 * pair / features)
    angle_ND[:, 0::2] = angle_ND[:, 0::2].sin()
    angle_ND[:, 1::2] = angle_ND[:, 1::2].cos()
    return angle_ND.float()


def _product(sizes: tuple[int, int, int]) -> int:
    return sizes[0] * sizes[1] * sizes[2]
