"""How many bytes a file may become when it is read."""

from jslayer.hdf5.errors import fault
from jslayer.io.limits import limit_of


class Budget:
    """Counts the bytes of all that is read, before it is read.

    Args:
      file: Name of the file, for the error.
      size: Its bytes.
      max_bytes: Another limit than the usual.
    """

    def __init__(self, file: str, size: int, max_bytes: int | None = None):
        self._file, self._size, self._spent = file, size, 0
        self._limit = limit_of(size, max_bytes)

    def again(self) -> "Budget":
        """Another of the same size, of which nothing is spent."""
        return Budget(self._file, self._size, self._limit)

    def spend(self, count: int, place: str) -> None:
        """Counts what ``place`` is about to take.

        Raises:
          NetworkFileError: it is more than what is left.
        """
        self._spent += count
        if self._spent > self._limit:
            came = f"would expand a file of {self._size} bytes to {self._spent} or more"
            action = "pass a larger `max_bytes` if you trust the file"
            raise fault(self._file, place, came, f"at most {self._limit}", action)
