"""Writers that are killed at every call of the system: for ``test_replace.py`` beside it.

Run as a script with the name of a folder and no package, so that it starts at once and may fork.
"""

import importlib.util
import os
import signal
import sys
from pathlib import Path

HERE = Path(__file__).resolve()
CALLS = ("open", "chmod", "write", "fsync", "replace", "close")
OLD, NEW = b"old" * 10**5, b"new" * 10**5


def load_replace():
    """The module ``jslayer.io.replace`` without JAX."""
    for name in ("jslayer.io.locks", "jslayer.io.replace"):
        path = HERE.parents[2].joinpath(*name.split(".")).with_suffix(".py")
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules["jslayer.io.replace"]


def write(module, path, content):
    with module.replacing(path) as file:
        for start in range(0, len(content), 10**5):
            file.write(content[start : start + 10**5])


def die_after(number):
    """Makes the process kill itself before its call of this number."""
    left = [number]

    def counted(call):
        def function(*arguments, **options):
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return call(*arguments, **options)

        return function

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))


def main(folder):
    module, path = load_replace(), Path(folder) / "file"
    write(module, path, OLD)
    seen, left, number = [], 0, 0
    while True:
        child = os.fork()
        if not child:
            die_after(number)
            write(module, path, NEW)
            os._exit(0)
        killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        content = path.read_bytes()
        assert content in (OLD, NEW), f"half a file after {number} calls"
        seen.append(content == NEW)
        left += len(os.listdir(folder)) > 1
        write(module, path, OLD)
        assert os.listdir(folder) == ["file"], os.listdir(folder)
        if not killed:
            break
        number += 1
    print(number, sum(seen), left)


if __name__ == "__main__":
    main(*sys.argv[1:])
