"""Trains on several processes of this machine, kills some of them, and compares with one process.

``python tools/many_processes.py --kills 10`` trains ``--data`` once in one process and once in
``--processes``; then again, and at random moments one process is killed (SIGKILL), the others must
end in time and say why, and all start again with ``--resume``. At the end statistics and network
file must be those of the run that nobody disturbed. The exit code is 1 where something is not so.
"""

import argparse
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEARTBEAT_S = 10
ENDED_S = HEARTBEAT_S + 20
"""Seconds after a kill within which the others must be gone, on a machine that is busy."""
SENTENCE = "another process died or could not be reached any more"

Watch = Callable[[list[subprocess.Popen[bytes]], Path], None]


def run(options: argparse.Namespace, out: Path, *more: str, count: int, watch: Watch | None = None):
    """Runs the training command in so many processes; returns their exit codes and texts."""
    command = [sys.executable, "-m", "jslayer", "train", "--data", options.data, "--out", str(out)]
    if options.epochs is not None:
        command += ["--epochs", str(options.epochs)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running, logs = [], []
    for number in range(count):
        own = []
        if count > 1:
            own = ["--coordinator", f"127.0.0.1:{port}", "--processes", str(count)]
            own += ["--process", str(number), "--heartbeat", str(HEARTBEAT_S)]
        logs.append(out.with_name(f"{out.name}.{number}.txt"))
        with open(logs[-1], "wb") as log:
            given = {"cwd": ROOT, "stdout": log, "stderr": subprocess.STDOUT}
            running.append(subprocess.Popen([*command, *own, *more], **given))
    try:
        if watch is not None:
            watch(running, logs[0])
        codes = [process.wait(options.longest_s) for process in running]
    finally:
        for process in running:
            process.kill()
    return codes, [said(log, code) for log, code in zip(logs, codes, strict=True)]


def said(log: Path, code: int) -> str:
    """What a process said; of one that was aborted a helper says why, a moment later."""
    stop = time.monotonic() + 20
    while code == -signal.SIGABRT and SENTENCE not in log.read_text(errors="replace"):
        if time.monotonic() > stop:
            break
        time.sleep(0.1)
    return log.read_text(errors="replace")


def killed(delay_s: float, number: int, found: dict[str, float]) -> Watch:
    """Kills a process some time after all have met; notes how long the others go on."""

    def watch(running, log):
        while b" processes, " not in log.read_bytes():
            time.sleep(0.1)
        time.sleep(delay_s)
        running[number].kill()
        start = time.monotonic()
        for process in running:
            process.wait(ENDED_S)
        found["ended after, s"] = time.monotonic() - start

    return watch


def judged(out: Path) -> dict[str, list[float | None]]:
    """What a run learned, epoch by epoch."""
    saved = json.loads((out / "stats.json").read_text())
    return {f"{part} {log}": saved[part][log] for part in ("training", "testing") for log in LOGS}


LOGS = ("loss_log", "accuracy_log")


def main() -> int:
    """Runs the comparison; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="moving_bars", help="what to train (moving_bars)")
    parser.add_argument("--epochs", type=int, help="epochs of it")
    parser.add_argument("--processes", type=int, default=2, help="how many (2)")
    parser.add_argument("--kills", type=int, default=10, help="how many times one dies (10)")
    parser.add_argument("--within-s", type=float, default=20.0, help="latest moment of a kill (20)")
    parser.add_argument("--seed", type=int, default=0, help="fixes moments and processes (0)")
    parser.add_argument("--longest-s", type=float, default=900.0, help="of one training (900)")
    options = parser.parse_args()
    chance, count, bad = random.Random(options.seed), options.processes, []
    with tempfile.TemporaryDirectory() as folder:
        one, many, often = (Path(folder) / name for name in ("one", "many", "often"))
        codes, texts = run(options, one, count=1)
        codes += run(options, many, count=count)[0]
        if any(codes):
            sys.exit(f"a training failed: {codes}\n{texts[0]}")
        alone, together = judged(one), judged(many)
        for name, values in together.items():
            print(f"{name}: {count} processes {values[-1]}, one {alone[name][-1]}")
        if together["testing accuracy_log"][-1] != alone["testing accuracy_log"][-1]:
            bad.append("another accuracy than that of one process")
        for kill in range(options.kills):
            delay_s, number = chance.uniform(0, options.within_s), chance.randrange(count)
            found: dict[str, float] = {}
            more = ["--resume"] * (often / "checkpoint.msgpack").exists()
            try:
                watch = killed(delay_s, number, found)
                codes, texts = run(options, often, *more, count=count, watch=watch)
            except subprocess.TimeoutExpired:
                bad.append(f"kill {kill}: the others hang")
                continue
            print(f"kill {kill}: process {number} after {delay_s:.1f} s, codes {codes}, {found}")
            if codes[number] == 0:  # it had ended before
                continue
            others = [n for n in range(count) if n != number]
            if any(codes[n] not in (3, -signal.SIGABRT) for n in others):
                bad.append(f"kill {kill}: exit codes {codes}")
            if any(SENTENCE not in texts[n] for n in others):
                bad.append(f"kill {kill}: no sentence")
        more = ["--resume"] * (often / "checkpoint.msgpack").exists()
        if any(run(options, often, *more, count=count)[0]):
            bad.append("the last run failed")
        elif judged(often) != together:
            bad.append("another trajectory than that of the run that nobody disturbed")
        elif (often / "network.net").read_bytes() != (many / "network.net").read_bytes():
            bad.append("another network file")
    print("\n".join(bad) or f"{options.kills} kills, the same trajectory and network file")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
