"""Rendered faces: a data set anyone can make, in DFEW's layout, with OpenFace files.

It lets the whole harness run where no licensed data set is at hand. No module here imports torch: the worker processes
start fast.
"""

from harness.data.rendered.dataset import RenderSummary, render_dfew

__all__ = ["RenderSummary", "render_dfew"]
