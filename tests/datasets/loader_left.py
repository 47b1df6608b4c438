"""A program that ends while loaders are in the middle of an epoch: for ``test_loader.py``."""

import threading

from jslayer.datasets import Loader


def follow(iterator):
    print(sum(len(x) for x, _ in iterator), flush=True)


samples = [(float(i), i) for i in range(60)]
left = iter(Loader(samples, 2, workers=2))
next(left)
threads = [
    threading.Thread(target=follow, args=(iter(Loader(samples, 1, workers=2)),)) for _ in range(4)
]
for thread in threads:
    thread.start()
