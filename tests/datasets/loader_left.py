"""A program that ends while loaders are in the middle of an epoch: for ``test_loader.py``."""

import sys
import threading

from jslayer.datasets import Loader


def follow(iterator):
    # in one write: lines of several threads must not mix
    sys.stdout.write(f"{sum(len(x) for x, _ in iterator)}\n")
    sys.stdout.flush()


samples = [(float(i), i) for i in range(60)]
left = iter(Loader(samples, 2, workers=2))
next(left)
threads = [
    threading.Thread(target=follow, args=(iter(Loader(samples, 1, workers=2)),)) for _ in range(4)
]
for thread in threads:
    thread.start()
