"""Checkpoints, files of weights, pictures, packs and what is left of a pack half made."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from random import Random
from typing import Any

import mutating
import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from target import Target, by_kind, write_files
from targets_au import openface

from harness import manifest as manifests
from harness.data import prepare as prepared
from harness.data.clips import Clip, Fold, Listing, frame_files
from harness.data.pack import pack_clips, verify_pack
from harness.data.prepare import open_prepared, pack_listing
from harness.data.rendered.place import already_rendered
from harness.engine import checkpoint
from harness.models import build
from harness.upstream.initial import load_initial

# Checkpoints, packs, pictures


def checkpoints(folder: Path) -> Target:
    path = folder / "run" / "checkpoint.pt"
    path.parent.mkdir()
    for step in (1, 2):
        torch.manual_seed(step)
        state = {"digest": "d", "step": step, "model": {"w": torch.randn(40, 5)}, "epochs": [{"loss": 1.5}]}
        checkpoint.save(path, state)
    good = [torch.load(one, weights_only=True)["model"]["w"] for one in (checkpoint.before(path), path)]

    def read(folder: Path) -> None:
        state = checkpoint.load(folder / "run" / "checkpoint.pt", "d")
        assert state is not None
        assert torch.equal(state["model"]["w"], good[state["step"] - 1]), "an altered checkpoint was taken"

    return Target("checkpoints", ("run/checkpoint.pt",), read)


def weights(folder: Path) -> Target:
    torch.manual_seed(0)
    state = build("m3dfel", "demo", 7).state_dict()
    torch.save({"model": state}, folder / "w.pt")
    save_file({name: value.contiguous() for name, value in state.items()}, folder / "w.safetensors")

    def read(folder: Path) -> None:
        for name in ("w.pt", "w.safetensors"):
            load_initial("m3dfel", "demo", folder / name)

    return Target("weights", ("w.pt", "w.safetensors"), read, _head_or_bytes, weight=2)


def _head_or_bytes(data: bytes, draw: Random) -> bytes:
    """Near the beginning or the end, where files of tensors keep their directory."""
    size = min(len(data), draw.choice((300, 3000)))
    if draw.randrange(2):
        return mutating.some_bytes(data[:size], draw) + data[size:]
    return data[:-size] + mutating.some_bytes(data[-size:], draw)


def a_listing(folder: Path) -> Listing:
    """Three clips of three small pictures, made where they are not there."""
    clips = {}
    for number in range(1, 4):
        place = folder / "frames" / f"{number:05d}"
        place.mkdir(parents=True, exist_ok=True)
        for frame in range(1, 4):
            suffix = "png" if number == 3 else "jpg"
            if not (place / f"{frame}.{suffix}").is_file():
                pixels = np.random.default_rng(frame + number).integers(0, 255, (20, 20, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{frame}.{suffix}")
        clips[place.name] = Clip(place.name, number - 1, frame_files(place))
    return Listing(clips, {1: Fold(1, ("00001", "00002"), ("00003",))})


def pictures(folder: Path) -> Target:
    a_listing(folder)
    files = tuple(str(path.relative_to(folder)) for path in sorted((folder / "frames").rglob("*.*")))

    def read(folder: Path) -> None:
        pack = pack_clips(a_listing(folder), 16, folder / "out" / "pack")
        assert verify_pack(pack.path) == []

    return Target("pictures", files, read, weight=3)


def packs(folder: Path) -> Target:
    source = folder.with_name(folder.name + "-source")
    listing = a_listing(source)
    pack = pack_listing(manifests.load_dataset("rendered"), listing, 16, folder)
    openface(source / "au")
    shutil.copy(source / "au/00001.csv", source / "au/00003.csv")
    prepared._prepare_au(source / "au", pack, "all")
    good = open_prepared(pack.path)
    au, folds = good.au_labels("all").digest, dict(good.folds)
    base = pack.path.name

    def read(folder: Path) -> None:
        prepared._load_au.cache_clear()
        found = open_prepared(folder / base)
        assert found.folds == folds, "altered folds were taken"
        assert found.pack.names == good.pack.names
        assert np.array_equal(found.pack.label_N, good.pack.label_N)
        assert found.au_labels("all").digest == au, "altered AU labels were taken"
        wrong = verify_pack(folder / base)
        genuine = np.array_equal(found.pack.frames_FHWC, np.load(source / "frames.npy"))
        assert genuine or wrong, "altered frames were not found"

    shutil.copy(pack.path / "frames.npy", source / "frames.npy")
    return Target("packs", tuple(f"{base}/{name}" for name in sorted(os.listdir(pack.path))), read, by_kind)


def journals(folder: Path) -> Target:
    """A pack half made: whatever its journal says, what comes out is the pack."""
    listing = a_listing(folder)
    whole = pack_clips(listing, 16, folder.with_name(folder.name + "-whole") / "pack")
    frames = np.array(whole.frames_FHWC)
    partial = folder / "pack.partial"
    real = os.unlink
    # The tables are written and meta.json is: one step before its end the work is cut off.
    from harness.data import pack_write

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    pack_write._write_tables, kept = killed, pack_write._write_tables  # type: ignore[assignment]
    try:
        pack_clips(listing, 16, folder / "pack")
    except KeyboardInterrupt:
        pass
    finally:
        pack_write._write_tables, os.unlink = kept, real

    def read(folder: Path) -> None:
        made = pack_clips(a_listing(folder), 16, folder / "pack")
        assert np.array_equal(made.frames_FHWC, frames), "a damaged journal changed the pack"
        assert verify_pack(made.path) == []

    files = tuple(f"{partial.name}/{name}" for name in sorted(os.listdir(partial)))
    return Target("journals", files, read, mutating.some_json_lines, weight=2)


def stamps(folder: Path) -> Target:
    """render.json of rendered faces."""
    parameters = {"renderer": 1, "clips": 60, "size": 40, "seed": 0, "full_clips": False, "shares": "f"}
    text = json.dumps({"parameters": parameters, "summary": {"clips": 60, "seconds": 1.5}})
    files = write_files(folder, {"root/render.json": text})
    read = lambda folder: already_rendered(folder / "root", parameters, lambda s: (s["clips"], s["seconds"]))  # noqa: E731
    return Target("render stamp", files, read, mutating.some_json, weight=1)
