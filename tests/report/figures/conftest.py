"""Settings from synthetic runs, with what the figures need beside predictions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.report.measured import Setting, settings
from harness.runs.records import read_runs


@pytest.fixture
def setting_of(write_run: Callable[..., Path], tmp_path: Path) -> Callable[..., list[Setting]]:
    """setting_of(config, config, ...): the settings of synthetic runs of these configurations."""

    def make(*configs: Any, machines: dict[int, Any] | None = None) -> list[Setting]:
        for i, one in enumerate(configs):
            write_run(one, machine=(machines or {}).get(i))
        return settings(read_runs(tmp_path / "runs")[0])

    return make
