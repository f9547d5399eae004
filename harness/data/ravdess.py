"""RAVDESS: acted speech, the class in the clip's name, folds by actor.

Layout (field notes, section 5): `face_aligned/Actor_01/02-01-03-01-01-01-01/<n>.jpg`. The name's parts are modality,
channel, emotion, intensity, statement, repetition and actor; the silent videos (02) of speech (01) are read, and calm
has no class here. There are no lists: a fold's test clips are those of its actors.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from harness.data.counts import Rows
from harness.data.lists import labels_of
from harness.dataset_manifest import DatasetManifest
from harness.errors import DataError

ACTOR = re.compile(r"Actor_(0[1-9]|1\d|2[0-4])")
CLIP = re.compile(r"(?P<kind>0[1-3]-0[12])-(?P<emotion>0[1-8])-0[12]-0[12]-0[12]-(?P<actor>0[1-9]|1\d|2[0-4])")
SILENT_SPEECH = "02-01"


def read_part(root: Path, manifest: DatasetManifest, fold: int, part: str) -> Rows:
    """Clip name (`Actor_01/02-01-03-01-01-01-01`) -> label: of the fold's actors for test, of all others for train.

    Errors: DataError if the folder is missing, a name in it does not parse, a clip lies in another actor's folder, or
    no clip is left.
    """
    folder = root / manifest.frames_dir
    tested = manifest.test_actors[fold - 1]
    labels = labels_of(manifest)
    rows = {
        name: labels[emotion]
        for actor, emotion, name in _clips(folder)
        if (actor in tested) == (part == "test") and emotion not in manifest.ignored
    }
    if not rows:
        actors = ", ".join(str(actor) for actor in tested)
        which = f"actors {actors}" if part == "test" else f"actors other than {actors}"
        raise DataError(f"{folder}: no clip of {which}, the {part} part of fold {fold}; unpack all actors")
    return rows


def _clips(folder: Path) -> Iterator[tuple[int, str, str]]:
    """(actor, emotion code, clip name) of every silent video of speech, by actor and name."""
    for actor in _folders(folder):
        if not ACTOR.fullmatch(actor):
            raise DataError(f"{folder / actor}: not an actor's folder (Actor_01 to Actor_24); move it elsewhere")
        for name in _folders(folder / actor):
            match = CLIP.fullmatch(name)
            if match is None:
                where = folder / actor / name
                raise DataError(f"{where}: not a clip's name, as 02-01-03-01-01-01-01; name it as published")
            if match["actor"] != actor[-2:]:
                raise DataError(
                    f"{folder / actor / name}: a clip of Actor_{match['actor']} in the folder of {actor}; move it there"
                )
            if match["kind"] == SILENT_SPEECH:
                yield int(match["actor"]), match["emotion"], f"{actor}/{name}"


def _folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror}); unpack the clips there") from error
