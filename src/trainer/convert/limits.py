"""Python's limits while a document is converted: garbage is collected rarely, and calls may nest deeper."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_RARELY = 200_000
"""New objects between collections; Python's own 700 walks a growing token tree for a third of the time."""
_CALLS = 20_000
"""Nested calls; the deepest document that is read, 400 levels, takes up to nine calls a level in the slowest writer."""

_lock = Lock()
_state: dict[str, int] = {"inside": 0, "threshold": 0, "calls": 0}


@contextmanager
def conversion_limits() -> Iterator[None]:
    """Raise both limits while inside; the usual ones come back with the last thread that leaves."""
    with _lock:
        if not _state["inside"]:
            _state["threshold"], _state["calls"] = gc.get_threshold()[0], sys.getrecursionlimit()
            if 0 < _state["threshold"] < _RARELY:
                gc.set_threshold(_RARELY)
            sys.setrecursionlimit(max(_CALLS, _state["calls"]))
        _state["inside"] += 1
    try:
        yield
    finally:
        with _lock:
            _state["inside"] -= 1
            if not _state["inside"]:
                gc.set_threshold(_state["threshold"])
                sys.setrecursionlimit(_state["calls"])
