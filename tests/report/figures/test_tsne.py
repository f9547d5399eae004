"""t-SNE: the same features give the same plane; silhouettes are scikit-learn's; perplexity and seed are printed."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

from harness.report.figures import tsne
from harness.report.figures.tsne import alt, draw, embed

LABEL_B = np.repeat(np.arange(7), 6)
FEATURE_BD = np.random.default_rng(0).normal(size=(42, 5)).astype(np.float32) + 3 * np.eye(7, 5)[LABEL_B]


@pytest.fixture(scope="module")
def embedded():
    return embed(FEATURE_BD, LABEL_B)


def test_the_same_features_give_the_same_plane(embedded):
    np.testing.assert_array_equal(embedded.place_B2, embed(FEATURE_BD, LABEL_B).place_B2)


def test_silhouettes_are_the_mean_over_clips(embedded):
    assert embedded.silhouette == pytest.approx(silhouette_samples(FEATURE_BD.astype(float), LABEL_B).mean())
    assert embedded.silhouette_plane == pytest.approx(silhouette_samples(embedded.place_B2, LABEL_B).mean(), abs=1e-6)


def test_a_perplexity_too_large_for_the_clips_is_lowered(embedded):
    assert embedded.perplexity == pytest.approx(41 / 3)


def test_of_too_many_clips_every_second_is_drawn(monkeypatch):
    monkeypatch.setattr(tsne, "MOST", 30)
    one = embed(FEATURE_BD, LABEL_B)
    assert (len(one.label_B), one.every, one.of) == (21, 2, 42)
    printed = [text.get_text() for text in draw("t", (), [("baseline", one)]).texts]
    assert any("21 clips, every 2. of 42" in text for text in printed)


def test_one_expression_has_no_silhouette():
    one = embed(FEATURE_BD[:6], LABEL_B[:6])
    assert np.isnan(one.silhouette)
    assert "no silhouette" in alt((), [("baseline", one)])


def test_perplexity_seed_and_silhouettes_are_shown_and_said(embedded):
    drawing = draw("t", (), [("baseline", embedded), ("au-minor", embedded)])
    assert any("perplexity 13.6667, seed 0, PCA start; 42 clips" in text.get_text() for text in drawing.texts)
    said = f"silhouette {embedded.silhouette:+.3f} (features)"
    assert [axis.get_title(loc="left").split(",")[0] for axis in drawing.axes] == [
        f"baseline: {said}",
        f"au-minor: {said}",
    ]
    assert f"au-minor {said}" in alt((), [("baseline", embedded), ("au-minor", embedded)])
    assert len({collection.get_paths()[0].vertices.tobytes() for collection in drawing.axes[0].collections}) == 7
