"""``python -m jslayer``: train, measure; look into network files, run and compare them."""

import sys

from jslayer.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
