"""Names of lava-dl's that have another one here: who uses them is told which."""


def renamed(name: str, instead: str) -> type:
    """A class that can be imported, and says what to use when it is called or derived from.

    Args:
      name: Lava-dl's name.
      instead: What to do here.

    Example:
      >>> BDD = renamed("obd.dataset.BDD", "use `obd.dataset.BDD100K`")
      >>> BDD(root=".")
      Traceback (most recent call last):
        ...
      NotImplementedError: `obd.dataset.BDD` is lava-dl's name; use `obd.dataset.BDD100K`.
    """

    def told(*_: object, **__: object) -> None:
        raise NotImplementedError(f"`{name}` is lava-dl's name; {instead}.")

    methods = {"__new__": told, "__init_subclass__": told, "__doc__": f"Lava-dl's; {instead}."}
    return type(name.rpartition(".")[2], (), {**methods, "__module__": __name__})
