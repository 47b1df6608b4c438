"""Resonator: a decaying rotation, the state of every resonate-and-fire neuron."""

import dataclasses

import jax
import jax.numpy as jnp

from jslayer.ops import check, fixed_point
from jslayer.ops.dynamics import Dynamics, Params, Tree
from jslayer.ops.leaky_integrator import firing_level


def rotate(state: Tree, sin: jax.Array, cos: jax.Array, drive: Tree) -> Tree:
    """One step: the state turned and shrunk, plus ``drive``; all int32.

    ``re' = re cos / 4096 - im sin / 4096 + drive_re``, ``im' = re sin / 4096 + im cos / 4096 +
    drive_im``; each product is cut toward zero on its own.
    """
    real, imag = state["real"], state["imag"]
    part, add = fixed_point.multiply, fixed_point.add
    return {
        "real": add(add(part(real, cos), -part(imag, sin)), drive["real"]),
        "imag": add(add(part(real, sin), part(imag, cos)), drive["imag"]),
    }


def rotate_adjoint(
    sin: jax.Array, cos: jax.Array, bar: Tree, trace: Tree, cotangent: Tree
) -> tuple[Tree, dict[str, jax.Array]]:
    """One step of the adjoint of `rotate`, backward in time.

    Args:
      sin: ``sin_decay`` in natural units.
      cos: ``cos_decay`` in natural units.
      bar: Adjoint of the step after.
      trace: State after this step, in threshold units, before a reset.
      cotangent: Cotangents of this step's state.

    Returns:
      The adjoint of this step, which is the cotangent of its drive, and those of the parameters.
    """
    real, imag = bar["real"], bar["imag"]
    now = {
        "real": cos * real + sin * imag + cotangent["real"],
        "imag": -sin * real + cos * imag + cotangent["imag"],
    }
    params_bar = {
        "sin_decay": imag * trace["real"] - real * trace["imag"],
        "cos_decay": real * trace["real"] + imag * trace["imag"],
    }
    return now, params_bar


def izhikevich_reset(state: Tree, crossed: jax.Array, level: jax.Array) -> Tree:
    """Sets the state to ``0 + (level - 1) i`` where it ``crossed``, just below the threshold."""
    return {
        "real": jnp.where(crossed, 0, state["real"]),
        "imag": jnp.where(crossed, level - 1, state["imag"]),
    }


def check_rotation(params: Params) -> None:
    """Raises ``ValueError`` for sin or cos decays outside [-1, 1]."""
    for name in ("sin_decay", "cos_decay"):
        scaled = "it is a fraction of one; divide numbers of the hardware by 4096"
        check.in_range(name, params[name], -1, 1, advice=scaled)


@dataclasses.dataclass(frozen=True)
class Resonator(Dynamics):
    """``z[t] = (cos_decay + i sin_decay) z[t-1] + x[t]``, in exact fixed point.

    Parameters: ``sin_decay`` and ``cos_decay`` in [-1, 1] on the 12-bit grid, and ``threshold`` if
    ``reset``. Input, states and outputs are nests of ``real`` and ``imag``; outputs are the values
    before a reset. The adjoint is that of the filter without reset.

    Attributes:
      s_scale: Integer states per threshold unit.
      reset: Where the imaginary part reaches the threshold, set it just below and the real part
        to zero (Izhikevich's reset).

    References:
      Izhikevich, Resonate-and-Fire Neurons, 2001.
    """

    s_scale: int = 4096
    reset: bool = False

    def check(self, params: Params) -> None:
        """Raises ``ValueError`` for other names or values out of range."""
        own = ("sin_decay", "cos_decay")
        check.names("params", params, (*own, "threshold") if self.reset else own)
        check_rotation(params)
        if self.reset:
            check.in_range("threshold", params["threshold"], 0, jnp.inf)

    def prepare(self, params: Params) -> Tree:
        """Integer factors, once before the loop."""
        constants = {
            "sin": fixed_point.fraction(params["sin_decay"]),
            "cos": fixed_point.fraction(params["cos_decay"]),
        }
        if self.reset:
            constants["level"] = firing_level(params["threshold"], self.s_scale)
        return constants

    def init(self, like: jax.Array) -> Tree:
        """Zero."""
        zero = jnp.zeros_like(like, jnp.int32)
        return {"real": zero, "imag": zero}

    def step(self, constants: Tree, state: Tree, x: Tree) -> tuple[Tree, Tree]:
        """One time step."""
        drive = jax.tree.map(lambda part: fixed_point.to_fixed(part, self.s_scale), x)
        state = rotate(state, constants["sin"], constants["cos"], drive)
        outputs = jax.tree.map(lambda part: fixed_point.to_float(part, self.s_scale), state)
        if self.reset:
            level = constants["level"]
            state = izhikevich_reset(state, state["imag"] >= level, level)
        return state, outputs

    def residuals(self, state: Tree, x: Tree, outputs: Tree, after: Tree) -> Tree:
        """The traces."""
        del state, x, after
        return outputs

    def adjoint_init(self, like: jax.Array) -> Tree:
        """Zero."""
        return {"real": jnp.zeros_like(like), "imag": jnp.zeros_like(like)}

    def adjoint(
        self, params: Params, bar: Tree, residuals: Tree, cotangents: Tree
    ) -> tuple[Tree, Tree, dict[str, jax.Array]]:
        """One step backward."""
        bar, params_bar = rotate_adjoint(
            params["sin_decay"], params["cos_decay"], bar, residuals, cotangents
        )
        if self.reset:
            params_bar["threshold"] = jnp.zeros_like(params["threshold"])
        return bar, bar, params_bar
