"""Reads the text of a compiled program: what it runs, and what it should not."""

import collections
import math
import re
from collections.abc import Iterator, Mapping

OPERATION = re.compile(r"^\s*(?:ROOT )?%?([\w.\-]+) = (.*?) ([a-z][a-z\-]*)\((.*)$")
ARRAY = re.compile(r"[a-z]+\d*\[([\d,]*)\](?:\{([\d,]*))?")
ASKING = ("all-gather", "all-to-all", "collective-permute", "all-reduce", "reduce-scatter")


def computations(text: str) -> dict[str, list[str]]:
    """Lines of every computation by its name; that of the program itself is ``ENTRY``."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        head = re.match(r"^(ENTRY )?%?([\w.\-]+) \(.*\) -> .* \{$", line)
        if head:
            lines = found.setdefault("ENTRY" if head[1] else head[2], [])
        elif line.startswith("}"):
            lines = []
        else:
            lines.append(line)
    return found


def called(line: str) -> list[str]:
    """Computations that a line calls."""
    found = re.findall(r"(?:calls|to_apply|body|condition)=%?([\w.\-]+)", line)
    for several in re.findall(r"(?:branch|called)_computations=\{([^}]*)\}", line):
        found += [name.strip(" %") for name in several.split(",")]
    return found


def inside(name: str, all_of: Mapping[str, list[str]]) -> Iterator[str]:
    """Lines of a computation and of those that it calls."""
    for line in all_of.get(name, ()):
        yield line
        for other in called(line):
            yield from inside(other, all_of)


def is_product(line: str) -> bool:
    """A matrix product, a convolution, or a kernel that may hold one."""
    return bool(re.search(r" (?:dot|convolution|custom-call)\(", line))


def loops(text: str) -> list[tuple[bool, int]]:
    """Of every loop whether there is a product in it, and its steps, or 0 where unknown."""
    all_of = computations(text)
    found = []
    for lines in all_of.values():
        for line in lines:
            if " while(" not in line:
                continue
            body = re.search(r"body=%?([\w.\-]+)", line)[1]
            steps = re.search(r'"known_trip_count":\{"n":"(\d+)"', line)
            product = any(map(is_product, inside(body, all_of)))
            found.append((product, int(steps[1]) if steps else 0))
    return found


def launches(text: str) -> tuple[int, list[int]]:
    """Kernels of the program outside of loops, and of one step of each loop."""
    all_of = computations(text)
    body = lambda line: re.search(r"body=%?([\w.\-]+)", line)[1]
    bodies = [body(line) for lines in all_of.values() for line in lines if " while(" in line]
    return _launches(all_of["ENTRY"]), [_launches(all_of[name]) for name in bodies]


def _launches(lines):
    kinds = collections.Counter(m[3] for m in map(OPERATION.match, lines) if m)
    started = ("fusion", "custom-call", "copy", "dot", "convolution", "transpose", "reduce", "sort")
    alone = ("concatenate", "scatter", "gather", "convert", "add", "broadcast", "iota", "select")
    return sum(kinds[kind] for kind in (*started, *alone, "dynamic-update-slice", "dynamic-slice"))


BYTES = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "f32": 4, "s32": 4, "u32": 4}
FREE = ("parameter", "get-tuple-element", "tuple", "bitcast", "constant", "after-all", "while")
KINDS = ("neurons", "products", "rest")
"""Of launches: neuron kernels, what holds a product, all others."""


def moved(text: str) -> dict[str, list[int]]:
    """Bytes that each launch outside of loops moves, by `KINDS`."""
    all_of = computations(text)
    lines = all_of["ENTRY"]
    shapes = {m[1]: m[2] for m in map(OPERATION.match, lines) if m}
    found: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for line in lines:
        m = OPERATION.match(line)
        if not m or m[3] in FREE:
            continue
        given = re.findall(r"%([\w.\-]+)", m[4].split("), ")[0])
        size = _bytes(m[2]) + sum(_bytes(shapes.get(name, "")) for name in given)
        if "jslayer_" in line:
            kind = "neurons"
        elif "gemm" in line or any(map(is_product, [line, *_own(line, all_of)])):
            kind = "products"
        else:
            kind = "rest"
        found[kind].append(size)
    return found


def _own(line, all_of):
    return (inner for name in called(line) for inner in inside(name, all_of))


def _bytes(shapes):
    found = re.findall(r"\b([a-z]+\d*)\[([\d,]*)\]", shapes)
    sizes = ([int(n) for n in axes.split(",") if n] for _, axes in found)
    return sum(BYTES.get(kind, 8) * math.prod(s) for (kind, _), s in zip(found, sizes, strict=True))


def turned(text: str, least: int) -> list[str]:
    """Transposes of arrays of at least so many numbers, where no product takes them in.

    A copy into another layout is one as well.
    """
    found = []
    for lines in computations(text).values():
        if any(re.search(r" (?:dot|convolution)\(", line) for line in lines):
            continue  # the product reads its factor in that order
        shapes = {m[1]: m[2] for m in map(OPERATION.match, lines) if m}
        for m in map(OPERATION.match, lines):
            if not m or m[3] not in ("transpose", "copy"):
                continue
            array = ARRAY.match(m[2])
            sizes = [int(n) for n in array[1].split(",") if n] if array else []
            if math.prod(sizes) < least:
                continue
            source = re.match(r"%?([\w.\-]+)", m[4].split("]")[-1].strip() or m[4])
            given = ARRAY.match(shapes.get(source[1], "")) if source else None
            if m[3] == "copy" and given and given[2] == array[2]:
                continue
            found.append(f"{m[3]} {m[2]}")
    return found


def asked(text: str) -> collections.Counter[str]:
    """What devices ask of each other, by kind."""
    return collections.Counter(re.findall(rf" ({'|'.join(ASKING)})(?:-start)?\(", text))


def faults(text: str, steps: int, activation: int, turns: int = 2) -> list[str]:
    """What a training step must not hold.

    Args:
      text: The compiled program.
      steps: Of time.
      activation: Numbers in the smallest whole activation.
      turns: Transposes of such ones that are expected.
    """
    found = [f"{n} {kind}" for kind, n in asked(text).items() if kind not in ASKING[3:]]
    for product, taken in loops(text):
        if not product and (taken == steps or not taken):
            found.append(f"a loop of {taken or 'unknown'} steps without a product")
    whole = turned(text, activation)
    if len(whole) > turns:
        found.append(f"{len(whole)} transposes of whole activations: {'; '.join(whole[:4])}")
    return found
