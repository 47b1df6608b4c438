"""A module of one's own that calls blocks, as a graph of these blocks."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer.block import calls, connections, cuba
from jslayer.block.base import Block
from jslayer.block.connections import INPUT, Count, Sent, described
from jslayer.block.graph import Graph, copied, own_variables, put
from jslayer.block.sequential import Sequential, is_own
from jslayer.ops import event_batch

EXPECTED = (
    "expected blocks alone, joined by `jnp.concatenate` along the channels (axis 1), as a graph "
    "and a network file have them"
)

Variables = Mapping[str, Any]


Path = tuple[str, ...]


class Recorded(NamedTuple):
    """A module of one's own as a graph; see `graph_of`.

    Attributes:
      network: The graph: the same blocks in the order of their calls.
      variables: Its variables, the module's under the names that the graph has for them.
      paths: For each block of the graph where the module keeps its variables, from outside in;
        ``None`` for a ``Flatten`` that stands for a reshape, and for an ``Input`` without neuron in
        front, which stands for an input that several blocks read.
    """

    network: Graph
    variables: dict[str, Any]
    paths: tuple[Path | None, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """For each block of the graph its name in the module, e.g. ``encoder/Dense_0``."""
        pairs = zip(self.paths, self.network.blocks, strict=True)
        return tuple(_name(path or (), block) for path, block in pairs)

    def to_graph(self, variables: Variables) -> dict[str, Any]:
        """Variables of the module, or a tree of that form, under the names of the graph."""
        found: dict[str, Any] = {}
        for number, path in enumerate(self.paths):
            name = f"blocks_{number}"
            own = own_variables((name,), self.variables)
            for collection, tree in (
                own if path is None else own_variables(path, variables)
            ).items():
                found.setdefault(collection, {})[name] = tree
        return found

    def from_graph(self, variables: Variables, into: Variables) -> dict[str, Any]:
        """Variables of the graph, trained or loaded, under the names of the module.

        Args:
          variables: Variables of the graph, or of another of the same blocks in the same order, as
            `jslayer.hdf5.load` gives them of its file.
          into: Variables of the module; what is in no block of the graph stays as it is there.

        Returns:
          The module's variables.
        """
        found = copied(into)
        for number, path in enumerate(self.paths):
            for collection, tree in own_variables((f"blocks_{number}",), variables).items():
                if path is not None:
                    put(found, (collection, *path), tree)
        return found


def graph_of(module: nn.Module, variables: Variables, sample: Any) -> Recorded:
    """Records which block reads which in a module of your own, without running it.

    The module is a Flax module that calls blocks: with `setup` or `nn.compact`, in loops, around
    skip paths, through modules inside of modules, with one output or several (in a tuple, list or
    dictionary). Between two blocks nothing may stand but `jnp.concatenate` along the channels and
    ``x.reshape(x.shape[0], -1, x.shape[-1])``, which flattens images. What a graph does not say, as
    a sum of two branches or a block that is called twice, is refused by the name of its place.

    `jslayer.hdf5.export` and `jslayer.migrate.from_lava` call it themselves.
    `block.summary`, `block.stream`, `block.folded` and `block.persistent` need no graph: they take
    modules that compute anything between their blocks.

    Args:
      module: The module; called with one array, and with ``train=False`` where it takes that.
      variables: What ``module.init`` returned.
      sample: ``[N, C, ..., T]``, data as the module takes them, or a `jax.ShapeDtypeStruct`: only
        shape and dtype are used.

    Returns:
      The graph, its variables, and the names of its blocks in the module. Several outputs are in
      the order of `jax.tree.leaves`, dictionaries by their sorted names.

    Raises:
      TypeError: ``module`` is no Flax module.
      ValueError: Something stands between the blocks, or a graph cannot say how they are called.

    Example:
      A path around the second block:

      >>> import flax.linen as nn
      >>> import jax, jax.numpy as jnp
      >>> from jslayer.block import cuba
      >>> neuron = dict(threshold=1.0, current_decay=0.25, voltage_decay=0.03)
      >>> class Skip(nn.Module):
      ...     @nn.compact
      ...     def __call__(self, x, *, train=False):
      ...         first = cuba.Dense(neuron, 6, 4)(x, train=train)
      ...         second = cuba.Dense(neuron, 4, 3)(first, train=train)
      ...         return cuba.Dense(neuron, 7, 2, name="head")(
      ...             jnp.concatenate([second, first], axis=1), train=train
      ...         )
      >>> module, x = Skip(), jnp.ones((1, 6, 20))
      >>> variables = module.init(jax.random.key(0), x)
      >>> recorded = graph_of(module, variables, x)
      >>> recorded.names, recorded.network.sources
      (('Dense_0', 'Dense_1', 'head'), ((-1,), (0,), (1, 0)))
      >>> y = recorded.network.apply(recorded.variables, x)
      >>> bool((y == module.apply(variables, x)).all())
      True
    """
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"`module` is {module!r:.80}, expected a Flax module that calls blocks; pass that."
        )
    kind = type(module).__name__
    sample = event_batch.dense(sample)
    blocks, reading = _record(module, variables, jax.ShapeDtypeStruct(sample.shape, sample.dtype))
    names = {number: _name(path, block) for number, (path, block) in enumerate(blocks)}
    _check(kind, blocks, names, reading)
    made = _Graph(variables)
    if sum(part.sources.count(INPUT) for (part,) in reading.reads.values() if _sources(part)) > 1:
        made.add_input(sample.shape[1:-1])
    for number, (read,) in sorted(reading.reads.items()):
        if not isinstance(read, Sent):
            raise ValueError(
                f"{names[number]} of {kind} reads {described(read, names)}, {EXPECTED}; let it "
                "read what blocks send."
            )
        made.add(number, *blocks[number], read)
    # counts come along and are no outputs
    outputs = [value for value in reading.outputs if not isinstance(value, Count)]
    for value in outputs:
        if not isinstance(value, Sent) or (INPUT in value.sources) or len(value.sources) > 1:
            raise ValueError(
                f"{kind} returns {described(value, names)}, expected what a block sends, or "
                "several of these in a tuple or dictionary, as a graph and a network file have "
                "them; compute the rest outside of the module."
            )
    recorded = made.finished([made.placed(value) for value in outputs])
    return recorded


def opened(
    network: nn.Module, variables: Variables, sample: Any
) -> tuple[nn.Module, Variables, tuple[str, ...] | None]:
    """A network as blocks alone: itself, or the graph of a module of one's own.

    Args:
      network: A block, a `Sequential`, a `Graph` or any other module.
      variables: Its variables.
      sample: As of `graph_of`; ``None`` where there is none.

    Returns:
      The network, its variables, and the names of its blocks if it was recorded.

    Raises:
      ValueError: It must be recorded and there is no sample, or as `graph_of`.
    """
    if not _has_own(network):
        return network, variables, None
    if sample is None:
        raise ValueError(
            f"`sample` is None, expected data as {type(network).__name__} takes them, "
            "[N, C, ..., T]: which of its blocks reads which is seen when it is called; pass some."
        )
    recorded = graph_of(network, variables, sample)
    return recorded.network, recorded.variables, recorded.names


def _has_own(network):
    """True where a module of one's own stands, or is the network."""
    if isinstance(network, Sequential):
        return any(_has_own(block) for block in network.blocks)
    return is_own(network)


