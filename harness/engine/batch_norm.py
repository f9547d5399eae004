"""Batch normalisation over the rows of all ranks.

torch's SyncBatchNorm takes only GPUs; on a CPU the layer here does the same. Shape letters: X rows, C channels (the
second dimension), R ranks; what follows the channels is one row's place in space and time.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

PLAIN = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def over_all_ranks(model: nn.Module, device: str) -> nn.Module:
    """The model with every batch normalisation over the rows of all ranks; parameters, buffers and names stay."""
    if device.startswith("cuda"):
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, PLAIN):
                setattr(parent, name, RankedBatchNorm.of(child))
    return model


class RankedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """nn.BatchNorm1d to 3d whose training statistics are of the rows of all ranks, which hold equally many.

    The backward pass gives each rank the gradient of the sum of all ranks' losses; DistributedDataParallel then
    averages those of the weights, as it does for every layer.
    """

    @classmethod
    def of(cls, plain: nn.modules.batchnorm._BatchNorm) -> RankedBatchNorm:
        """A layer with the parameters and buffers of `plain`, which must track running statistics."""
        assert plain.momentum is not None
        ranked = cls(plain.num_features, plain.eps, plain.momentum, plain.affine, plain.track_running_stats)
        ranked.weight, ranked.bias = plain.weight, plain.bias
        ranked.running_mean, ranked.running_var = plain.running_mean, plain.running_var
        ranked.num_batches_tracked = plain.num_batches_tracked
        return ranked.train(plain.training)

    def _check_input_dim(self, input: torch.Tensor) -> None:
        """Any number of dimensions behind the channels."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(input)
        output, mean_C, var_C, rows = _Normalised.apply(input, self.weight, self.bias, self.eps)
        with torch.no_grad():
            assert self.running_mean is not None
            assert self.running_var is not None
            assert self.num_batches_tracked is not None
            assert self.momentum is not None
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean_C, self.momentum)
            self.running_var.lerp_(var_C * (rows / (rows - 1)), self.momentum)
        return output


class _Normalised(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight_C: torch.Tensor, bias_C: torch.Tensor, eps: float
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, int]:
        wide = x if x.dtype == torch.float64 else x.float()
        own_2C = torch.stack(torch.var_mean(wide, _all_but_channels(x), correction=0))
        every_R2C = [torch.empty_like(own_2C) for _ in range(dist.get_world_size())]
        dist.all_gather(every_R2C, own_2C)
        var_RC, mean_RC = torch.stack(every_R2C, dim=1)
        mean_C = mean_RC.mean(dim=0)
        # Variance within the ranks and between them: no difference of large squares.
        var_C = (var_RC + (mean_RC - mean_C) ** 2).mean(dim=0)
        ctx.rows = x.numel() // x.shape[1] * len(every_R2C)
        ctx.save_for_backward(x, weight_C, mean_C, (var_C + eps).rsqrt())
        ctx.mark_non_differentiable(mean_C, var_C)
        output = F.batch_norm(x, mean_C, var_C, weight_C, bias_C, training=False, eps=eps)
        return output, mean_C, var_C, ctx.rows

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, None]:
        x, weight_C, mean_C, rstd_C = ctx.saved_tensors
        grad = gradients[0] if gradients[0].dtype == torch.float64 else gradients[0].float()
        over = _all_but_channels(x)
        normed = (x - _along(mean_C, x)) * _along(rstd_C, x)
        own_2C = torch.stack([grad.sum(over), (grad * normed).sum(over)])
        mean_2C = own_2C.clone()
        dist.all_reduce(mean_2C)
        mean_2C /= ctx.rows
        grad_x = (grad - _along(mean_2C[0], x) - normed * _along(mean_2C[1], x)) * _along(weight_C * rstd_C, x)
        return grad_x.to(x.dtype), own_2C[1].to(weight_C.dtype), own_2C[0].to(weight_C.dtype), None


def _all_but_channels(x: torch.Tensor) -> list[int]:
    return [0, *range(2, x.dim())]


def _along(values_C: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Values of the channels in the shape that broadcasts along `x`."""
    return values_C.view(-1, *(1,) * (x.dim() - 2))
