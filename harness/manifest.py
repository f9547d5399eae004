"""Typed manifests: what is pinned, what is recommended, what is to be run.

TOML in, frozen pydantic models out; unknown keys are refused and every error names the file and the key.
This module imports no torch.
"""

from __future__ import annotations

import csv
import hashlib
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator

from harness.dataset_manifest import DatasetManifest
from harness.errors import ManifestError
from harness.recipe import FolderName, FolderNames, Recipe, Share, Strict

Arm = Literal["baseline", "au-global", "au-distinct", "au-minor"]
SelectionRule = Literal["last", "best-on-val", "best-on-test"]
Scale = Literal["full", "demo"]
Precision = Literal["fp32", "bf16"]
DEEPEST_KEY = 8  # parts of a key of --set
EXPRESSIONS = 7  # rows of the knowledge matrix (Fig. 4)
LATER_KEYS = ("nproc",)  # of RunConfig, left out of its JSON at their default: the runs of before keep their names


class ModelFacts(Strict):
    """What a model of one scale is known to be: exact parameters, multiply-adds (one fused multiply-add is one)."""

    parameters: int
    multiply_adds: int
    multiply_adds_fvcore: int


class ModelManifest(Strict):
    """One of the three models: its title and citation in the paper's tables, its facts and its recipes."""

    name: str
    title: str
    cite: int
    source: str
    facts: dict[Scale, ModelFacts]
    recipe: dict[Scale, Recipe]


class AUOptions(Strict):
    """The method's choices (docs/method.md). `knowledge` may also be `computed:<file>`."""

    knowledge: str = "fig4"
    pos_weight: Literal["fold", "released"] = "fold"
    label_frames: Literal["all", "sampled"] = "all"
    min_confidence: Share = 0.0
    reduction: Literal["mean", "sum"] = "mean"
    ratio: Share = 0.25

    @field_validator("knowledge")
    @classmethod
    def _known_matrix(cls, value: str) -> str:
        if value in ("fig4", "released") or value.startswith("computed:"):
            return value
        raise ValueError("one of fig4, released, computed:<file>")


class Render(Strict):
    """Rendered faces: how many clips, at which picture size, from which seed."""

    clips: int = Field(gt=0)
    size: int = Field(gt=0)
    seed: int = Field(default=0, ge=0)


class ClipsPerClass(Strict):
    """Only the first clips of each class, in the order of the lists: for a try at full scale on little data."""

    train: int = Field(gt=0)
    test: int = Field(gt=0)


class Experiment(Strict):
    """A sweep: data set, models, arms, folds, seeds, recipe overrides and selection rules.

    features: keep the test clips' features of the last epoch. nproc: processes a run (docs/distributed.md). precision:
    auto is the device's best; ratios: every AU arm once at each of these au.ratio, the baseline once (runs/sweep.py).
    """

    name: FolderName
    title: str
    dataset: str
    models: tuple[str, ...] = Field(min_length=1)
    arms: tuple[Arm, ...] = Field(min_length=1)
    folds: tuple[int, ...] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    scale: Scale = "full"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    threads: int | None = Field(default=None, gt=0)
    selection: tuple[SelectionRule, ...] = Field(min_length=1)
    val_share: Share = 0.1
    au: AUOptions = AUOptions()
    overrides: dict[str, dict[str, Any]] = Field(default_factory=dict)
    clips_per_class: ClipsPerClass | None = None
    random_init: bool = False
    features: bool = False
    ratios: tuple[Share, ...] = ()
    upstream_options: dict[str, dict[str, str | int | float]] = Field(default_factory=dict)
    render: Render | None = None
    nproc: int = Field(default=1, ge=1)


class RunData(Strict):
    """The data behind a run: which data set, how many clips of which part, and the hash of list and frames.

    published: the published data set itself. differs: if it is only laid out as one, in what (empty: drawn by us).
    """

    name: FolderName
    title: str
    published: bool
    differs: str = ""
    labels: dict[str, int | str]
    clips: dict[str, int]
    fingerprint: str


class AUArm(AUOptions):
    """The AU options of an AU arm, with its pos_weight strategy (Eq. 6, 7, 8).

    labels: sha256 of the clips' AU labels. lacking: units that the AU files do not hold; they have no weight.
    knowledge_sha256: of the file of a computed knowledge matrix.
    """

    strategy: Literal["global", "distinct", "minor"]
    labels: str = ""
    lacking: tuple[str, ...] = ()
    knowledge_sha256: str = ""


