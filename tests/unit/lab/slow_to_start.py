"""A process of the lab that takes long to start: `python -m tests.unit.lab.slow_to_start MARK`."""

import sys
import time
from pathlib import Path

from opsctl.lab.process import claim

if __name__ == "__main__":
    time.sleep(1)
    kept = claim(Path(sys.argv[1]))
    time.sleep(60)
