"""The training logs that lie in the upstream repositories, read into one table of figures with their source.

    python -m harness.upstream.logs third_party manifests/paper/upstream_logs.csv

Former-DFER's logs hold every epoch of the five folds of DFEW. MAE-DFER's hold the final test of one fold each of DFEW,
FERV39k and MAFW (two views and two crops a clip), with its confusion matrix. M3DFEL's repository has none.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from harness.errors import DataError
from harness.files import write_text
from harness.upstream.manifest import load_upstream


@dataclass(frozen=True)
class LogLine:
    """Figures of one epoch (from 1), as logged: losses and per cent; None where the log has none.

    `train_loss` and `train_accuracy` are running means at the last batch that was logged, a batch or so before the
    epoch's end. `correct` of `clips` stands behind test_war where a confusion matrix was logged.
    """

    upstream: str
    commit: str
    file: str
    dataset: str
    fold: int
    epoch: int
    lr: float | None
    train_loss: float | None
    train_accuracy: float | None
    test_war: float
    test_uar: float | None
    correct: int | None
    clips: int | None
    seconds: float | None


@dataclass(frozen=True)
class Source:
    """Where a log is from."""

    upstream: str
    commit: str
    file: str
    dataset: str
    fold: int


FORMER_EPOCH = re.compile(
    r"\*{20}(?P<epoch>\d+)\*{20}\s+Current learning rate: (?P<lr>\S+)\n(?P<steps>.*?)"
    r"Current Accuracy: (?P<war>[\d.]+)\n.*?An epoch time: \{:\.1f\}s(?P<seconds>[\d.]+)",
    re.DOTALL,
)
FORMER_STEP = re.compile(
    r"^Epoch: .*\tLoss \S+ \((?P<loss>[\d.]+)\)\tAccuracy +\S+ \( *(?P<accuracy>[\d.]+)\)", re.MULTILINE
)
MAE_EPOCHS = re.compile(r"checkpoint-(\d+)\.pth\s+With optim")
MAE_FOLD = re.compile(r"data_path='[^']*/split0(\d)'")
MAE_MATRIX = re.compile(r"Confusion Matrix:\n(.*?\]\])", re.DOTALL)
MAE_SCORES = re.compile(r"^UAR: ([\d.]+)%, WAR: ([\d.]+)%", re.MULTILINE)


def read_former_dfer(text: str, source: Source) -> list[LogLine]:
    """Every epoch of one of Former-DFER's logs; DataError if there is none."""
    lines = [_former_epoch(match, source) for match in FORMER_EPOCH.finditer(text)]
    if not lines:
        raise DataError(f"{source.file}: no epoch found; is it a log of Former-DFER at {source.commit[:12]}?")
    return lines


def read_mae_dfer(text: str, source: Source) -> list[LogLine]:
    """The final test of one of MAE-DFER's logs; DataError if it is not there or contradicts its confusion matrix."""
    scores, matrix, last = MAE_SCORES.search(text), MAE_MATRIX.search(text), MAE_EPOCHS.findall(text)
    if not (scores and matrix and last):
        raise DataError(f"{source.file}: no final test found; is it a log of MAE-DFER at {source.commit[:12]}?")
    rows = [[int(cell) for cell in row.split()] for row in matrix[1].replace("[", "").replace("]", "").splitlines()]
    correct, clips = sum(row[i] for i, row in enumerate(rows)), sum(map(sum, rows))
    uar, war = float(scores[1]), float(scores[2])
    if f"{100 * correct / clips:.2f}" != scores[2]:
        raise DataError(f"{source.file}: WAR {war} is not {correct} of {clips}, as its confusion matrix has it")
    return [_line(source, int(last[-1]) + 1, test_war=war, test_uar=uar, correct=correct, clips=clips)]


def read_logs(third_party: Path) -> list[LogLine]:
    """The logs of the fetched clones in `third_party`; DataError naming the one that is missing."""
    former, mae = load_upstream("former_dfer"), load_upstream("mae_dfer")
    lines: list[LogLine] = []
    for fold in range(1, 6):
        source = Source(former.name, former.commit, f"log/DFEW-set{fold}-log.txt", "dfew", fold)
        lines += read_former_dfer(_text(third_party, source), source)
    for dataset in ("dfew", "ferv39k", "mafw"):
        source = Source(mae.name, mae.commit, f"logs/{dataset}.out", dataset, 1)
        text = _text(third_party, source)
        named = MAE_FOLD.search(text)
        lines += read_mae_dfer(text, replace(source, fold=int(named[1])) if named else source)
    return lines


def table(lines: list[LogLine]) -> str:
    """The lines as csv; an empty cell is a figure that the log does not hold."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(LogLine)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(line) for line in lines)
    return out.getvalue()


def _former_epoch(match: re.Match[str], source: Source) -> LogLine:
    steps = FORMER_STEP.findall(match["steps"])
    loss, accuracy = steps[-1] if steps else (None, None)
    return _line(
        source,
        int(match["epoch"]) + 1,
        lr=round(float(match["lr"]), 9),
        train_loss=float(loss) if loss else None,
        train_accuracy=float(accuracy) if accuracy else None,
        test_war=float(match["war"]),
        seconds=round(float(match["seconds"]), 1),
    )


def _line(source: Source, epoch: int, *, test_war: float, **known: float | int | None) -> LogLine:
    empty = dict.fromkeys(("lr", "train_loss", "train_accuracy", "test_uar", "correct", "clips", "seconds"))
    figures = {**empty, **known}
    return LogLine(**asdict(source), epoch=epoch, test_war=test_war, **figures)  # type: ignore[arg-type]


def _text(third_party: Path, source: Source) -> str:
    path = third_party / source.upstream / source.file
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: log cannot be read ({error.strerror}); run `audfer upstream fetch`") from error


if __name__ == "__main__":
    write_text(Path(sys.argv[2]), table(read_logs(Path(sys.argv[1]))))