class RunConfig(Strict):
    """One run, fully resolved: what `config.json` of its record holds and what its hash is made from."""

    experiment: FolderNames
    dataset: RunData
    model: FolderName
    scale: Scale
    arm: Arm
    fold: int
    folds: int
    seed: int
    engine: Literal["native", "upstream"] = "native"
    device: str = "cpu"
    precision: Precision = "fp32"
    threads: int | None = None
    selection: tuple[SelectionRule, ...]
    val_share: Share = 0.1
    au: AUArm | None
    recipe: Recipe
    initial: str = "random"
    clips_per_class: ClipsPerClass | None = None
    features: bool = False
    upstream_options: dict[str, str | int | float] = Field(default_factory=dict)
    nproc: int = Field(default=1, ge=1)

    def canonical_json(self) -> str:
        """The text of `config.json`: sorted keys, one trailing newline, the same bytes for the same run."""
        data = self.model_dump(mode="json")
        later = {key for key in LATER_KEYS if getattr(self, key) == type(self).model_fields[key].default}
        return json.dumps({key: data[key] for key in data.keys() - later}, sort_keys=True, indent=1) + "\n"

    def digest(self) -> str:
        """sha256 (hex) of `canonical_json`; its first twelve digits end the run directory's name."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()

    def directory(self) -> Path:
        """Path of the run directory below the folder of runs (design: one run, one record)."""
        leaf = f"fold{self.fold}-seed{self.seed}-{self.digest()[:12]}"
        return Path(self.experiment, self.dataset.name, self.model, self.arm, leaf)


M = TypeVar("M", bound=BaseModel)


def manifests_dir() -> Path:
    """The folder `manifests/`: inside the installed package, or beside `harness/` in a checkout."""
    packaged = Path(__file__).parent / "_manifests"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "manifests"


def load_model(name: str) -> ModelManifest:
    """Manifest of the model `name`; ManifestError names the known ones."""
    return _load_named("models", name, ModelManifest)


def load_dataset(name: str) -> DatasetManifest:
    """Manifest of the data set `name`, or of one scene of FERV39k (`ferv39k:Action`); ManifestError names the known."""
    whole, _, scene = name.partition(":")
    manifest = _load_named("datasets", whole, DatasetManifest)
    return _of_scene(manifest, scene) if scene else manifest


def load_experiment(name: str) -> Experiment:
    """Experiment by name or by the path of a TOML file. Every recipe it asks for is resolved: a typo ends here."""
    path = Path(name)
    experiment = load_file(path, Experiment) if path.suffix == ".toml" else _load_named("experiments", name, Experiment)
    _check_members(experiment, str(path))
    return experiment


def change(experiment: Experiment, changes: dict[str, Any]) -> Experiment:
    """The experiment with keys replaced (None: as it is) and checked again.

    `epochs` sets every model's recipe. `settings` are texts `key=value`: a key of the experiment (`au.ratio=0.5`), or
    of a model's recipe behind its name (`m3dfel.sampling.test=upstream`); they come last.
    """
    changes = {key: value for key, value in changes.items() if value not in (None, [], ())}
    epochs, settings = changes.pop("epochs", None), changes.pop("settings", ())
    data = {**experiment.model_dump(), **changes}
    data["overrides"] = {model: value for model, value in data["overrides"].items() if model in data["models"]}
    if epochs is not None:
        data["overrides"] = {model: {**data["overrides"].get(model, {}), "epochs": epochs} for model in data["models"]}
    for setting in settings:
        data = _laid_over(data, _setting(setting, data["models"]))
    changed = parse(data, Experiment, f"experiment {experiment.name}")
    _check_members(changed, f"experiment {experiment.name}")
    return changed


def known(kind: str) -> list[str]:
    """Names of the manifests of a kind (`models`, `datasets`, `experiments`)."""
    return sorted(path.stem for path in (manifests_dir() / kind).glob("*.toml"))


def load_file(path: Path, model: type[M]) -> M:
    """Read one TOML manifest as `model`; ManifestError names the file and each wrong key."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ManifestError(
            f"{path}: cannot be read ({error.strerror}); give the name or path of a manifest"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{path}: not TOML ({error}); mend the file") from error
    return parse(data, model, str(path))


