"""Every kind of finding: what it means, its likely cause, and the remedy, unless the check knows a nearer one."""

from __future__ import annotations

from typing import NamedTuple

PUBLISHED_LIST, PUBLISHED_LISTS = "take the published list", "take the published lists"
PUBLISHED_FRAMES, UNPACK = "take the published frames", "unpack these clips again"
EXTRACTION = "frames of another extraction than the published"
NONE = "none needed"


class Kind(NamedTuple):
    """A kind of finding."""

    meaning: str
    cause: str
    remedy: str


KINDS = {
    "root-missing": Kind(
        "no folder of that name, or another one", "a mistyped path", "give the data set's folder by --root"
    ),
    "root-misplaced": Kind(
        "the data root is a level above or below", "the folder is a level off", "name the data root"
    ),
    "list-missing": Kind(
        "a split list is not where the published layout has it",
        "the lists are not unpacked, or lie in another folder",
        "put the published lists there",
    ),
    "list-unreadable": Kind(
        "a split list cannot be read as published", "the list was edited, or is another data set's", PUBLISHED_LIST
    ),
    "header-missing": Kind(
        "the first line of a list that has a header is not the header",
        "the list was written without its first line video_name,label",
        PUBLISHED_LIST,
    ),
    "labels-from-zero": Kind(
        "labels count from 0 where the published ones count from 1",
        "a repository's list: those count labels from 0, the published ones from 1",
        PUBLISHED_LIST,
    ),
    "not-published": Kind(
        "fewer than half of the published clips",
        "rendered data, or a part of the data set",
        f"{PUBLISHED_LISTS}; figures from this data are not comparable with published ones",
    ),
    "counts-unpublished": Kind(
        "no public class counts",
        "no public list gives them",
        f"{NONE}; compare the counts above with a paper on the data set",
    ),
    "first-line-dropped": Kind(
        "one class of a list is exactly one clip short",
        "the list's first line was taken for a header and dropped (FERV39k's lists have none: 7,846 test clips)",
        f"{PUBLISHED_LIST}, first line included",
    ),
    "label-order": Kind(
        "the classes have each other's counts",
        "the label order of another repository",
        f"{PUBLISHED_LISTS}, as they are",
    ),
    "parts-exchanged": Kind(
        "train and test lists are exchanged", "train and test lists are exchanged", "put each list in its place"
    ),
    "fold-exchanged": Kind("the list of another fold", "the lists' names were changed", "put each list in its place"),
    "class-count": Kind(
        "clips per class differ from the published counts",
        "clips have another class than published: labels of one's own, or another order of some",
        f"{PUBLISHED_LIST}; if clips cannot be had, say so beside every figure",
    ),
    "train-and-test": Kind(
        "a clip is in the train and in the test list of one fold",
        "lists of two releases or folds are mixed; test figures would be too high",
        "take both published lists",
    ),
    "tested-twice": Kind(
        "a clip is tested in two folds",
        "one list stands in two places, or lists of two releases are mixed",
        PUBLISHED_LISTS,
    ),
    "labels-between-folds": Kind(
        "a clip has two classes in two lists",
        "lists of two label orders or releases are mixed",
        "take all lists of one release",
    ),
    "labels-upstream": Kind(
        "a clip has another class in an upstream's list", "labels of one's own, or clips of two labels", PUBLISHED_LISTS
    ),
    "clips-upstream": Kind(
        "a list has other clips than an upstream's", "a list that is cut, filtered or of another fold", PUBLISHED_LIST
    ),
    "frames-missing": Kind(
        "the folder of frames is not there", "the archive is not unpacked", "unpack all clips there"
    ),
    "clip-missing": Kind(
        "a listed clip has no folder", "the archive is not wholly unpacked", "unpack the archive again"
    ),
    "clip-empty": Kind(
        "a clip has no picture", "unpacking stopped, or no frame was extracted", f"{UNPACK} ({PUBLISHED_FRAMES})"
    ),
    "clip-unlisted": Kind(
        "a folder that is in no list",
        "clips that the lists leave out, or lists that are not whole",
        f"{NONE}: it is not read",
    ),
    "sixteen-frame-folder": Kind(
        "sixteen frames a clip where whole clips are expected",
        "the folder of sixteen sampled frames a clip in place of the whole clips (it cost MAE-DFER's users 24 points "
        "of WAR and more)",
        "unpack the whole clips there",
    ),
    "full-clip-folder": Kind(
        "whole clips where sixteen frames a clip are expected",
        "the whole clips in place of the folder of sixteen sampled frames",
        "unpack the sixteen-frame folder there, or name the data set of whole clips",
    ),
    "other-folder": Kind(
        "the folders of sixteen frames and of whole clips do not go together",
        "one of the archives is not wholly unpacked, or the folders are exchanged",
        "unpack both again if you use both",
    ),
    "off-by-one": Kind(
        "every clip is one frame shorter or longer than listed",
        "extraction is off by one (a first frame skipped, a last one lost or doubled)",
        PUBLISHED_FRAMES,
    ),
    "frames-fewer": Kind(
        "a clip has fewer frames than a list says", "pictures were lost in unpacking", f"{UNPACK} ({PUBLISHED_FRAMES})"
    ),
    "frames-more": Kind(
        "a clip has more frames than a list says", "copies among the pictures, or another extraction", PUBLISHED_FRAMES
    ),
    "frames-per-clip": Kind("frames per clip are not the published ones", EXTRACTION, PUBLISHED_FRAMES),
    "numbering-start": Kind(
        "frame numbers do not start at 1",
        "extracted by another tool, or first frames lost: numbers are off against labels and AU files",
        f"{PUBLISHED_FRAMES}, or number yours from 1",
    ),
    "numbering-gaps": Kind(
        "frame numbers are missing in between",
        "pictures were lost, or frames without a face dropped",
        f"{UNPACK}; AU files must come from the same pictures",
    ),
    "numbering-twice": Kind(
        "two pictures of a clip have one number",
        "two extractions in one folder",
        "empty these folders and unpack again",
    ),
    "numbering-none": Kind(
        "a picture's name has no number", "a stray picture", "remove it: it would be read as a frame"
    ),
    "padding-mixed": Kind(
        "numbers with and without leading zeros in one clip",
        "two tools wrote the frames",
        f"{NONE} here: frames sort by number (sorted as text they would be in another order)",
    ),
    "picture-size": Kind(
        "pictures have other sides than published", "faces cut out or resized by another tool", PUBLISHED_FRAMES
    ),
    "picture-sizes": Kind(
        "pictures of several sizes", "faces cut out without a fixed size", f"{NONE}: each is resized on its own"
    ),
    "picture-suffix": Kind("pictures of another kind than published", EXTRACTION, PUBLISHED_FRAMES),
    "picture-misnamed": Kind(
        "a PNG named as JPEG or the reverse", "renamed files", f"{NONE} here; other tools may refuse them"
    ),
    "picture-unreadable": Kind(
        "a picture is empty, cut off or no picture", "the download or the unpacking was cut off", UNPACK
    ),
    "au-none": Kind(
        "no AU file at all",
        "OpenFace has not been run",
        f"{NONE} for baselines; for the AU arms run FeatureExtraction on every clip",
    ),
    "au-missing": Kind(
        "a clip has no AU file",
        "OpenFace was stopped; such a clip trains the expression loss only",
        "run FeatureExtraction on these clips",
    ),
    "au-extra": Kind("an AU file of no listed clip", "clips that the lists leave out", f"{NONE}: it is not read"),
    "au-unreadable": Kind(
        "an AU file is empty, cut off or not in OpenFace's form",
        "OpenFace or the copy was stopped",
        "run FeatureExtraction again on these clips",
    ),
    "au-short": Kind(
        "an AU file ends before the clip does",
        "OpenFace was stopped, rows of lost faces were dropped, or it saw another folder of frames",
        "run FeatureExtraction again on these clips' frames",
    ),
    "au-long": Kind(
        "an AU file goes on after the clip has ended",
        "OpenFace saw other frames than these (the video, or another folder)",
        "run FeatureExtraction on the frames that are trained on",
    ),
    "au-start": Kind(
        "the frames of an AU file do not start at 1",
        "rows were dropped, or numbered anew",
        "keep OpenFace's rows as they are, lost faces included",
    ),
}
