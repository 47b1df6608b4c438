"""The record of a neuron: one time step and its adjoint, written once for every engine.

A `Dynamics` is elementwise over neurons. `engine.run` runs it over time, and so do the GPU
kernels, the recurrent blocks and the streaming call; nobody writes a recurrence a second time.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

Tree = Any
"""A nest of arrays."""

Params = Mapping[str, jax.Array]
"""Parameters by name: float32, in natural units, one entry per neuron inside an engine."""


class Dynamics:
    """Base of all dynamics: subclass it as a frozen dataclass with static fields.

    The fields (scales, flags, surrogates) are Python values, so that equal records hash alike and
    nothing is traced twice. What may learn or be swept over arrives in ``params`` as arrays.

    Every method sees one row of neurons: arrays of one shape, the same for parameters, states and
    inputs. They must use only elementwise operations on what they are given, and Python numbers.

    Example:
      A leaky sum of floats, with the automatic adjoint:

      >>> import dataclasses
      >>> import jax.numpy as jnp
      >>> from jslayer.ops import dynamics, engine
      >>> @dataclasses.dataclass(frozen=True)
      ... class Leak(dynamics.Dynamics):
      ...     def init(self, like):
      ...         return {"trace": jnp.zeros_like(like)}
      ...
      ...     def step(self, constants, state, x):
      ...         trace = (1 - constants["decay"]) * state["trace"] + x
      ...         return {"trace": trace}, {"trace": trace}
      >>> x = jnp.array([1.0, 0.0, 0.0])
      >>> outputs, state = engine.run(Leak(), {"decay": 0.5}, None, x)
      >>> outputs["trace"]
      Array([1.  , 0.5 , 0.25], dtype=float32)
    """

    @property
    def traces(self) -> tuple[str, ...]:
        """Names of values that are no outputs but whose cotangents `adjoint` takes as well."""
        return ()

    def check(self, params: Params) -> None:
        """Raises ``ValueError`` for concrete parameters out of range; called on entry."""

    def prepare(self, params: Params) -> Tree:
        """Turns parameters into what `step` and `adjoint` read, once before the loop."""
        return params

    def init(self, like: jax.Array) -> Tree:
        """State at rest, for neurons shaped like the row ``like``."""
        raise NotImplementedError

    def step(self, constants: Tree, state: Tree, x: Tree) -> tuple[Tree, Tree]:
        """One time step: ``(state before, input) -> (state after, outputs)``.

        Outputs are a mapping from name to float32 row.
        """
        raise NotImplementedError

    def residuals(self, state: Tree, x: Tree, outputs: Tree, after: Tree) -> Tree:
        """What the adjoint of one step needs to know of it, chosen among its values."""
        del outputs, after
        return {"state": state, "x": x}

    def step_with_residuals(self, constants: Tree, state: Tree, x: Tree) -> tuple[Tree, Tree, Tree]:
        """One time step for training: ``(state after, outputs, residuals)``."""
        after, outputs = self.step(constants, state, x)
        return after, outputs, self.residuals(state, x, outputs, after)

    def residual_tangents(
        self, params_dot: Params, before: Tree, x_dot: Tree, values_dot: Tree, after: Tree
    ) -> Tree:
        """Tangents of the residuals of one step, for second derivatives.

        Args:
          params_dot: Tangents of the parameters.
          before: Of the state before, in the shape of the adjoint state.
          x_dot: Of the input.
          values_dot: Of outputs and `traces`, by name.
          after: Of the state after, in the shape of the adjoint state.

        Raises:
          NotImplementedError: The dynamics has a `step_with_residuals` of its own and not this.
        """
        del params_dot
        if type(self).step_with_residuals is not Dynamics.step_with_residuals:
            raise NotImplementedError(
                f"Second derivatives of {type(self).__name__} are not known: it chooses residuals "
                "in `step_with_residuals`, expected their tangents; write `residual_tangents`."
            )
        return self.residuals(before, x_dot, values_dot, after)

    def adjoint_init(self, like: jax.Array) -> Tree:
        """Adjoint state behind the last step: zeros."""
        return jax.tree.map(jnp.zeros_like, self.init(like))

    def adjoint(
        self, params: Params, bar: Tree, residuals: Tree, cotangents: Tree
    ) -> tuple[Tree, Tree, dict[str, jax.Array]]:
        """One step of the adjoint, backward in time.

        The default differentiates `prepare` and `step` automatically; that is right for float
        states. Dynamics on integers write their own.

        Args:
          params: Parameters, float32 rows.
          bar: Adjoint state that came from the step after.
          residuals: What `step_with_residuals` kept of this step.
          cotangents: Cotangents of this step's outputs.

        Returns:
          The adjoint state for the step before, the cotangent of the input and those of the
          parameters, by name.
        """
        _, pullback = jax.vjp(
            lambda p, s, x: self.step(self.prepare(p), s, x),
            dict(params),
            residuals["state"],
            residuals["x"],
        )
        params_bar, bar, x_bar = pullback((bar, dict(cotangents)))
        return bar, x_bar, params_bar
