"""Flax modules whose `init` and `apply` a type checker follows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import flax.linen as nn


class Module(nn.Module):
    """A `flax.linen.Module`: only what type checkers know of it differs.

    Flax says that `apply` may give a pair and `init` a frozen dictionary, whatever the arguments;
    then ``network.apply(variables, x)[0]`` is an error to a type checker.
    """

    if TYPE_CHECKING:

        def init(  # pyright: ignore[reportIncompatibleMethodOverride]
            self, rngs: Any, *args: Any, **options: Any
        ) -> dict[str, Any]:
            """As `flax.linen.Module.init`."""
            ...

        def apply(  # pyright: ignore[reportIncompatibleMethodOverride]
            self, variables: Mapping[str, Any], *args: Any, **options: Any
        ) -> Any:
            """As `flax.linen.Module.apply`."""
            ...
