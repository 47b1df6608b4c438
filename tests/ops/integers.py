"""The neurons' steps with Python's integers, which never wrap: judges of exactness.

Every sum stops at the ends of int32, one addition after the other.
"""

LOW, HIGH = -(2**31), 2**31 - 1


def total(*values):
    """The sum, held at the ends after each addition."""
    found = values[0]
    for value in values[1:]:
        found = max(LOW, min(HIGH, found + value))
    return found


def cut(value, factor):
    """``value factor / 4096``, toward zero."""
    product = value * factor
    return (abs(product) >> 12) * (1 if product >= 0 else -1)


def leaks(state, drive, constants):
    current = total(cut(state["current"], constants["keep_current"]), drive)
    return {
        "current": current,
        "voltage": total(cut(state["voltage"], constants["keep_voltage"]), current),
    }


def rotate(state, drive, constants):
    real, imag, sin, cos = state["real"], state["imag"], constants["sin"], constants["cos"]
    return {
        "real": total(cut(real, cos), -cut(imag, sin), drive[0]),
        "imag": total(cut(real, sin), cut(imag, cos), drive[1]),
    }


def decay(state, constants):
    """Adaptation and refraction before a jump."""
    return {
        "adaptation": cut(state["adaptation"], constants["keep_threshold"]),
        "refractory": cut(state["refractory"], constants["keep_refractory"]),
    }


def jump(state, constants):
    level = total(state["adaptation"], constants["rest"])
    return {
        "adaptation": total(state["adaptation"], constants["jump"]),
        "refractory": total(state["refractory"], level, level),
    }


def step(name, state, drive, constants):
    """One step of a neuron: the state after it, and whether it spiked."""
    real_family = name in ("cuba", "alif")
    traces = (leaks if real_family else rotate)(state, drive, constants)
    watched = "voltage" if real_family else "real" if name in ("rf", "adrf") else "imag"
    adaptive = name in ("alif", "adrf", "adrf_iz")
    adapted = decay(state, constants) if adaptive else {}
    level = constants.get("level")
    if adaptive:
        level = total(adapted["adaptation"], constants["rest"]) + adapted["refractory"]
    spike = traces[watched] >= level
    if name in ("rf", "adrf"):
        spike = spike and traces["imag"] >= 0 and state["imag"] < 0
    after = {**traces, **adapted}
    if spike and adaptive:
        after |= jump(adapted, constants)
    if spike and name == "cuba":
        after["voltage"] = 0
    if spike and name == "rf_iz":
        after |= {"real": 0, "imag": level - 1}
    return after, spike
