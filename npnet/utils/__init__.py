"""Helpers of a training loop: clipping of gradients."""

from npnet.utils.clip_grad import clip_grad_norm_, clip_grad_value_

__all__ = ["clip_grad_norm_", "clip_grad_value_"]
