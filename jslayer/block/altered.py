"""Modules of one's own whose blocks are changed at the moment of their call."""

import contextlib
import contextvars
import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import flax.linen as nn

Change = Callable[[nn.Module], nn.Module]
"""Gives another module for one that is met, or the same where there is nothing to change."""

Module = TypeVar("Module", bound=nn.Module)

_changes: contextvars.ContextVar[tuple[Change, ...]] = contextvars.ContextVar("changes", default=())
_made: dict[type[nn.Module], tuple[type[nn.Module], tuple[Change, ...]]] = {}


def altered(module: Module, change: Change) -> Module:
    """A module of the same class name, fields and variables, whose call changes what it calls.

    Args:
      module: Any module that is not bound.
      change: What is done with every module called inside. It must take what it gave as it is,
        and is compared by identity.

    Returns:
      An instance of a class derived from the module's own; changes of earlier calls stay.
    """
    base, changes = _made.get(type(module), (type(module), ()))
    if change in changes:
        return module
    names = [f.name for f in dataclasses.fields(module) if f.init and f.name != "parent"]
    kind = _kind(base, (*changes, change))
    return kind(**{name: getattr(module, name) for name in names}, parent=None)


def as_called(module: nn.Module) -> nn.Module:
    """The module that is run in this one's place, bound to the same variables; mostly itself."""
    found = module
    for change in _changes.get():
        found = change(found)
    if found is module:
        return module
    return found.clone(parent=module.scope, name=None)


@functools.cache
def _kind(base: type[nn.Module], changes: tuple[Change, ...]) -> type[Any]:
    """The class derived from ``base`` that makes the changes while it is called."""

    def __call__(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        with _changing(changes):
            return base.__call__(self, *args, **kwargs)

    # signature and text of the base, without the marks by which Flax knows its own wrappers
    functools.update_wrapper(__call__, base.__call__, updated=())
    names = {"__call__": __call__, "__module__": base.__module__, "__doc__": base.__doc__}
    kind = type(base.__name__, (base,), {**names, "__qualname__": base.__qualname__})
    _made[kind] = base, changes
    return kind


@contextlib.contextmanager
def _changing(changes: tuple[Change, ...]) -> Iterator[None]:
    outside = _changes.get()
    mark = _changes.set((*outside, *(change for change in changes if change not in outside)))
    try:
        if outside:  # the interceptor is there
            yield
        else:
            with nn.intercept_methods(_replaced):
                yield
    finally:
        _changes.reset(mark)


def _replaced(
    call: Callable[..., Any],
    arguments: Any,
    options: Any,
    context: nn.module.InterceptorContext,
) -> Any:
    """Calls what a change has made of a module instead of the module."""
    if context.method_name not in ("__call__", "time_first") or context.module.scope is None:
        return call(*arguments, **options)
    found = as_called(context.module)
    if found is context.module:
        return call(*arguments, **options)
    return getattr(found, context.method_name)(*arguments, **options)
