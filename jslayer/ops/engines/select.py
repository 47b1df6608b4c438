"""Picks the engine: the place where a kernel for another machine plugs in."""

from types import ModuleType

from jslayer.ops.engines import scan

_ENGINES: dict[str, ModuleType] = {"scan": scan}


def implementations() -> tuple[str, ...]:
    """Names of the engines that can run here, fastest first."""
    return tuple(_ENGINES)


def engine(implementation: str | None) -> ModuleType:
    """Returns the engine to use.

    Args:
      implementation: ``None`` for the fastest that works, or a name.

    Returns:
      A module with ``forward``, ``forward_with_residuals`` and ``backward``.

    Raises:
      ValueError: no engine of that name runs here.
    """
    if implementation is None:
        return next(iter(_ENGINES.values()))
    if implementation not in _ENGINES:
        listed = ", ".join(repr(name) for name in _ENGINES)
        raise ValueError(
            f"`implementation` is {implementation!r}, expected None or one that runs here "
            f"({listed}); None takes the fastest of them."
        )
    return _ENGINES[implementation]
