"""Two ranks train as one process does: losses, gradients, statistics and evaluation; and no rank outlives another."""

import hashlib
import json
import multiprocessing
from pathlib import Path
from typing import Any

import orphans
import pytest
import together
import torch

from harness.au.loss import AULoss
from harness.data.prepare import Prepared
from harness.engine import evaluate, stop
from harness.engine.distributed import ALONE, Ranks
from harness.engine.elastic import run_ranks
from harness.errors import ManifestError, RunError
from harness.manifest import RunConfig, RunData, change, load_experiment
from harness.recipe import Augmentation, Input, Optimizer, Recipe, Sampling, Schedule
from harness.runs.sweep import Machine, plan

MODELS = ("m3dfel", "former_dfer", "mae_dfer")
EVAL_BATCH = 5  # of 16 test clips: four batches, the last of one clip
HERE = Path(__file__).parent


def config_of(make_config: Any, model: str) -> RunConfig:
    """An AU arm; MAE-DFER with all that mixes a batch's clips or is drawn a clip.

    Adam's eps is large: or a weight whose gradient is next to nothing would move by a sign that rounding decides.
    """
    config = make_config(model, "au-distinct", threads=2)
    optimizer = config.recipe.optimizer.model_copy(update={"eps": 1e-3})
    config = config.model_copy(update={"recipe": config.recipe.model_copy(update={"optimizer": optimizer})})
    if model != "mae_dfer":
        return config
    changes = {"mixup": 0.8, "cutmix": 1.0, "erasing": 0.25}
    augmentation = config.recipe.augmentation.model_copy(update=changes)
    optimizer = config.recipe.optimizer.model_copy(update={"clip_norm": 1.0})
    recipe = {"augmentation": augmentation, "optimizer": optimizer, "label_smoothing": 0.1}
    return config.model_copy(update={"recipe": config.recipe.model_copy(update=recipe)})


@pytest.fixture
def configs(make_config: Any) -> dict[str, RunConfig]:
    return {model: config_of(make_config, model) for model in MODELS}


@pytest.fixture(scope="module")
def course() -> dict[str, Any]:
    return {}


@pytest.fixture
def two(
    course: dict[str, Any],
    configs: dict[str, RunConfig],
    prepared: Prepared,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Any]:
    """All that two ranks do, once for the tests of this file: results by model, what was heard, and how it ended."""
    if course:
        return course
    out, heard = tmp_path_factory.mktemp("ranks"), []

    def hear(kind: str, content: Any) -> None:
        heard.append((kind, content))
        if kind == "trained":
            stop.ask("SIGTERM")

    monkeypatch.syspath_prepend(HERE)
    arguments = (list(configs.values()), prepared.path, out, EVAL_BATCH)
    with stop.listening(), pytest.raises(RunError) as error:
        run_ranks("run", 2, together.whole_course, *arguments, hear=hear)
    course |= {model: torch.load(out / f"{model}.pt") for model in MODELS}
    course |= {"heard": heard, "error": str(error.value)}
    return course