def parse(data: object, model: type[M], where: str) -> M:
    """Validate `data` as `model`; ManifestError lists every wrong key on one line, after `where`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = "; ".join(_fault(item) for item in error.errors())
        raise ManifestError(f"{where}: {faults}; mend the named key") from error


def resolve_recipe(experiment: Experiment, model: ModelManifest, where: str = "") -> Recipe:
    """The model's recipe at the experiment's scale, the overrides laid over it key by key; `where` is for errors."""
    if experiment.scale not in model.recipe:
        raise ManifestError(
            f"model {model.name}: no recipe at scale {experiment.scale}; known: {', '.join(model.recipe)}"
        )
    merged = model.recipe[experiment.scale].model_dump(mode="python")
    override = experiment.overrides.get(model.name, {})
    where = f"{where or f'experiment {experiment.name}'}: overrides.{model.name}"
    return parse(_laid_over(merged, override), Recipe, where)


def read_run_config(path: Path) -> RunConfig:
    """The RunConfig in a `config.json`; ManifestError if it is not one."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ManifestError(
            f"{path}: not a run configuration ({error}); remove the run directory and run again"
        ) from error
    return parse(data, RunConfig, str(path))


def _load_named(kind: str, name: str, model: type[M]) -> M:
    if name not in known(kind):  # no name leads out of the folder
        raise ManifestError(f"{kind[:-1]} {name[:80]!r} is not known; known: {', '.join(known(kind))}")
    return load_file(manifests_dir() / kind / f"{name}.toml", model)


def _of_scene(manifest: DatasetManifest, scene: str) -> DatasetManifest:
    path = manifests_dir() / "datasets" / f"{manifest.name}_scenes.csv"
    if not path.is_file():
        raise ManifestError(f"data set {manifest.name}:{scene}: {manifest.title} has no scenes; drop ':{scene}'")
    with path.open(encoding="utf-8", newline="") as file:
        rows = {(row.pop("scene"), row.pop("part")): row for row in csv.DictReader(file)}
    if (scene, "train") not in rows:
        raise ManifestError(
            f"data set {manifest.name}: no scene {scene!r}; known: {', '.join(sorted({name for name, _ in rows}))}"
        )
    counts = {part: [int(rows[scene, part][name]) for name in manifest.classes] for part in ("train", "test")}
    # How many frames the clips of one scene have is not published.
    changes: dict[str, Any] = {"scene": scene, "counts": {"1": counts}, "frames_per_clip": None}
    changes |= {"name": f"{manifest.name}-{scene}", "title": f"{manifest.title}, {scene}"}
    return parse({**manifest.model_dump(), **changes}, DatasetManifest, str(path))


def _check_members(experiment: Experiment, where: str) -> None:
    try:
        dataset, models = load_dataset(experiment.dataset), [load_model(model) for model in experiment.models]
    except ManifestError as error:
        raise ManifestError(f"{where}: {error}") from error
    if len(dataset.classes) != EXPRESSIONS or dataset.layout == "affwild2":
        raise ManifestError(
            f"{where}: dataset: {dataset.title} cannot be trained on, its clips are not in the seven classes of the AU "
            "knowledge; known experiments name one that can"
        )
    for model in models:
        resolve_recipe(experiment, model, where)
    for name in experiment.overrides:
        if name not in experiment.models:
            raise ManifestError(f"{where}: overrides.{name}: the experiment has no such model; mend the named key")
    for fold in experiment.folds:
        if not 1 <= fold <= dataset.folds:
            raise ManifestError(f"{where}: folds: {fold} is not a fold of {dataset.title} (1 to {dataset.folds})")


def _setting(text: str, models: Sequence[str]) -> dict[str, Any]:
    """`m3dfel.batch=4` as {"overrides": {"m3dfel": {"batch": 4}}}; the value is TOML, or else text as it stands."""
    key, equals, value = text.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts) or len(parts) > DEEPEST_KEY:
        raise ManifestError(f"--set {text[:80]!r}: not KEY=VALUE, as m3dfel.sampling.test=upstream or au.ratio=0.5")
    try:
        nested: Any = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        nested = value.strip()
    for part in reversed(["overrides", *parts] if parts[0] in models else parts):
        nested = {part: nested}
    return dict(nested)


def _laid_over(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in override.items():
        below = merged.get(key)
        merged[key] = _laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _fault(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"]) or "the file"
    message = "unknown key" if item["type"] == "extra_forbidden" else item["msg"]
    return f"{key}: {message}"