def _record(module, variables, sample):
    """The blocks that are called, each with its path, and the program that calls them."""
    try:
        inspect.signature(module.__call__).bind(sample)
    except TypeError as error:
        raise ValueError(
            f"{type(module).__name__} is not called with one array ({error}), expected one that "
            "is, as a graph and a network file have one input; join the inputs along the channels."
        ) from error
    blocks: list[tuple[Path, Block]] = []

    def marked(block, call, arguments, options):
        del call
        options = dict(options)
        x = arguments[0] if arguments else options.pop("x")
        bare = calls.unattached(block)
        apply = lambda held, x: bare.apply(held, x, *arguments[1:], **options)
        made = jax.eval_shape(apply, block.variables, x)
        leaves, form = jax.tree.flatten(made)
        sizes = tuple((leaf.shape, str(leaf.dtype)) for leaf in leaves)
        number = len(blocks)
        blocks.append((calls.path_of(block), bare))
        given = jax.tree.leaves(x)
        found = connections.block_call.bind(*given, number=number, sizes=sizes)
        return jax.tree.unflatten(form, found)

    def program(x, held):
        with calls.blocks_called(marked):
            return jax.tree.leaves(calls.run(module, held, x))

    try:
        made = jax.make_jaxpr(program)(sample, variables)
    except NotImplementedError as error:
        if "'block'" not in str(error) or not blocks:
            raise
        raise ValueError(
            f"{_name(*blocks[-1])} of {type(module).__name__} is called inside of a "
            f"transformation ({error}), expected a plain call; call it outside."
        ) from error
    return blocks, connections.reading(made)


