"""Adapters by name: one literal line each, imported on first use, entry points for those of other packages."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainer.core.errors import MissingExtra, UsageError, unknown

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@dataclass(frozen=True, slots=True)
class Adapter:
    """Where an adapter lives, and what to install for it."""

    path: str
    """`package.module:Class`."""
    extra: str | None = None
    """The extra of trainer-core that brings its dependency."""
    needs: str | None = None
    """The top-level package that must be importable, where it needs one."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The adapters of one room: a table of its own, then the entry points of group `trainer.<room>`."""

    room: str
    table: Mapping[str, Adapter]

    @property
    def what(self) -> str:
        """What one of its adapters is called."""
        return self.room.rpartition(".")[2].removesuffix("s")

    def names(self) -> list[str]:
        """All adapter names, sorted; nothing is imported."""
        return sorted({*self.table, *(point.name for point in self._points())})

    def __contains__(self, name: object) -> bool:
        """Whether there is an adapter of that name; other packages are looked at only where the table has none."""
        return name in self.table or any(point.name == name for point in self._points())

    def require(self, name: str) -> None:
        """Raise UsageError for an unknown name, MissingExtra where its dependency is not installed; loads nothing."""
        adapter = self.table.get(name)
        if name not in self:
            message, hint = unknown(self.what, name, self.names())
            raise UsageError(message, hint=hint)
        if adapter and adapter.extra and importlib.util.find_spec(adapter.needs or adapter.extra) is None:
            raise MissingExtra(adapter.needs or adapter.extra, adapter.extra)

    def load(self, name: str) -> Any:
        """The adapter's class; raises UsageError for an unknown name, MissingExtra where a dependency is missing."""
        adapter = self.table.get(name)
        if adapter is None:
            return self._load_point(name)
        module, _, attribute = adapter.path.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if adapter.extra and error.name and error.name.partition(".")[0] == (adapter.needs or adapter.extra):
                raise MissingExtra(error.name, adapter.extra) from error
            raise

    def version(self, name: str) -> str:
        """The version of the other package that brings the adapter; empty for one of our own."""
        points = () if name in self.table else self._points()
        distributions = (point.dist for point in points if point.name == name)
        return next((distribution.version for distribution in distributions if distribution), "")

    def face(self, package: str) -> Callable[[str], Any]:
        """A `__getattr__` for the room's face: the table's classes by their own names, each imported on first use."""
        classes = {adapter.path.partition(":")[2]: name for name, adapter in self.table.items()}

        def load(name: str) -> Any:
            if name not in classes:
                raise AttributeError(f"module {package!r} has no attribute {name!r}")
            return self.load(classes[name])

        return load

    def _load_point(self, name: str) -> Any:
        for point in self._points():
            if point.name == name:
                return point.load()
        message, hint = unknown(self.what, name, self.names())
        raise UsageError(message, hint=hint)

    def _points(self) -> tuple[EntryPoint, ...]:
        from importlib.metadata import entry_points  # takes as long as all of `--help`

        return tuple(entry_points(group=f"trainer.{self.room}"))
