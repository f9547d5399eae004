"""A single-node cluster for the tests of this folder, and the script that makes it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import single_node


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which SLURM's commands speak to a cluster of two CPUs on this machine."""
    if absent := single_node.missing():
        pytest.skip(f"SLURM is not installed: no {', '.join(absent)}")
    pytest.importorskip("submitit")
    with single_node.cluster(tmp_path_factory.mktemp("slurm")) as environment:
        yield environment
