"""t-SNE of the test clips' features, baseline and AU arm side by side, with silhouettes (Fig. 8).

One thread, a fixed seed and a start from the principal components: the same features give the same picture on the same
libraries. Letters: B clips, D features, E expressions (7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from harness.au.units import EXPRESSIONS
from harness.report.figures.style import LOOKS, PAPER, QUIET, sheet

PERPLEXITY, SEED = 30.0, 0
MOST = 1000  # clips; of more, every second (third, ...) in order of name


@dataclass(frozen=True)
class Embedded:
    """Clips on the plane (B, 2) with labels 0-6, and the silhouettes of the features themselves and of the plane.

    every: 1 if all `of` clips are there, 2 if every second is. NaN silhouettes: fewer than two expressions.
    """

    place_B2: np.ndarray
    label_B: np.ndarray
    perplexity: float
    every: int
    of: int
    silhouette: float
    silhouette_plane: float


def embed(feature_BD: np.ndarray, label_B: np.ndarray, perplexity: float = PERPLEXITY, seed: int = SEED) -> Embedded:
    """t-SNE of the features; the perplexity is lowered where the clips are too few for it."""
    from sklearn.manifold import TSNE  # two seconds, which a report without features need not wait

    of, every = len(feature_BD), -(-len(feature_BD) // MOST)
    feature_BD, label_B = feature_BD[::every].astype(np.float64), label_B[::every]
    perplexity = min(perplexity, (len(feature_BD) - 1) / 3)
    with threadpool_limits(1):
        tsne = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed, n_jobs=1)
        place_B2 = tsne.fit_transform(feature_BD)
        silhouettes = (_silhouette(feature_BD, label_B), _silhouette(place_B2, label_B))
    return Embedded(place_B2, label_B, perplexity, every, of, *silhouettes)


def draw(title: str, facts: Sequence[str], arms: Sequence[tuple[str, Embedded]]) -> Drawing:
    """A panel an arm, a colour and a marker an expression; perplexity, seed and silhouettes are printed."""
    drawing = sheet(9.0, 5.1, title, facts)
    axes = drawing.subplots(1, len(arms), squeeze=False)[0]
    drawing.subplots_adjust(left=0.01, right=0.99, top=0.83, bottom=0.13, wspace=0.03)
    for axis, (arm, one) in zip(axes, arms, strict=True):
        _panel(axis, arm, one)
    handles = {text: handle for axis in axes for handle, text in zip(*axis.get_legend_handles_labels(), strict=True)}
    drawing.legend(handles.values(), handles.keys(), loc="lower center", ncols=7, handletextpad=0.1, markerscale=1.5)
    one = arms[0][1]
    clips = f"{len(one.label_B):,} clips" + (f", every {one.every}. of {one.of:,}" if one.every > 1 else "")
    method = f"t-SNE of the classifier's input: perplexity {one.perplexity:g}, seed {SEED}, PCA start; {clips}"
    drawing.text(0.5, 0.085, method, ha="center", fontsize=7, color=QUIET)
    return drawing


def alt(facts: Sequence[str], arms: Sequence[tuple[str, Embedded]]) -> str:
    """What the figure shows in words: how many clips, and how well each arm's expressions are parted."""
    one = arms[0][1]
    parted = "; ".join(f"{arm} {_silhouettes(embedded)}" for arm, embedded in arms)
    return (
        f"t-SNE of the features of {len(one.label_B):,} test clips, perplexity {one.perplexity:g}, seed {SEED}; "
        f"{', '.join(facts)}. {parted}. A silhouette of 1 is expressions wholly parted, one of 0 or less is none."
    )


def _panel(axis: Axes, arm: str, one: Embedded) -> None:
    for e, name in enumerate(EXPRESSIONS):
        of_class = one.label_B == e
        if of_class.any():
            x, y = one.place_B2[of_class].T
            look = LOOKS[e]
            axis.scatter(x, y, s=16, marker=look.marker, color=look.color, label=name, edgecolors=PAPER, linewidths=0.4)
    axis.set_title(f"{arm}: {_silhouettes(one)}", loc="left", fontsize=8.5, fontweight="bold", pad=4)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(True)
    axis.spines[:].set_color(QUIET)


def _silhouettes(one: Embedded) -> str:
    if np.isnan(one.silhouette):
        return "no silhouette, too few expressions"
    return f"silhouette {one.silhouette:+.3f} (features), {one.silhouette_plane:+.3f} (plane)"


def _silhouette(place_BX: np.ndarray, label_B: np.ndarray) -> float:
    from sklearn.metrics import silhouette_score

    classes = len(np.unique(label_B))
    return float(silhouette_score(place_BX, label_B)) if 2 <= classes < len(label_B) else float("nan")
