"""The command line: ``python -m jslayer info | run | diff``."""
