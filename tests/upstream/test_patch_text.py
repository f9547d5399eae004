"""The grammar of a patch has no room for a line of the upstream."""

import pytest
import unidiff

from harness.upstream.manifest import UpstreamError
from harness.upstream.patch_text import parse_patch

OLD, NEW = "a" * 40, "b" * 40
GOOD = f"""\
Writes the scores, which the upstream throws away.

diff --git a/sub/run.py b/sub/run.py
index {OLD}..{NEW} 100644
--- a/sub/run.py
+++ b/sub/run.py
@@ -3,0 +4 @@
+import harness
@@ -10,0 +12,2 @@
+one
+
diff --git a/net.py b/net.py
index {OLD}..{NEW} 100755
--- a/net.py
+++ b/net.py
@@ -0,0 +1 @@
+two\r
"""


def refused(text: str) -> str:
    with pytest.raises(UpstreamError) as caught:
        parse_patch(text.encode(), "0001-x.patch")
    return str(caught.value)


def test_a_good_patch_is_read_as_unidiff_reads_it():
    text = parse_patch(GOOD.encode(), "x")
    theirs = unidiff.PatchSet(GOOD)
    assert [change.path for change in text.changes] == [file.path for file in theirs]
    assert text.inserted == sum(file.added for file in theirs) == 4
    assert text.reason == "Writes the scores, which the upstream throws away."
    assert text.changes[1].inserted == ("two\r",)
    assert (text.changes[0].old, text.changes[0].new) == (OLD, NEW)


@pytest.mark.parametrize(
    "old, new, line, message",
    [
        ("+one\n", "-one\n", 10, "removes a line"),
        ("+one\n", " one\n", 10, "as context"),
        ("+two\r\n", "+two\r\n-two\n", 18, "removes a line"),
        ("+two\r\n", "+two\r\n three\n", 18, "as context"),
        ("+two\r\n", "+two\r\n+three\n", 18, "more inserted lines than its hunk header says"),
        ("+two\r\n", "+two\r\n\\ No newline at end of file\n", 18, "take out whatever else"),
        ("+two\r\n", "+two\r\n-- \n2.39.5\n", 18, "removes a line"),
        ("@@ -10,0 +12,2 @@\n", "@@ -10,0 +12,2 @@ def upstream():\n", 9, "behind the second @@"),
        ("@@ -10,0 +12,2 @@\n", "@@ -10,0 +12,2 @@ \n", 9, "behind the second @@"),
        ("@@ -10,0 +12,2 @@\n", "@@ -10 +12,2 @@\n", 9, "removes no line"),
        ("@@ -10,0 +12,2 @@\n", "@@ -10,2 +12,2 @@\n", 9, "removes no line"),
        ("@@ -10,0 +12,2 @@\n", "@@ -10,0 +12,3 @@\n", 12, "take out whatever else"),
        ("@@ -10,0 +12,2 @@\n+one\n+\n", "@@ -10,0 +12,0 @@\n", 9, "inserts nothing"),
        (f"index {OLD}..{NEW} 100644", f"index {OLD[:7]}..{NEW[:7]} 100644", 4, "full blob ids"),
        (f"index {OLD}..{NEW} 100644\n", "", 4, "full blob ids"),
        (f"index {OLD}..{NEW} 100644", "new file mode 100644", 4, "something else than insert"),
        (f"index {OLD}..{NEW} 100644", "deleted file mode 100644", 4, "something else than insert"),
        (f"index {OLD}..{NEW} 100644", "old mode 100644", 4, "something else than insert"),
        (f"index {OLD}..{NEW} 100644", "similarity index 90%", 4, "something else than insert"),
        (f"index {OLD}..{NEW} 100755", f"index {OLD}..{OLD} 100755", 17, "it inserts nothing"),
        ("--- a/net.py", "--- a/main.py", 14, "`--- a/net.py` is due here"),
        ("diff --git a/net.py b/net.py", "diff --git a/net.py b/main.py", 12, "one plain path"),
        ("Writes the scores, which the upstream throws away.\n", "Fix.\n", 2, "does not give the reason"),
        ("Writes the scores, which the upstream throws away.\n", "", 1, "does not give the reason"),
        ("away.\n", "away.\n--- a/net.py\n+++ b/net.py\n@@ -1 +1 @@\n", 2, "looks like a line of a diff"),
    ],
)  # fmt: skip
def test_anything_but_insertion_is_refused_at_its_line(old, new, line, message):
    assert old in GOOD
    said = refused(GOOD.replace(old, new))
    assert said.startswith(f"0001-x.patch:{line}: ")
    assert message in said


def test_a_patch_without_a_hunk_is_refused():
    assert "inserts nothing" in refused("A reason of several words.\n")


def test_a_file_without_a_hunk_is_refused():
    assert "removes no line" in refused(GOOD[: GOOD.index("@@")])


def test_a_last_line_without_newline_is_refused():
    assert "ends without a newline" in refused(GOOD.rstrip("\n"))
