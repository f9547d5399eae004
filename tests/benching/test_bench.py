"""`audfer bench` as a user gives it: errors of one line, an absent upstream, a small part measured for real."""

import json
import math
import re
from pathlib import Path

import pytest
import torch

from harness.bench import bench as module
from harness.bench import step
from harness.bench.ask import Ask, read_ask
from harness.bench.bench import Wanted, bench
from harness.bench.lines import Line
from harness.bench.subjects import config_of, faces, random_batch, random_setup
from harness.bench.timing import Spread
from harness.cli import main
from harness.data.prepare import Prepared
from harness.errors import HarnessError, ManifestError
from harness.manifest import Arm


def ask(**changes: object) -> Ask:
    values = {"part": "step", "model": "m3dfel", "scale": "demo", "device": "cpu", "precision": "fp32", "threads": 1}
    values |= {
        "rounds": 3,
        "seed": 0,
        "batch": 2,
        "compile": "off",
        "clock": "wall",
        "upstream": None,
        "absent": "none here",
        "prepared": "",
        "root": "",
    }
    return Ask(**{**values, "work": "", **changes})  # type: ignore[arg-type]


def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["audfer", "bench", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(str(ended.value.code)), capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments,said",
    [
        (["--models", "resnet"], "audfer: model 'resnet' is not known; known: m3dfel, former_dfer, mae_dfer"),
        (["--parts", "step,coffee"], "audfer: part 'coffee' is not known; known: step, input, evaluation, run"),
        (
            ["--device", "tpu"],
            "audfer: device tpu: is neither cpu nor cuda:N; run with --device cpu or --device cuda:0",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(monkeypatch, capsys, *arguments) == (2, said + "\n")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_no_cuda_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = told(monkeypatch, capsys, "--device", "cuda:0")
    assert code == 2
    assert re.fullmatch("audfer: device cuda:0: this .*; run with --device cpu\n", said)


def test_an_absent_upstream_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Ask] = []
    monkeypatch.setattr(module, "measured", lambda one: asked.append(one) or [])
    monkeypatch.setattr(module.criterion, "measure", lambda *_: [])
    bench(Wanted(models=("mae_dfer",), parts=("step",), cache=tmp_path, third_party=tmp_path / "none"))
    assert [(one.part, one.model, one.batch, one.upstream) for one in asked] == [("step", "mae_dfer", 2, None)]
    assert asked[0].absent == "no upstream here: audfer upstream fetch mae_dfer, or set AUDFER_MIRROR"


def test_what_was_measured_is_kept_part_by_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line("step", "mae_dfer", "a figure", "times", Spread(1.0, 1.0, 1.0, 1.0, 1.0, 1))
    monkeypatch.setattr(module, "measured", lambda _: [line])
    monkeypatch.setattr(module.criterion, "measure", lambda *_: [])
    kept: list[int] = []
    asked = Wanted(models=("mae_dfer", "m3dfel"), parts=("step",), cache=tmp_path, third_party=tmp_path / "none")
    result = bench(asked, kept=lambda so_far: kept.append(len(so_far.lines)))
    assert kept == [1, 2]
    assert result.lines == [line, line]


def test_a_mirror_that_lacks_the_upstream_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.criterion, "measure", lambda *_: [])
    with pytest.raises(HarnessError, match="has no repository"):
        bench(Wanted(models=("m3dfel",), parts=("step",), cache=tmp_path, mirror=tmp_path, third_party=tmp_path / "no"))


def test_what_is_asked_comes_through_its_file(tmp_path: Path) -> None:
    ask(threads=None).write(tmp_path / "ask.json")
    assert read_ask(tmp_path / "ask.json") == ask(threads=None)


def test_random_clips_have_the_shape_of_the_recipe() -> None:
    batch = random_batch(ask())
    assert batch.clip_BTCHW.shape == (2, 16, 3, 32, 32)
    assert batch.au_label_BA.shape == (2, 18)
    assert int(batch.target.max()) < 7


def test_faces_are_repeated_to_the_length_that_is_measured(prepared: Prepared) -> None:
    few = ask(prepared=str(prepared.path), batch=50)
    data = faces(few, config_of(few, dataset="rendered"), steps=3, test_clips=40)
    assert (len(data.train_N), len(data.test_N), data.steps_per_epoch(50)) == (150, 40, 3)


def test_a_step_is_measured_with_all_its_lines() -> None:
    lines = step.measure(ask(rounds=1), None)
    figures = {line.figure: line for line in lines}
    assert list(figures) == [
        "training step, clips/s",
        "upstream's step / native step",
        "matrix ceiling, fp32",
        "native share of the ceiling",
        "AU arm's step / baseline step",
        "what the AU arm adds, alone / baseline step",
    ]
    assert (figures["upstream's step / native step"].value, figures["upstream's step / native step"].note) == (
        None,
        "none here",
    )
    # The last is a difference of two short times: of one round it may be of either sign.
    assert all(line.value is None or line.value.median > 0 for line in lines[:-1])
    assert lines[-1].value is not None
    assert abs(lines[-1].value.median) < 1


@pytest.mark.parametrize("model", ["m3dfel", "former_dfer", "mae_dfer"])
@pytest.mark.parametrize("arm", ["baseline", "au-distinct"])
def test_a_step_from_the_features_on_trains_the_last_layers_alone(model: str, arm: Arm) -> None:
    given = ask(model=model)
    setup, batch = random_setup(given, arm), random_batch(given)
    before = {name: value.clone() for name, value in setup.model.state_dict().items()}
    expression_loss, au_loss = step.from_features(setup, batch)()[1:].tolist()
    assert expression_loss == pytest.approx(math.log(7), abs=1.0)
    assert (au_loss > 0) == (arm != "baseline")
    assert all(torch.equal(value, before[name]) for name, value in setup.model.state_dict().items())


def test_the_share_of_the_ceiling_is_worked_out_round_by_round() -> None:
    # 30 multiply-adds in 3 s and in 6 s are 10 and 5 a second; the product makes 100 in 1 s and in 2 s: 100 and 50.
    seconds = {"native": [3.0, 6.0], "fp32": [1.0, 2.0]}
    share = step.share_of_ceiling(seconds, "native", 30.0, "fp32", {"fp32": 100.0})
    assert (share.median, share.first_quartile, share.third_quartile) == (0.1, 0.1, 0.1)


def test_bars_of_bf16_and_gpu_hold_only_there() -> None:
    assert step.speed_bar(ask(scale="full")) is None
    assert str(step.speed_bar(ask(scale="full", precision="bf16"))) == "at least 2.2"
    assert str(step.speed_bar(ask(scale="full", precision="bf16", device="cuda:0"))) == "at least 4"
    assert step.speed_bar(ask(precision="bf16")) is None
    assert step.utilisation_bar(ask(scale="full")) is None
    assert str(step.utilisation_bar(ask(scale="full", device="cuda:0"))) == "at least 0.4"
    assert step.utilisation_bar(ask(scale="full", device="cuda:0", model="former_dfer")) is None


def test_a_worker_that_fails_is_told_by_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"m3dfel, input: could not be measured \(.*not a whole pack.*\); try"):
        module.measured(ask(part="input", prepared=str(tmp_path)))


def test_the_command_prints_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    one = Line("step", "m3dfel", "a / b", "times", Spread(2.0, 1.0, 3.0, None, None, 3))
    monkeypatch.setattr(module, "measured", lambda asked: [one])
    monkeypatch.setattr(module.criterion, "measure", lambda *_: [])
    monkeypatch.delenv("AUDFER_MIRROR", raising=False)
    monkeypatch.setattr("sys.argv", ["audfer", "bench", "--parts", "step", "--model", "m3dfel", "--json"])
    with pytest.raises(SystemExit, match="0"):
        main()
    printed = json.loads(capsys.readouterr().out)
    assert [line["value"]["median"] for line in printed["lines"]] == [2.0]
    assert printed["machine"]["precision"] in ("fp32", "bf16")


def test_an_unknown_model_ends_before_anything_is_rendered(tmp_path: Path) -> None:
    with pytest.raises(ManifestError):
        bench(Wanted(models=("resnet",), cache=tmp_path))
    assert not any(tmp_path.iterdir())
