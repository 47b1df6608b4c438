"""Where `jslayer.cli` was before; the training command is `python -m jslayer train` now."""
