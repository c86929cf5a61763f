"""A room's face: its public names, each imported from its module on first use."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_face(room: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A `__getattr__` for the package `room`, whose public names live in the modules that `homes` names.

    A name is looked up once; after that the package holds it like any other.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(f"{room}.{homes[name]}"), name)
        setattr(sys.modules[room], name, found)
        return found

    return load
