"""Flax's module as type checkers should see it: what `apply` and `init` return."""

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
    Module = nn.Module
