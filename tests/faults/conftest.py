"""The scripts of this folder, which its tests use too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
