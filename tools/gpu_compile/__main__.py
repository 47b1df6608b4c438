"""Compiles for GPUs that are not there, and fails on what is wrong with the machine code.

Every dynamics, pass and backend, and whole training steps for one GPU and for several, for each
architecture: no register is spilt, nothing is gathered from other devices, no time loop is left
outside of a kernel, no whole activation is turned but at the ends. What comes out is written to
``benchmarks/results/gpu_compiled.md``; its times are lower bounds that follow from the code and
from data sheets. Nothing is measured.

``make gpu-compile`` installs what it needs: JAX with its CUDA plugin, no GPU.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
GROUP = 6
"""Dynamics that one process compiles: after a kernel that fails the next may fail too."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code, 1 if something is wrong."""
    chosen = parser().parse_args(argv)
    if chosen.job:
        return job(chosen)
    import jax

    from benchmarks.timing import table

    text, faults = [], []
    out = Path(chosen.out)
    for target in chosen.targets.split(","):
        for title, jobs in (("kernels", kernel_jobs(chosen)), ("networks", network_jobs(chosen))):
            rows = [row for options in jobs for row in run(target, title, options)]
            faults += [f"{target} {row}" for row in rows if row["fault"]]
            if rows:
                columns = {name: "" for row in rows for name in row}
                text.append(table(f"{target}, {title}", [{**columns, **row} for row in rows]))
            head = [TITLE, f"jax: {jax.__version__}, date: {datetime.date.today().isoformat()}"]
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text("\n\n".join([*head, *NOTES, *text]) + "\n", encoding="utf-8")
    print("\n".join(faults) or "nothing is wrong")
    print(f"Written: {out}")
    return 1 if faults else 0


TITLE = """## What is compiled for GPUs that are not there

**Predicted, not measured**: by `make gpu-compile`, without a GPU."""

NOTES = (
    "Kernels: 300 steps of 65,536 neurons. `MB`: bytes that must move. The times are lower bounds: "
    "`bytes` at 90 % of the data sheet's bandwidth, `issue` for the operations of a step on all "
    "lanes, `chain` for 55 cycles from step to step of a neuron. `occupancy`: share of the warps "
    "that registers let run. With feedback: 200 steps of 32 samples of 128 neurons, whose chain is "
    "also what a processor reads of the matrix in a step.",
    "Networks: one training step with Adam, the batch split over the GPUs. `launches` outside of "
    "loops and in one step of each loop; `transposes` and copies of whole activations that no "
    "product takes in; `gathers`: all-gather, all-to-all and collective-permute. Lower bounds of "
    "the time: of each launch outside of loops its bytes, as above, or 1.5 us; of products their "
    "operations in float32. sm_80 with `XLA_FLAGS=--xla_gpu_force_conv_nhwc=true`: without it XLA "
    "turns 9 and 21 activations of convolution and PilotNet there.",
)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m tools.gpu_compile", description=__doc__)
    found.add_argument("--targets", default="sm_80,sm_90,sm_100", help="architectures")
    found.add_argument("--dynamics", default=None, help="names, with commas; none for no kernels")
    found.add_argument("--backends", default="mosaic,triton")
    found.add_argument("--networks", default="dense,convolution,recurrent,pilotnet")
    found.add_argument("--gpus", default="1,8", help="numbers of GPUs of a training step")
    found.add_argument("--out", default=str(ROOT / "benchmarks" / "results" / "gpu_compiled.md"))
    found.add_argument("--keep", default="", help="folder for the text of compiled steps")
    found.add_argument("--job", default="", help=argparse.SUPPRESS)
    return found


def kernel_jobs(chosen: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Groups of dynamics, by backend."""
    from tests.ops.engines.cases import DYNAMICS

    names = [case.name for case in DYNAMICS]
    if chosen.dynamics is not None:
        names = [name for name in chosen.dynamics.split(",") if name not in ("", "none")]
    for backend in chosen.backends.split(","):
        for start in range(0, len(names), GROUP):
            yield {"names": names[start : start + GROUP], "backends": [backend]}


def network_jobs(chosen: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One step for one number of GPUs."""
    for name in filter(None, chosen.networks.split(",")):
        for count in map(int, chosen.gpus.split(",")):
            yield {"names": [name], "count": count, "keep": chosen.keep}


def run(target: str, kind: str, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of a process of its own."""
    import nvidia

    ptxas = next(Path(folder) / "cu13" / "bin" / "ptxas" for folder in nvidia.__path__)
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "JAX_PLATFORMS": "cpu",
            "JAX_SKIP_CUDA_CONSTRAINTS_CHECK": "1",
            "MOSAIC_GPU_DUMP_TO": folder,
            "MOSAIC_GPU_DUMP_PTX": "1",
            "PYTHONWARNINGS": "ignore",
        }
        given = {"target": target, "kind": kind, "folder": folder, "ptxas": str(ptxas)}
        command = [sys.executable, "-m", "tools.gpu_compile", "--job"]
        done = subprocess.Popen(
            [*command, json.dumps({**given, **options})],
            cwd=ROOT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output, errors = done.communicate()
    marked = [line for line in output.splitlines() if line.startswith(MARK)]
    for line in marked:
        row = json.loads(line.removeprefix(MARK))
        print(target, row, flush=True)
        yield row
    if done.returncode:
        lines = errors.strip().splitlines() or ["it died"]
        yield {"kernel" if kind == "kernels" else "step": str(options["names"]), "fault": lines[-1]}


MARK = "row: "


def job(chosen: argparse.Namespace) -> int:
    """What a process of `run` does."""
    given = json.loads(chosen.job)
    import jax

    jax.config.update("jax_num_cpu_devices", given.get("count", 1))  # as many as there will be
    from tools.gpu_compile import kernels, networks, targets

    target = targets.TARGETS[given["target"]]
    where = Path(given["folder"]), Path(given["ptxas"])
    if given["kind"] == "kernels":
        rows = kernels.rows(target, given["names"], given["backends"], *where)
    else:
        rows = networks.rows(target, given["names"], given["count"], *where, given["keep"])
    for row in rows:
        print(MARK + json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
