"""Decodes a recording of a camera, as a program of its own: damaged ones end the decoder's process.

    python -P decoder.py RECORDING KIND MOST_BYTES

writes events of 13 bytes to standard output, as `faery` has them. Ends with `REFUSED` and a reason
on standard error where the recording cannot be decoded. Imports nothing of the package, which takes
long.
"""

import contextlib
import sys

REFUSED, TOO_LARGE = 3, 4


def main() -> int:
    """Decodes the recording that the arguments name."""
    import faery

    path, kind, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
    _limit(most)
    written = 0
    try:
        for packet in faery.events_stream_from_file(path, file_type=kind):
            written += packet.nbytes
            if written > most:
                return TOO_LARGE
            sys.stdout.buffer.write(packet.tobytes())
        sys.stdout.buffer.flush()
    # the decoder panics, with an exception of its own beside `Exception`, on what it cannot take
    except BaseException as error:
        print(str(error)[:1000] or type(error).__name__, file=sys.stderr)
        return REFUSED
    return 0


def _limit(most: int) -> None:
    """Bounds memory where the system can, and leaves no core behind."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with open("/proc/self/statm", "rb") as status:
            mapped = int(status.read().split()[0]) * resource.getpagesize()
        most += mapped + 2**28
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    sys.exit(main())
