"""Gradients across calls, for dynamics whose states are integers.

Integers carry no gradient, so a call that goes on from the state of another would cut it. Here
each state has zeros beside it, its link to the next call, through which the adjoint passes: the
gradient over two calls is then that of one call over both, exactly.
"""

import dataclasses

import jax
import jax.numpy as jnp

from jslayer.ops.dynamics import Dynamics, Params, Tree


@dataclasses.dataclass(frozen=True)
class AcrossCalls(Dynamics):
    """The same dynamics with the state ``{"state": ..., "link": ...}``.

    The link has the shape of the adjoint state; its value is zero, its cotangent is the adjoint
    that comes from the next call.

    Attributes:
      dynamics: The record that runs.
    """

    dynamics: Dynamics

    def check(self, params: Params) -> None:
        """As the dynamics."""
        self.dynamics.check(params)

    def prepare(self, params: Params) -> Tree:
        """As the dynamics."""
        return self.dynamics.prepare(params)

    def init(self, like: jax.Array) -> Tree:
        """The state at rest, and a link of zeros."""
        return {"state": self.dynamics.init(like), "link": self.dynamics.adjoint_init(like)}

    def step(self, constants: Tree, state: Tree, x: Tree) -> tuple[Tree, Tree]:
        """One time step; the link passes."""
        after, outputs = self.dynamics.step(constants, state["state"], x)
        return {"state": after, "link": state["link"]}, outputs

    def step_with_residuals(self, constants: Tree, state: Tree, x: Tree) -> tuple[Tree, Tree, Tree]:
        """One time step for training; the link passes."""
        found = self.dynamics.step_with_residuals(constants, state["state"], x)
        after, outputs, residuals = found
        return {"state": after, "link": state["link"]}, outputs, residuals

    @property
    def traces(self) -> tuple[str, ...]:
        """As the dynamics."""
        return self.dynamics.traces

    def residual_tangents(
        self, params_dot: Params, before: Tree, x_dot: Tree, values_dot: Tree, after: Tree
    ) -> Tree:
        """As the dynamics, whose tangents pass through the links."""
        links = (before["link"], x_dot, values_dot, after["link"])
        return self.dynamics.residual_tangents(params_dot, *links)

    def adjoint_init(self, like: jax.Array) -> Tree:
        """Zero."""
        unused = jax.tree.map(
            lambda leaf: jnp.zeros(leaf.shape, jnp.float32), self.dynamics.init(like)
        )
        return {"state": unused, "link": self.dynamics.adjoint_init(like)}

    def adjoint(
        self, params: Params, bar: Tree, residuals: Tree, cotangents: Tree
    ) -> tuple[Tree, Tree, dict[str, jax.Array]]:
        """One step backward, of the dynamics, on the link."""
        link, x_bar, params_bar = self.dynamics.adjoint(params, bar["link"], residuals, cotangents)
        return {"state": bar["state"], "link": link}, x_bar, params_bar
