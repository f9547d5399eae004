"""Whether packed data are the published data set, or only laid out as it.

Shape letters: N clips.
"""

from __future__ import annotations

import numpy as np

from harness.data.counts import Lists, count_differences
from harness.data.prepare import Prepared
from harness.dataset_manifest import DatasetManifest
from harness.errors import DataError

SIXTEEN = 16  # frames per clip in the smaller of DFEW's two folders


def differs_from_published(manifest: DatasetManifest, prepared: Prepared) -> str:
    """In what packed data in the layout of `manifest` are not the published data; empty if in nothing that is known.

    DataError where every clip has sixteen frames and the published clips have not: that is the other folder of frames,
    and the commonest reason for a reproduction that fails (MAE-DFER's issue 14).
    """
    pack = prepared.pack
    unread = [f"{pack.quarantined:,} frames could not be read"] if pack.quarantined else []
    return "; ".join([*_counts(_lists(prepared), manifest), *_frames(manifest, pack.count_N), *unread])


def _lists(prepared: Prepared) -> Lists:
    label_of = dict(zip(prepared.pack.names, prepared.pack.label_N.tolist(), strict=True))
    return {
        number: {
            part: {name: label_of[name] for name in names} for part, names in (("train", one.train), ("test", one.test))
        }
        for number, one in prepared.folds.items()
    }


def _counts(lists: Lists, manifest: DatasetManifest) -> list[str]:
    found = count_differences(lists, manifest)
    if not found:
        return []
    one = found[0]
    first = f"fold {one.fold} has {one.found:,} {one.part} clips of {one.expression}, not {one.expected:,}"
    return [first if len(found) == 1 else f"{first}, and {len(found) - 1} more counts differ"]


def _frames(manifest: DatasetManifest, count_N: np.ndarray) -> list[str]:
    published = manifest.frames_per_clip
    if published is None:
        return []
    if published.median != SIXTEEN and (count_N == SIXTEEN).all():
        raise DataError(
            f"{manifest.title}: every clip below {manifest.frames_dir} has 16 frames, the median of the published ones "
            f"is {published.median:g}: this is the 16-frame folder; put the whole clips there, or train on dfew_16f"
        )
    here = (int(count_N.min()), float(np.median(count_N)), int(count_N.max()), int((count_N < SIXTEEN).sum()))
    there = (published.least, published.median, published.most, published.under_16)
    what = ("fewest", "median", "most", "clips under 16")
    other = [f"{name} {h:g} not {t:g}" for name, h, t in zip(what, here, there, strict=True) if h != t]
    return [f"frames per clip: {', '.join(other)}"] if other else []
