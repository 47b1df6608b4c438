"""Trains a small network in seconds, without any file, and says what to do with the result."""

import argparse
from pathlib import Path

from jslayer import hdf5
from jslayer.cli import train
from jslayer.cli.name import called
from jslayer.hdf5.describe import describe, table

DATA = "moving_bars"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder (runs/demo)")
    parser.add_argument("--epochs", type=int, default=8, help="epochs of training (8)")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Trains and shows the layers of the network file; returns the exit code."""
    print("A simulated event camera sees a bar move. Which of eight ways does it go?\n", flush=True)
    given = ["--data", DATA, "--out", str(options.out), "--epochs", str(options.epochs)]
    if code := train.main(given):
        return code
    file = options.out / "network.net"
    if file.is_file():
        start = called("demo").removesuffix("demo").strip()
        print(f"\n{table(describe(hdf5.read(file)))}\n")
        print(f"{start} info {file}   prints this table again")
        print(f"{start} train --list   says what else there is to learn")
    return 0
