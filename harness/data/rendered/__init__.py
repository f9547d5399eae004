"""Rendered faces: data sets anyone can make, in the layout of every data set that can be read, with OpenFace files.

They let the whole harness run where no licensed data set is at hand. No module here imports torch: the worker processes
start fast.
"""

from harness.data.rendered.dataset import RenderSummary, render_dfew
from harness.data.rendered.layouts import LAYOUTS, LayoutSummary, render

__all__ = ["LAYOUTS", "LayoutSummary", "RenderSummary", "render", "render_dfew"]
