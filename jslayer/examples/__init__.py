"""Runnable examples; `python -m jslayer.examples.train --help` is the place to start."""
