"""The training command, which is `jslayer.cli.train` now."""

import sys

from jslayer.cli.train import *  # noqa: F403
from jslayer.cli.train import main

if __name__ == "__main__":
    sys.exit(main())
