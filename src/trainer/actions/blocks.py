"""The data that commands name: files, and keys of the project's store."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainer.actions.corrections import corrected, project_facts
from trainer.actions.wiring import open_store
from trainer.core.clock import Clock, parse_moment, system_clock
from trainer.core.digest import digest
from trainer.core.errors import UsageError, unknown
from trainer.core.project import Project
from trainer.core.values import DataBlock, Field, RetrievalResult, StoredData
from trainer.sources import SourceContext, create_source

_VERSION = re.compile(r"@(\d+)\Z")


def read_blocks(
    names: Sequence[str], *, project: Project | None, folder: Path, clock: Clock = system_clock
) -> tuple[DataBlock, ...]:
    """The data that `--data` names: files as the source `file` reads them, else keys of the project's store.

    `KEY@3` is version 3. Raises UsageError for a name that is neither.
    """
    facts = project_facts(project)
    return tuple(corrected(_block(name, project, folder, clock), facts) for name in names)


def _block(name: str, project: Project | None, folder: Path, clock: Clock) -> DataBlock:
    path = folder / name
    if path.is_file():
        source = create_source("file", SourceContext(clock=clock, root=path.parent))
        return _from_file(name, source.retrieve({"path": path.name}, store=False))
    if project is None:
        raise UsageError(f"no such data file: {name}", hint="name a file, or a key of the store from inside a project")
    return _from_store(name, project, clock)


def _from_file(name: str, result: RetrievalResult) -> DataBlock:
    return _described(
        name,
        name,
        1,
        result.source,
        result.metadata,
        data=result.data,
        when=result.metadata.get("retrieved_at") or result.retrieved_at,
    )


def _from_store(name: str, project: Project, clock: Clock) -> DataBlock:
    version = _VERSION.search(name)
    key = name[: version.start()] if version else name
    store = open_store(project, clock=clock)
    document: StoredData | None = store.retrieve(key, version=int(version[1]) if version else None)
    if document is None:
        message, hint = unknown("data", name, [item.key for item in store.scan()][:10_000])
        raise UsageError(f"{message}: neither a file nor a key of the store", hint=hint)
    when = document.metadata.get("retrieved_at") or document.updated_at
    return _described(
        name, document.key, document.version, document.source, document.metadata, data=document.data, when=when
    )


def _described(
    name: str, key: str, version: int, source: str, metadata: dict[str, Any], *, data: Any, when: Any
) -> DataBlock:
    fields = {path: Field(**meaning) for path, meaning in (metadata.get("fields") or {}).items()}
    moment = parse_moment(when) if isinstance(when, str) else when
    return DataBlock(
        name, key, version, source, moment, data, digest(data), metadata.get("subject"), metadata.get("as_of"), fields
    )
