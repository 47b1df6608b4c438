"""The command line: ``python -m jslayer train | info | run | diff``, and the recipes it trains."""
