"""The errors a user can cause. Each is one line: what, where, what to do."""


class HarnessError(Exception):
    """The input or the machine is at fault; the command ends with exit code 2 and this one line."""

    exit_code = 2


class ManifestError(HarnessError):
    """A manifest or an option of a command is wrong."""


class DataError(HarnessError):
    """A data set, a frame, a label list or an AU file is missing or wrong."""


class RunError(HarnessError):
    """A run cannot go on, or its record is incomplete or altered."""


class CheckFailed(HarnessError):  # noqa: N818  (it is an answer, not an error)
    """The harness worked and the answer is no; the command ends with exit code 1."""

    exit_code = 1
