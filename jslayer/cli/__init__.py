"""The command line ``jslayer``: demo, train, detect, bench, info, run, diff; and its recipes."""
