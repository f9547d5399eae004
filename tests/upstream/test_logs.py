"""Published logs: made-up ones read by hand, and the table of the repository made again from the real ones."""

from pathlib import Path

import pytest

from harness.errors import DataError
from harness.upstream.logs import Source, read_former_dfer, read_logs, read_mae_dfer, table

SOURCE = Source("some", "0" * 40, "some.log", "dfew", 2)
COMMITTED = Path(__file__).parents[2] / "manifests/paper/upstream_logs.csv"
FORMER = """The training set: set 2
********************0********************
Current learning rate: 0.01
Epoch: [0][  0/292]\tLoss 2.5000 (2.5000)\tAccuracy  9.375 ( 9.375)
Epoch: [0][290/292]\tLoss 1.5000 (2.0000)\tAccuracy 28.125 (21.027)
Test: [70/74]\tLoss 1.7034 (1.8072)\tAccuracy 53.125 (21.699)
Current Accuracy: 21.300
The best accuracy: 21.300256729125977
An epoch time: {:.1f}s108.60965347290039
********************1********************
Current learning rate: 0.001
Epoch: [1][290/292]\tLoss 1.5000 (1.7500)\tAccuracy 28.125 (30.000)
Current Accuracy: 24.508
The best accuracy: 24.508127212524414
An epoch time: {:.1f}s109.5
"""
MAE = """Resume checkpoint saved/checkpoint-49/split03/checkpoint-99.pth
With optim & sched!
Confusion Matrix:
[[3 1]
 [0 4]]
Class Accuracies: ['75.00%', '100.00%']
UAR: 87.50%, WAR: 87.50%
"""


def test_former_dfers_epochs_by_hand() -> None:
    first, second = read_former_dfer(FORMER, SOURCE)
    assert (first.epoch, first.lr, first.train_loss, first.train_accuracy, first.test_war, first.seconds) == (
        1, 0.01, 2.0, 21.027, 21.3, 108.6,
    )  # fmt: skip
    assert (second.epoch, second.lr, second.train_loss, second.test_war) == (2, 0.001, 1.75, 24.508)
    assert (first.fold, first.dataset, first.test_uar) == (2, "dfew", None)


def test_mae_dfers_final_test_by_hand() -> None:
    (line,) = read_mae_dfer(MAE, SOURCE)
    assert (line.epoch, line.test_war, line.test_uar, line.correct, line.clips) == (100, 87.5, 87.5, 7, 8)


def test_a_war_that_its_confusion_matrix_denies_is_refused() -> None:
    with pytest.raises(DataError, match=r"WAR 90\.0 is not 7 of 8"):
        read_mae_dfer(MAE.replace("WAR: 87.50%", "WAR: 90.00%"), SOURCE)


@pytest.mark.parametrize("read", [read_former_dfer, read_mae_dfer])
def test_another_text_is_refused_by_name(read: object) -> None:
    with pytest.raises(DataError, match=r"some\.log"):
        read("nothing of the kind", SOURCE)  # type: ignore[operator]


def test_a_missing_log_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"DFEW-set1-log\.txt.*audfer upstream fetch"):
        read_logs(tmp_path)


def test_the_committed_table_has_the_published_results() -> None:
    """Best epochs of Former-DFER's folds as its README's mean has them (65.70), and MAE-DFER's fold 1."""
    rows = [line.split(",") for line in COMMITTED.read_text(encoding="utf-8").splitlines()[1:]]
    best = [
        max(float(row[9]) for row in rows if row[0] == "former_dfer" and row[4] == str(fold)) for fold in range(1, 6)
    ]
    assert round(sum(best) / 5, 2) == 65.70
    assert [row[9:13] for row in rows if row[0] == "mae_dfer" and row[3] == "dfew"] == [
        ["74.88", "62.59", "1753", "2341"]
    ]


@pytest.mark.upstream
def test_the_committed_table_is_made_from_the_real_logs(third_party: Path) -> None:
    assert table(read_logs(third_party)) == COMMITTED.read_text(encoding="utf-8")
