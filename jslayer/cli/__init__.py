"""The command line ``python -m jslayer``: train, detect, info, run, diff; and its recipes."""
