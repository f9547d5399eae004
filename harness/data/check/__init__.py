"""`audfer data check`: is this the published data set?"""

from harness.data.check.whole import check
from harness.data.check.report import CheckReport, Finding

__all__ = ["CheckReport", "Finding", "check"]
