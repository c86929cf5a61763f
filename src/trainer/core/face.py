"""The face of a room: each of its names is taken from its module when somebody first asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def face(room: str, modules: Mapping[str, str], *, adapters: str = "") -> Callable[[str], Any]:
    """A `__getattr__` for the package `room`, so that a name costs its own module and not the whole room.

    `modules` gives for each module the names that it lends, parted by spaces. `adapters` is the `module:NAME` of the
    room's table of adapters, whose classes the face has too.

    A name that is also a module's is none for this table: the module would hide it once anybody imported that.
    """
    homes = {name: module for module, names in modules.items() for name in names.split()}

    def load(name: str) -> Any:
        if name in homes:
            return getattr(import_module(f"{room}.{homes[name]}"), name)
        if adapters and not name.startswith("_"):
            module, _, table = adapters.partition(":")
            return getattr(import_module(f"{room}.{module}"), table).face(room)(name)
        raise AttributeError(f"module {room!r} has no attribute {name!r}")

    return load
