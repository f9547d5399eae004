"""The AU extractors whose CSV files are read, known by their columns: OpenFace 2.2, py-feat and LibreFace.

Only OpenFace gives all 18 presences and 17 intensities; of the others, the units that are missing are masked.
Sources: OpenFace wiki, Output Format; py-feat's `Fex` tables (frame, FaceScore, one column a unit); LibreFace's
`save_facial_attributes_video` (frame_idx, au_<n> and au_<n>_intensity).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.au.units import ACTION_UNITS, UNIT_WITHOUT_INTENSITY
from harness.errors import DataError

INTENSITY_UNITS = tuple(unit for unit in ACTION_UNITS if unit != UNIT_WITHOUT_INTENSITY)
PRESENT_FROM = 0.5
"""A unit given as a probability is present from here on."""


@dataclass(frozen=True)
class Extractor:
    """How an extractor names its columns, None where it has none.

    first: number of a clip's first frame. success: 0 or 1; without it a row without any AU value has no face.
    intensity, presence: unit -> column. probability: presence is a probability, not 0 or 1. whole: every column must
    be there. faces: a frame may have several rows that no column tells apart. remedy: what to do about a bad file.
    """

    title: str
    frame: str
    first: int
    intensity: Mapping[str, str]
    presence: Mapping[str, str]
    remedy: str
    confidence: str | None = None
    success: str | None = None
    face: str | None = None
    probability: bool = False
    whole: bool = False
    faces: bool = False


OPENFACE = Extractor(
    title="OpenFace 2.2",
    frame="frame",
    first=1,
    intensity={unit: f"{unit}_r" for unit in INTENSITY_UNITS},
    presence={unit: f"{unit}_c" for unit in ACTION_UNITS},
    remedy="write it again with OpenFace 2.2 FeatureExtraction",
    confidence="confidence",
    success="success",
    face="face_id",
    whole=True,
)
PY_FEAT = Extractor(
    title="py-feat",
    frame="frame",
    first=0,
    intensity={},
    presence={unit: unit for unit in ACTION_UNITS},
    remedy="write it again with py-feat's detect and to_csv",
    confidence="FaceScore",
    probability=True,
    faces=True,
)
LIBREFACE = Extractor(
    title="LibreFace",
    frame="frame_idx",
    first=0,
    intensity={unit: f"au_{int(unit[2:])}_intensity" for unit in INTENSITY_UNITS},
    presence={unit: f"au_{int(unit[2:])}" for unit in ACTION_UNITS},
    remedy="write it again with LibreFace's save_facial_attributes_video",
)


@dataclass(frozen=True)
class Columns:
    """Where a file has what is read of it.

    count: columns of the file. names, place: name and place of each column read: the frame, then what there is of
    confidence, success and face, then intensities, then presences. intensity_units, presence_units: whose these are.
    """

    extractor: Extractor
    count: int
    names: tuple[str, ...]
    place: tuple[int, ...]
    intensity_units: tuple[str, ...]
    presence_units: tuple[str, ...]
    at: Mapping[str, int] = field(repr=False)

    @property
    def first_unit(self) -> int:
        """Position of the first intensity among the columns read."""
        return len(self.names) - len(self.intensity_units) - len(self.presence_units)

    @property
    def first_presence(self) -> int:
        """Position of the first presence among the columns read."""
        return len(self.names) - len(self.presence_units)

    def position(self, name: str | None) -> int | None:
        """Position of a column among those read, None where there is none."""
        return None if name is None else self.at.get(name)


def find_columns(path: Path, header: str, extractor: Extractor | None = None) -> Columns:
    """The columns of a file with this first line, as those of `extractor`, or of whichever is recognised.

    DataError for columns parted by semicolons or tabs, columns of no known extractor, missing or repeated columns.
    """
    names = [name.strip() for name in header.replace('"', "").split(",")]
    if len(names) == 1 and (";" in header or "\t" in header):
        raise DataError(f"{path}: columns are parted by semicolons or tabs; save it with commas and decimal points")
    extractor = extractor or _recognised(path, names)
    place_of = {name: place for place, name in enumerate(names)}
    head = [name for name in (extractor.frame, extractor.confidence, extractor.success) if name is not None]
    units = [*extractor.intensity.values(), *extractor.presence.values()] if extractor.whole else []
    wanted = [*head, *units]
    missing = [name for name in wanted if name not in place_of]
    if missing:
        raise DataError(f"{path}: {len(missing)} columns are missing, first '{missing[0]}'; {extractor.remedy}")
    if extractor.face is not None and extractor.face in place_of:
        head.append(extractor.face)
    intensity = {unit: name for unit, name in extractor.intensity.items() if name in place_of}
    presence = {unit: name for unit, name in extractor.presence.items() if name in place_of}
    needed = (*head, *intensity.values(), *presence.values())
    repeated = [name for name in needed if names.count(name) > 1] if len(place_of) < len(names) else []
    if repeated:
        raise DataError(f"{path}: column '{repeated[0]}' appears more than once; {extractor.remedy}")
    return Columns(
        extractor=extractor,
        count=len(names),
        names=needed,
        place=tuple(place_of[name] for name in needed),
        intensity_units=tuple(intensity),
        presence_units=tuple(presence),
        at={name: position for position, name in enumerate(needed)},
    )


def _recognised(path: Path, names: Sequence[str]) -> Extractor:
    there = set(names)
    if "success" in there or there.intersection([*OPENFACE.intensity.values(), *OPENFACE.presence.values()]):
        return OPENFACE
    if "FaceScore" in there and there.intersection(PY_FEAT.presence.values()):
        return PY_FEAT
    if "frame_idx" in there and there.intersection(LIBREFACE.presence.values()):
        return LIBREFACE
    found = ", ".join(f"'{name}'" for name in names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    raise DataError(
        f"{path}: columns of no known AU extractor (OpenFace 2.2, py-feat, LibreFace): {found}; "
        "write it again with OpenFace 2.2 FeatureExtraction"
    )
