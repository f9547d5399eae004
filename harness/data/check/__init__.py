"""`audfer data check`: is this the published data set?"""

from harness.data.check.report import CheckReport, Finding
from harness.data.check.whole import check

__all__ = ["CheckReport", "Finding", "check"]
