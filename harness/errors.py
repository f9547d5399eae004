"""The errors a user can cause. Each is one line: what, where, what to do."""


class HarnessError(Exception):
    """The input or the machine is at fault; the command ends with exit code 2 and this one line."""

    exit_code = 2

    def __str__(self) -> str:
        """One line that can be printed, whatever file names and the messages of libraries have put into it."""
        return "".join(letter if letter.isprintable() else " " for letter in super().__str__()).strip()


class ManifestError(HarnessError):
    """A manifest or an option of a command is wrong."""


class DataError(HarnessError):
    """A data set, a frame, a label list or an AU file is missing or wrong."""


class RunError(HarnessError):
    """A run cannot go on, or its record is incomplete or altered."""


class RunClaimed(RunError):  # noqa: N818  (a state, not a fault)
    """Another process is at this run."""


class RunStopped(RunError):  # noqa: N818  (a state, not a fault)
    """A run was asked to stop, is unfinished and has saved what it has; exit code 75 (EX_TEMPFAIL: try again)."""

    exit_code = 75


class CheckFailed(HarnessError):  # noqa: N818  (it is an answer, not an error)
    """The harness worked and the answer is no; the command ends with exit code 1."""

    exit_code = 1
