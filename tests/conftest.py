"""Rendered data, made once a session, small enough for every test that trains; and small.py for every test."""

import sys
from pathlib import Path

import pytest

from harness.data.prepare import Prepared, prepare
from harness.data.rendered.dataset import render_dfew
from harness.manifest import load_dataset
from harness.runs.experiment import dfew_shares

CLIPS, SIZE = 80, 40
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def rendered_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty rendered clips of 40 x 40 pixels in the layout of DFEW. Shared: a test that changes files copies it."""
    root = tmp_path_factory.mktemp("rendered") / "faces"
    render_dfew(root, dfew_shares(), clips=CLIPS, size=SIZE, seed=0, workers=1)
    return root


@pytest.fixture(scope="session")
def prepared(rendered_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The rendered clips packed at 40 pixels."""
    return prepare(load_dataset("rendered"), rendered_root, SIZE, tmp_path_factory.mktemp("packs"))