@pytest.fixture(params=MODELS)
def both(
    request: pytest.FixtureRequest,
    two: dict[str, Any],
    configs: dict[str, RunConfig],
    prepared: Prepared,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What two ranks and what one process made of a model."""
    monkeypatch.setattr(evaluate, "EVAL_BATCH", EVAL_BATCH)
    key = f"alone {request.param}"
    if key not in two:
        threads = torch.get_num_threads()
        two[key] = together.trained(configs[request.param].model_copy(update={"threads": 1}), prepared.path, ALONE)
        torch.set_num_threads(threads)
    return two[request.param], two[key]


def test_losses_are_those_of_one_process(both: Any) -> None:
    ranks, alone = both
    torch.testing.assert_close(ranks["losses"], alone["losses"], rtol=1e-5, atol=1e-5)


def test_gradients_are_those_of_one_process(both: Any) -> None:
    ranks, alone = both
    norm = torch.stack([gradient.norm() for gradient in alone["gradients"].values()]).max()
    for name, gradient in alone["gradients"].items():
        assert (ranks["gradients"][name] - gradient).norm() <= 1e-5 * norm, name


def test_weights_and_running_statistics_are_those_of_one_process(both: Any) -> None:
    ranks, alone = both
    for name, value in alone["state"].items():
        torch.testing.assert_close(ranks["state"][name], value, rtol=1e-4, atol=1e-4, msg=name)


def test_evaluation_of_the_same_weights_has_the_same_bits(both: Any) -> None:
    ranks, _ = both
    assert len(ranks["whole_logits"]) == 16
    assert torch.equal(ranks["shared_logits"], ranks["whole_logits"])


def test_ranks_share_the_threads_of_a_run(two: dict[str, Any]) -> None:
    assert [two[model]["threads"] for model in MODELS] == [1, 1, 1]


def test_all_ranks_stop_together_when_their_parent_is_asked(two: dict[str, Any]) -> None:
    stopped = [content for kind, content in two["heard"] if kind == "stopped"]
    assert sorted(rank for rank, _ in stopped) == [0, 1]
    assert all("SIGTERM" in line for _, line in stopped)


def test_a_rank_that_dies_is_named_and_ends_the_others(two: dict[str, Any]) -> None:
    assert two["error"].startswith("run: rank 1 of 2 was killed (SIGKILL)")


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_rank_ends_with_a_parent_that_is_killed() -> None:
    """One rank of a parent that is a fork of this process; orphans.py kills real launches of two."""
    fork = multiprocessing.get_context("fork")
    said = fork.SimpleQueue()
    parent = fork.Process(target=orphans.parent_of_one, args=(said,))
    parent.start()
    kind, pid = said.get()
    assert kind == "pid"
    assert orphans.alive(pid)
    parent.kill()
    parent.join()
    assert orphans.gone([pid])


MASKS = ([1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0])


@pytest.mark.parametrize("mask", MASKS)
def test_the_mean_of_the_ranks_au_losses_is_that_of_the_batch(mask: list[int]) -> None:
    draws = torch.Generator().manual_seed(0)
    loss = AULoss(torch.rand(7, 18, generator=draws) + 0.1, torch.rand(7, 18, generator=draws) + 0.1)
    logits_BA, labels_BA = torch.randn(4, 18, generator=draws), torch.rand(4, 18, generator=draws) < 0.5
    target_B, mask_B = torch.tensor([0, 3, 6, 3]), torch.tensor(mask, dtype=torch.bool)

    def of(ranks: Ranks) -> torch.Tensor:
        rows = ranks.rows(4)
        own = loss(logits_BA[rows], labels_BA[rows], target_B[rows], mask_B[rows])
        return own * ranks.au_share(mask_B)

    parts = torch.stack([of(Ranks(0, 2)), of(Ranks(1, 2))])
    torch.testing.assert_close(parts.mean(), loss(logits_BA, labels_BA, target_B, mask_B))


@pytest.mark.parametrize(
    ("nproc", "machine", "message"),
    [
        (3, Machine(), "nproc 3: does not divide the batch of m3dfel, 16; give another --nproc, or a batch by --set"),
        (2, Machine(device="cuda:0"), "each process takes a GPU of its own; give --device cuda, not cuda:0"),
        (2, Machine(engine="upstream"), "the upstream engine trains a run in one process; leave --nproc out"),
    ],
)
def test_what_cannot_be_shared_out_is_refused(nproc: int, machine: Machine, message: str) -> None:
    experiment = change(load_experiment("demo"), {"models": ["m3dfel"], "nproc": nproc})
    experiment = experiment.model_copy(update={"selection": ("last",)})
    with pytest.raises(ManifestError, match=message):
        plan(experiment, lambda recipe, fold: pytest.fail("planned"), machine)


def bare_config(**keys: Any) -> RunConfig:
    data = RunData(name="faces", title="faces", published=False, labels={"happy": 0}, clips={}, fingerprint="f")
    recipe = Recipe(
        batch=4, epochs=1, pack_size=8, input=Input(frames=2, size=8), sampling=Sampling(rule="m3dfel"),
        augmentation=Augmentation(), optimizer=Optimizer(name="sgd", lr=0.1), schedule=Schedule(name="constant"),
    )  # fmt: skip
    return RunConfig(
        experiment="e", dataset=data, model="m3dfel", scale="demo", arm="baseline", fold=1, folds=1, seed=0,
        selection=("last",), au=None, recipe=recipe, **keys,
    )  # fmt: skip


def test_a_run_of_one_process_keeps_the_name_it_had() -> None:
    """The digest that this configuration had before there was a key `nproc` (commit cee91a2), when crops had no key."""
    written = json.loads(bare_config().canonical_json())
    del written["recipe"]["augmentation"]["crop_antialias"]
    digest = hashlib.sha256((json.dumps(written, sort_keys=True, indent=1) + "\n").encode()).hexdigest()
    assert digest == "b1e7897ff5ad7f6ea71fa45ac8edf355f0027cbe11e2f28b13fcd93d81819a66"
    assert "nproc" not in json.loads(bare_config().canonical_json())
    assert bare_config(nproc=2).digest() != bare_config().digest()
