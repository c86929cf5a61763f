"""Garbage collection that does not walk a growing token tree again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_RARELY = 200_000
"""New objects between collections while a document is converted; Python's own 700 costs a large one a third."""

_lock = Lock()
_state: dict[str, int] = {"inside": 0, "usual": 0}


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect rarely while inside; the usual threshold comes back with the last thread that leaves."""
    with _lock:
        if not _state["inside"]:
            _state["usual"] = gc.get_threshold()[0]
            if 0 < _state["usual"] < _RARELY:
                gc.set_threshold(_RARELY)
        _state["inside"] += 1
    try:
        yield
    finally:
        with _lock:
            _state["inside"] -= 1
            if not _state["inside"]:
                gc.set_threshold(_state["usual"])
