"""Making a patch for a pin: from the edits in a clone's work tree, insertions only, in the form that `patch` accepts.

    python -m harness.upstream.make_patch third_party/NAME patches/NAME/NNNN-what.patch "Why, in a sentence."

writes the patch, stages the edits in the clone (so that the next patch of the series starts from them) and prints the
lines for `manifests/upstreams/NAME.toml`.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

from harness.errors import HarnessError
from harness.files import replacing
from harness.upstream.gitrun import run_git, run_git_bytes
from harness.upstream.manifest import UpstreamError
from harness.upstream.patch_text import parse_patch
from harness.upstream.tree import write_tree

# `diff-files` does not read the user's taste in diffs, only the environment's diff program.
_FORM = ("-U0", "--full-index", "--minimal", "--no-ext-diff", "--no-textconv")


def make_patch(clone: Path, reason: str, where: str = "the new patch") -> bytes:
    """The patch from the clone's index to its work tree, with `reason` at its head and nothing behind the second @@.

    UpstreamError (from the same grammar that guards the repository) if an edit removes or changes a line.
    """
    run_git(clone, "update-index", "-q", "--refresh")
    diff = run_git_bytes(clone, "diff-files", "-p", *_FORM)
    if not diff:
        raise UpstreamError(f"{clone}: has no edits that are not staged; edit a file of it first")
    bare = re.sub(rb"^(@@ [^@]* @@).*$", rb"\1", diff, flags=re.MULTILINE)
    data = reason.strip().encode() + b"\n\n" + bare
    parse_patch(data, where)
    return data


def pin_lines(path: Path, clone: Path) -> str:
    """What the manifest must say of the patch at `path`, once its edits are staged in the clone."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return f'patched_tree = "{write_tree(clone)}"\n\n[[patches]]\nfile = "{path.name}"\nsha256 = "{sha256}"'


def main(arguments: list[str]) -> None:
    """Write one patch, stage its edits, print the lines for the manifest."""
    if len(arguments) != 3:
        raise UpstreamError("make_patch: give the clone, the patch file to write and the reason, in this order")
    clone, path = Path(arguments[0]), Path(arguments[1])
    data = make_patch(clone, arguments[2], str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    run_git(clone, "add", "--update")
    print(pin_lines(path, clone))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except HarnessError as error:
        sys.exit(f"make_patch: {error}")
