"""The command line: training and measuring; ``info``, ``run`` and ``diff`` on network files."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import jslayer
from jslayer import hdf5
from jslayer.cli import bench, demo, detect, train
from jslayer.cli.folder import hush, noted
from jslayer.cli.name import called
from jslayer.cli.run import run
from jslayer.hdf5.describe import describe, table
from jslayer.hdf5.diff import diff

SAME, DIFFERENT, WRONG, UNHEARD = 0, 1, 2, 141
"""Exit codes: all well; files differ; the command failed; nobody read to the end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
      arguments: What stands behind ``python -m jslayer``; ``None`` takes it from the process.

    Returns:
      The exit code: 0, 1 where `diff` finds a difference, 2 after an error, which goes to stderr.
    """
    options = _parser().parse_args(arguments)
    # these tell of their own errors, and show warnings as they come
    if options.command in (demo.run, train.run, detect.run):
        return options.command(options)
    try:
        with noted():
            code = options.command(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        hush()
        return UNHEARD
    except (OSError, ValueError, TypeError, MemoryError, ImportError) as error:
        print(f"jslayer: {_reason(error)}", file=sys.stderr)
        return WRONG


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=called(),
        description="Train networks; look into network files (hdf5), run and compare them.",
    )
    parser.add_argument("--version", action="version", version=f"jslayer {jslayer.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    shower = commands.add_parser(
        "demo", help="train a small network in seconds", description=demo.__doc__.splitlines()[0]
    )
    demo.add_options(shower)

    trainer = commands.add_parser(
        "train", help="train a network", description=train.__doc__.splitlines()[0]
    )
    train.add_options(trainer)
    trainer.set_defaults(command=train.run)

    detector = commands.add_parser(
        "detect",
        help="train, judge and show object detectors",
        description=detect.__doc__.splitlines()[0],
    )
    detect.add_options(detector)

    measurer = commands.add_parser(
        "bench",
        help="measure this machine in seconds",
        description=bench.__doc__.splitlines()[0],
    )
    bench.add_options(measurer)

    info = commands.add_parser("info", help="print the layers of a network file")
    info.add_argument("file", type=Path, metavar="FILE", help="network file")
    info.add_argument("--json", action="store_true", help="print JSON instead of a table")
    _add_max_bytes(info)
    info.set_defaults(command=_info)

    runner = commands.add_parser(
        "run",
        help="run a network file as hardware would",
        description="Runs a network file in the integers of the hardware.",
    )
    runner.add_argument("file", type=Path, metavar="FILE", help="network file")
    runner.add_argument(
        "--input", type=Path, required=True, metavar="X.npy", help="data, in the layout chosen"
    )
    runner.add_argument(
        "--output", type=Path, required=True, metavar="Y.npy", help="what the last layer sends"
    )
    runner.add_argument(
        "--layers", type=Path, metavar="DIR", help="folder for all that all layers give"
    )
    runner.add_argument(
        "--steps", type=int, metavar="N", help="steps to run; needed for data without time"
    )
    runner.add_argument(
        "--layout",
        choices=("slayer", "client"),
        default="slayer",
        help="slayer: [N, C, T] or [N, C, H, W, T]; client: [C, T] or [W, H, C, T]",
    )
    runner.add_argument(
        "--encode", action="store_true", help="data are those of training: apply the input layer"
    )
    runner.add_argument(
        "--graded", action="store_true", help="inputs of the first synapse are numbers, not events"
    )
    runner.add_argument(
        "--conv-delay",
        choices=("ignore", "apply"),
        default="ignore",
        help="what to do with delays of images",
    )
    runner.add_argument("--reset-interval", type=int, metavar="I", help="wipe states every I steps")
    runner.add_argument("--reset-offset", type=int, default=0, metavar="O", help="wipe them later")
    _add_max_bytes(runner)
    runner.set_defaults(command=run)

    compare = commands.add_parser("diff", help="compare two network files; 1 where they differ")
    compare.add_argument("a", type=Path, metavar="A", help="network file")
    compare.add_argument("b", type=Path, metavar="B", help="network file")
    _add_max_bytes(compare)
    compare.set_defaults(command=_diff)
    return parser


def _add_max_bytes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-bytes",
        type=int,
        metavar="N",
        help="bytes that a network file may become; by default 16 times its size, within limits",
    )


def _info(options: argparse.Namespace) -> int:
    description = describe(hdf5.read(options.file, max_bytes=options.max_bytes))
    print(json.dumps(description, indent=2) if options.json else table(description))
    return SAME


def _diff(options: argparse.Namespace) -> int:
    lines = diff(options.a, options.b, max_bytes=options.max_bytes)
    print("\n".join(lines) if lines else "no difference")
    return DIFFERENT if lines else SAME
