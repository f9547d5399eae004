from pathlib import Path

import pytest

from harness.au.files.extractors import LIBREFACE, OPENFACE, PY_FEAT, find_columns
from harness.au.units import ACTION_UNITS
from harness.errors import DataError

HERE = Path("clip.csv")
OPENFACE_HEADER = ", ".join(
    ["frame", "confidence", "success", *OPENFACE.intensity.values(), *OPENFACE.presence.values()]
)


def test_openface_is_known_by_its_columns_and_has_all_units():
    columns = find_columns(HERE, OPENFACE_HEADER)
    assert columns.extractor is OPENFACE
    assert columns.presence_units == ACTION_UNITS
    assert len(columns.intensity_units) == 17
    assert "AU28" not in columns.intensity_units
    assert columns.names[: columns.first_unit] == ("frame", "confidence", "success")
    assert columns.names[columns.first_presence] == "AU01_c"


def test_py_feat_gives_what_it_has_of_the_eighteen():
    columns = find_columns(HERE, "frame,FaceScore,x_0,AU01,AU02,AU11,AU12,AU24,AU43,input")
    assert columns.extractor is PY_FEAT
    assert columns.presence_units == ("AU01", "AU02", "AU12")
    assert columns.intensity_units == ()
    assert columns.place == (0, 1, 3, 4, 6)


def test_libreface_has_other_units_with_presence_than_with_intensity():
    columns = find_columns(HERE, ",frame_idx,frame_time_in_ms,au_1,au_7,au_24,au_1_intensity,au_26_intensity")
    assert columns.extractor is LIBREFACE
    assert columns.presence_units == ("AU01", "AU07")
    assert columns.intensity_units == ("AU01", "AU26")


@pytest.mark.parametrize(
    "header, message",
    [
        ("a,b,c,d,e,f,g,h", "no known AU extractor .*: 'a', 'b', 'c', 'd', 'e', 'f' and 2 more"),
        ("FaceScore,AU01", "1 columns are missing, first 'frame'"),
        ("frame,FaceScore,AU01,AU01", "column 'AU01' appears more than once"),
        ("frame;success;AU01_c", "semicolons or tabs"),
        ("00001.jpg", "no known AU extractor"),
    ],
)
def test_other_columns_are_refused_with_what_was_found(header, message):
    with pytest.raises(DataError, match=message):
        find_columns(HERE, header)
