"""The neurons' steps with Python's integers, which have no largest one: judges of exactness."""


def cut(value, factor):
    """``value factor / 4096``, toward zero."""
    product = value * factor
    return (abs(product) >> 12) * (1 if product >= 0 else -1)


def leaks(state, drive, constants):
    current = cut(state["current"], constants["keep_current"]) + drive
    return {
        "current": current,
        "voltage": cut(state["voltage"], constants["keep_voltage"]) + current,
    }


def rotate(state, drive, constants):
    real, imag, sin, cos = state["real"], state["imag"], constants["sin"], constants["cos"]
    return {
        "real": cut(real, cos) - cut(imag, sin) + drive[0],
        "imag": cut(real, sin) + cut(imag, cos) + drive[1],
    }


def decay(state, constants):
    """Adaptation and refraction before a jump."""
    return {
        "adaptation": cut(state["adaptation"], constants["keep_threshold"]),
        "refractory": cut(state["refractory"], constants["keep_refractory"]),
    }


def jump(state, constants):
    level = state["adaptation"] + constants["rest"]
    return {
        "adaptation": state["adaptation"] + constants["jump"],
        "refractory": state["refractory"] + 2 * level,
    }


def step(name, state, drive, constants):
    """One step of a neuron: the state after it, whether it spiked, and all values on the way."""
    real_family = name in ("cuba", "alif")
    traces = (leaks if real_family else rotate)(state, drive, constants)
    watched = "voltage" if real_family else "real" if name in ("rf", "adrf") else "imag"
    adaptive = name in ("alif", "adrf", "adrf_iz")
    adapted = decay(state, constants) if adaptive else {}
    level = constants.get("level")
    if adaptive:
        level = adapted["adaptation"] + constants["rest"] + adapted["refractory"]
    spike = traces[watched] >= level
    if name in ("rf", "adrf"):
        spike = spike and traces["imag"] >= 0 and state["imag"] < 0
    after = {**traces, **adapted}
    way = list(after.values())
    if spike and adaptive:
        after |= jump(adapted, constants)
    if spike and name == "cuba":
        after["voltage"] = 0
    if spike and name == "rf_iz":
        after |= {"real": 0, "imag": level - 1}
    return after, spike, [*way, *after.values()]
