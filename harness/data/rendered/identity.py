"""Who is in the clip: the proportions and colours of one drawn face."""

from dataclasses import dataclass, replace

import numpy as np

RGB = tuple[int, int, int]

SKINS: tuple[RGB, ...] = (
    (246, 214, 190), (238, 196, 164), (226, 178, 140), (206, 152, 112), (176, 122, 84), (142, 96, 66), (112, 76, 54),
)  # fmt: skip
HAIRS: tuple[RGB, ...] = ((30, 24, 22), (58, 40, 28), (98, 66, 38), (150, 108, 60), (196, 160, 96), (150, 148, 146))
IRISES: tuple[RGB, ...] = ((62, 38, 22), (88, 56, 28), (70, 92, 60), (62, 96, 130), (40, 28, 22))
HAIR_STYLES = ("short", "long", "fringe", "bald")


@dataclass(frozen=True)
class Identity:
    """One person. Lengths are factors on the average face (1.0), colours are RGB in 0-255."""

    face_width: float = 1.0
    jaw_width: float = 1.0
    eye_size: float = 1.0
    eye_spacing: float = 1.0
    brow_height: float = 1.0
    brow_thickness: float = 1.0
    nose_width: float = 1.0
    mouth_width: float = 1.0
    lip_fullness: float = 1.0
    skin: RGB = SKINS[1]
    hair: RGB = HAIRS[1]
    iris: RGB = IRISES[1]
    hair_style: str = "short"
    beard: float = 0.0
    glasses: bool = False


def shade(colour: RGB, factor: float) -> RGB:
    """The colour made darker (factor < 1) or lighter (factor > 1), within 0-255."""
    red, green, blue = (int(min(255.0, max(0.0, part * factor))) for part in colour)
    return red, green, blue


def mix(first: RGB, second: RGB, share: float) -> RGB:
    """`share` of `second` in `first`."""
    red, green, blue = (int(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def crease(person: Identity, depth: float = 0.66) -> RGB:
    """The colour of a fold, dark on any skin."""
    return mix(person.skin, (26, 8, 6), depth)


def draw_identity(rng: np.random.Generator) -> Identity:
    """A person at random."""

    def near_one(spread: float) -> float:
        return float(np.clip(rng.normal(1.0, spread), 1.0 - 2 * spread, 1.0 + 2 * spread))

    def pick(colours: tuple[RGB, ...]) -> RGB:
        return shade(colours[int(rng.integers(len(colours)))], near_one(0.05))

    skin = int(rng.integers(len(SKINS)))
    person = Identity(
        face_width=near_one(0.04),
        jaw_width=near_one(0.06),
        eye_size=near_one(0.06),
        eye_spacing=near_one(0.03),
        brow_height=near_one(0.025),
        brow_thickness=near_one(0.18),
        nose_width=near_one(0.08),
        mouth_width=near_one(0.06),
        lip_fullness=near_one(0.12),
        skin=pick(SKINS[skin : skin + 1]),
        # Fair hair goes with fair skin.
        hair=pick(HAIRS if skin < 3 else HAIRS[:3] + HAIRS[-1:]),
        iris=pick(IRISES),
        hair_style=HAIR_STYLES[int(rng.choice(4, p=(0.42, 0.28, 0.2, 0.1)))],
    )
    bearded = rng.random() < 0.15 and person.hair_style != "long"
    return replace(person, beard=float(bearded) * rng.uniform(0.15, 0.4), glasses=bool(rng.random() < 0.12))