def _name(path: Path, block: Block) -> str:
    return "/".join(path) or type(block).__name__


def _check(kind, blocks, names, reading):
    """Whether there are blocks, each is called once, and each sends to someone."""
    if not blocks:
        raise ValueError(
            f"{kind} calls no blocks, expected a module that calls some of `jslayer.block`; build "
            "it of these."
        )
    for number, step in reading.within.items():
        raise ValueError(
            f"{names[number]} of {kind} is called inside of {step}, expected a plain call, once; "
            "write the calls out one by one."
        )
    met: dict[str, int] = {}
    for number in sorted(reading.reads):
        if names[number] in met:
            raise ValueError(
                f"{names[number]} of {kind} is called twice, expected one call of each block, as "
                "a graph and a network file have one layer for it; give the second call a block "
                "of its own."
            )
        met[names[number]] = number
    heard = {n for read in reading.reads.values() for part in read for n in _sources(part)}
    heard |= {n for part in reading.outputs for n in _sources(part)}
    computed = any(
        not isinstance(part, Sent) for parts in reading.reads.values() for part in parts
    ) or not all(isinstance(part, Sent | Count) for part in reading.outputs)
    for number in () if computed else sorted(reading.reads):  # else that is refused, by its place
        if number not in heard:
            raise ValueError(
                f"{names[number]} of {kind} is read by no block and is no output, expected that "
                "all are in use in evaluation; return what it sends, or leave it out."
            )


def _sources(value):
    return value.sources if isinstance(value, Sent) else ()


class _Graph:
    """A graph in the making."""

    def __init__(self, variables: Variables):
        self._held = variables
        self._blocks: list[Block] = []
        self._sources: list[tuple[int, ...]] = []
        self._paths: list[Path | None] = []
        self._variables: dict[str, Any] = {}
        self._place: dict[int, int] = {INPUT: INPUT}
        self._flat: dict[tuple[int, ...], int] = {}

    def add_input(self, shape: tuple[int, ...]) -> None:
        """Adds a block for an input that several blocks read: the file has a layer for it."""
        block = cuba.Input(None, delay_shift=False)
        self._place[INPUT] = self._append(None, block, (INPUT,), _of_shape(shape))

    def add(self, number: int, path: Path, block: Block, read: Sent) -> None:
        """Adds a block of the module."""
        own = own_variables(path, self._held)
        self._place[number] = self._append(path, block, self._read(read), own)

    def placed(self, value: Sent) -> int:
        """Number in the graph of the one block that sends this."""
        return self._read(value)[0]

    def finished(self, ends: Sequence[int]) -> Recorded:
        """The graph with its outputs."""
        network = Graph(self._blocks, sources=self._sources, outputs=ends)
        return Recorded(network, self._variables, tuple(self._paths))

    def _read(self, value: Sent) -> tuple[int, ...]:
        """Numbers in the graph of what sends this; what is reshaped comes through a Flatten."""
        sources = tuple(self._place[source] for source in value.sources)
        if not value.flat:
            return sources
        if sources not in self._flat:
            size = _of_shape((value.flat,))
            self._flat[sources] = self._append(None, cuba.Flatten(), sources, size)
        return (self._flat[sources],)

    def _append(
        self, path: Path | None, block: Block, sources: tuple[int, ...], own: Variables
    ) -> int:
        number = len(self._blocks)
        self._blocks.append(block)
        self._sources.append(sources)
        self._paths.append(path)
        for collection, tree in own.items():
            self._variables.setdefault(collection, {})[f"blocks_{number}"] = tree
        return number


def _of_shape(shape: tuple[int, ...]) -> Variables:
    """The variables of a block without any but its size."""
    return {"constants": {"shape": jnp.array(shape, jnp.int32)}}
