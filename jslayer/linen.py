"""Flax's module with what all modules here share: declared types, and words for a wrong call."""

import functools
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

import flax.linen as nn

if TYPE_CHECKING:
    from flax.core.scope import DenyList

    class Module(nn.Module):
        """`flax.linen.Module`, which declares unions of all that these may return.

        Whether `apply` returns variables follows from ``mutable``; variables are dictionaries.
        """

        def init(self, rngs: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
            """See `flax.linen.Module.init`."""
            ...

        def init_with_output(
            self, rngs: Any, *args: Any, **kwargs: Any
        ) -> tuple[Any, dict[str, Any]]:
            """See `flax.linen.Module.init_with_output`."""
            ...

        @overload
        def apply(
            self,
            variables: Mapping[str, Any],
            *args: Any,
            rngs: Any = None,
            method: Callable[..., Any] | str | None = None,
            mutable: Literal[False] = False,
            capture_intermediates: bool | Callable[[nn.Module, str], bool] = False,
            **kwargs: Any,
        ) -> Any: ...

        @overload
        def apply(
            self,
            variables: Mapping[str, Any],
            *args: Any,
            rngs: Any = None,
            method: Callable[..., Any] | str | None = None,
            mutable: Literal[True] | str | Collection[str] | DenyList,
            capture_intermediates: bool | Callable[[nn.Module, str], bool] = False,
            **kwargs: Any,
        ) -> tuple[Any, dict[str, Any]]: ...

        def apply(self, variables: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
            """See `flax.linen.Module.apply`."""
            ...

else:

    class Module(nn.Module):
        """`flax.linen.Module`; a call without variables says what to call instead.

        A method that a class marks with `flax.linen.nowrap`, since it is called on modules that
        hold no variables, is so in derived classes too. Flax's own tools, such as `tabulate`,
        follow every other method and expect variables there.
        """

        def __init_subclass__(cls, **options: Any) -> None:
            for name, member in vars(cls).items():
                inherited = getattr(super(cls, cls), name, None)
                if callable(member) and hasattr(inherited, "nowrap"):
                    nn.nowrap(member)
            super().__init_subclass__(**options)
            if "__call__" in vars(cls):
                cls.__call__ = _bound_only(cls.__call__)


def _bound_only(call: Callable[..., Any]) -> Callable[..., Any]:
    """``call`` of a module, refused with one sentence where the module has no variables."""

    @functools.wraps(call)
    def called(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if module.scope is None:
            name = type(module).__name__
            raise RuntimeError(
                f"`{name}` was called without variables, expected `network.apply(variables, x)` "
                "with the variables that `network.init(key, x)` returns; a module holds none of "
                "its own."
            )
        return call(module, *args, **kwargs)

    return called
