"""Manifests, `--set` options, split lists and names of files, as the commands read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mutating
from target import Target, write_files

from harness import manifest as manifests
from harness.data.clips import frame_files
from harness.data.readers import read_lists
from harness.data.upstream_lists import read_upstream_lists
from harness.dataset_manifest import DatasetManifest
from harness.runs.sweep import Machine, plan
from harness.upstream.manifest import UpstreamManifest

# Manifests


def experiments(folder: Path) -> Target:
    found = sorted((manifests.manifests_dir() / "experiments").glob("*.toml"))

    def read(folder: Path) -> None:
        for path in sorted(folder.glob("*.toml")):
            _planned(manifests.load_experiment(str(path)))

    files = write_files(folder, {path.name: path.read_bytes() for path in found})
    return Target("experiments", files, read, mutating.some_toml, weight=6)


def _planned(experiment: manifests.Experiment) -> None:
    """All runs of an experiment; none may lie outside the folder of runs."""
    manifest = manifests.load_dataset(experiment.dataset)
    data = manifests.RunData(
        name=manifest.name, title="t", published=False, labels=manifest.labels, clips={"train": 9, "test": 9},
        fingerprint="",
    )  # fmt: skip
    for config in plan(experiment, lambda *_: data, Machine()):
        directory = config.directory()
        assert ".." not in directory.parts, f"{directory} leaves the folder of runs"
        assert not directory.is_absolute(), f"{directory} leaves the folder of runs"
        assert len(directory.name) < 60


def settings(folder: Path) -> Target:
    lines = (
        "au.ratio=0.5", "m3dfel.sampling.test=upstream", "mae_dfer.batch=4", 'title="x"', "render.clips=80",
        "overrides.m3dfel.optimizer.lr=0.1", "features=true", "selection=['last']", "au.knowledge=computed:x",
        "m3dfel.input.mean=[0,0,0]", "folds=[1,2]", "clips_per_class.train=3", "upstream_options.m3dfel.lr=1",
        "ratios=[0.1,0.2]", "name=x", "dataset=dfew", "m3dfel.augmentation.jitter.hue=0.1",
    )  # fmt: skip

    def read(folder: Path) -> None:
        text = (folder / "settings.txt").read_bytes().decode("utf-8", "replace")
        demo = manifests.load_experiment("demo")
        for line in text.split("\n"):
            if line:
                _planned(manifests.change(demo, {"settings": [line]}))

    return Target("settings", write_files(folder, {"settings.txt": "\n".join(lines)}), read, weight=2, names=True)


def _of_folder(kind: str, model: type[Any]) -> Callable[[Path], Target]:
    def make(folder: Path) -> Target:
        found = sorted((manifests.manifests_dir() / kind).glob("*.toml"))

        def read(folder: Path) -> None:
            for path in sorted(folder.glob("*.toml")):
                manifests.load_file(path, model)

        files = write_files(folder, {path.name: path.read_bytes() for path in found})
        return Target(kind, files, read, mutating.some_toml, weight=3)

    return make


MANIFESTS = (
    _of_folder("datasets", DatasetManifest),
    _of_folder("models", manifests.ModelManifest),
    _of_folder("upstreams", UpstreamManifest),
)


# Lists


def _lists(layout: str, lines: Callable[[int], tuple[str, str]]) -> Callable[[Path], Target]:
    """lines: of a fold, its train and its test list; the manifest says where they lie."""

    def make(folder: Path) -> Target:
        manifest = manifests.load_dataset(layout)
        places = {
            "dfew": "{part}(single-labeled)/set_{fold}.csv",
            "ferv39k": "{part}_All.csv",
            "mafw": "set_{fold}/{part}.txt",
        }
        files = {}
        for fold in range(1, manifest.folds + 1):
            for part, text in zip(("train", "test"), lines(fold), strict=True):
                files[str(Path(manifest.split_dir, places[manifest.layout].format(part=part, fold=fold)))] = text
        return Target(f"lists {layout}", write_files(folder, files), lambda folder: read_lists(manifest, folder))

    return make


def _dfew(fold: int) -> tuple[str, str]:
    rows = [f"{number:05d},{number % 7 + 1}" for number in range(1, 15)]
    test = rows[fold - 1 :: 5]
    parts = [[row for row in rows if row not in test], test]
    return tuple("\n".join(["video_name,label", *part]) + "\n" for part in parts)  # type: ignore[return-value]


def _ferv39k(_: int) -> tuple[str, str]:
    names = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
    rows = [f"Action/{names[number % 7]}/{number:04d} {names[number % 7]}" for number in range(14)]
    return "\n".join(rows[:9]) + "\n", "\n".join(rows[9:]) + "\n"


def _mafw(fold: int) -> tuple[str, str]:
    names = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise", "contempt")
    rows = [f"{number:05d}.mp4 {names[number % 8]}" for number in range(1, 17)]
    test = rows[fold - 1 :: 5]
    return "\n".join(row for row in rows if row not in test) + "\n", "\n".join(test) + "\n"


def affwild2(folder: Path) -> Target:
    manifest = manifests.load_dataset("affwild2")
    head = ",".join([*map(str, manifest.labels.values()), *manifest.ignored])
    lines = "\n".join(["0", "0", "1", "1", "-1", "-1", "2", "6", "6", "0"])
    base = Path(manifest.split_dir)
    files = write_files(
        folder,
        {str(base / part / f"{name}.txt"): f"{head}\n{lines}\n"
         for part, name in (("Train_Set", "1-30"), ("Train_Set", "video5_left"), ("Validation_Set", "7-60"))},
    )  # fmt: skip
    return Target("lists affwild2", files, lambda folder: read_lists(manifest, folder))


def upstream_lists(folder: Path) -> Target:
    manifest = manifests.load_dataset("dfew")
    source = manifest.upstream_lists[0]
    files = {}
    for fold in range(1, manifest.folds + 1):
        for part in ("train", "test"):
            count = range(1, 15)[fold - 1 :: 5] if part == "test" else set(range(1, 15)) - set(range(fold, 15, 5))
            rows = [f"a/{n:05d} {'16 ' if source.frame_counts else ''}{n % 7}" for n in count]
            files[source.path.format(fold=fold, part=part)] = "\n".join(rows) + "\n"
    read = lambda folder: read_upstream_lists(manifest, source.upstream, folder)  # noqa: E731
    return Target("lists upstream", write_files(folder, files), read, weight=3)


def names(folder: Path) -> Target:
    """Names of frames and of RAVDESS's clips, which are its labels; each line of a file is made a file's name."""
    manifest = manifests.load_dataset("ravdess")
    actors = range(1, 25)
    clips = [f"Actor_{a:02d}/02-01-{e:02d}-01-01-01-{a:02d}" for a in actors for e in (1, 3, 5)]

    def read(folder: Path) -> None:
        for name in ("frames.txt", "clips.txt"):
            place = folder / name.removesuffix(".txt")
            for line in (folder / name).read_bytes().decode("utf-8", "replace").split("\n"):
                parts = [part for part in line.replace("\0", "").split("/") if part not in ("", ".", "..")]
                if parts and len(line) < 90:
                    path = (
                        place / manifest.frames_dir / Path(*parts) if name == "clips.txt" else place / "_".join(parts)
                    )
                    path.mkdir(parents=True, exist_ok=True)
        frame_files(folder / "frames")
        read_lists(manifest, folder / "clips")

    files = {"frames.txt": "\n".join(f"{n}.jpg" for n in range(1, 9)), "clips.txt": "\n".join(clips)}
    return Target("names", write_files(folder, files), read, weight=2, names=True)


dfew, ferv39k, mafw = _lists("dfew", _dfew), _lists("ferv39k", _ferv39k), _lists("mafw", _mafw)
