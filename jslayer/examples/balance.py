"""The balanced pole, which is `jslayer.cli.balance` now."""

import sys

from jslayer.cli.balance import *  # noqa: F403
from jslayer.cli.balance import main

if __name__ == "__main__":
    sys.exit(main())
