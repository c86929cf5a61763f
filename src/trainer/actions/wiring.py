"""The one place where rooms are joined: stores, sources, tracker and screens as a project's settings ask for them."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.core.clock import Clock, system_clock
from trainer.core.errors import ConfigError, UsageError, unknown
from trainer.core.project import Project
from trainer.core.secrets import mask_secrets
from trainer.core.values import Json
from trainer.mart import MIGRATIONS, Tracker
from trainer.sources import DataRetriever, ServiceCall, SourceContext, create_source
from trainer.stores import RECORD_STORES, DatabaseFile, Head, create_store, read_heads

if TYPE_CHECKING:
    from trainer.mart.tables import Opener
    from trainer.sources.streams import Stream
    from trainer.stores import DataStore

DATABASE_NAME = "trainer.duckdb"
RECORDS = "records"
"""The source of `key: orders:*`: all documents of the store whose keys begin so."""


def open_store(project: Project, *, clock: Clock = system_clock) -> DataStore:
    """The store the settings name, which treats personal data as they say; nothing is opened before it is used."""
    store = _open_store(project, clock)
    store.treat = personal_treatment(project)
    return store


def _open_store(project: Project, clock: Clock) -> DataStore:
    section = project.settings.data_store
    options: dict[str, Any] = dict(section.options)
    if section.backend in ("duckdb", "sqlite"):
        default = DATABASE_NAME if section.backend == "duckdb" else "trainer.sqlite"
        path = project.root / section.database_path if section.database_path else project.state / default
        return create_store(section.backend, clock=clock, database_path=path, **options)
    if not section.connection_string:
        variable = project.config.unset.get("data_store.connection_string")
        hint = f"set the environment variable {variable}" if variable else "set data_store.connection_string"
        raise ConfigError(f"the store {section.backend} has no connection string", hint=hint)
    if section.database:
        options["database"] = section.database
    return create_store(section.backend, clock=clock, connection_string=section.connection_string, **options)


def current_heads(project: Project, keys: Iterable[str], *, clock: Clock = system_clock) -> Mapping[str, Head]:
    """The heads of those keys the store has; DuckDB is imported only where its file changed since the last look."""
    section = project.settings.data_store
    if section.backend == "duckdb":
        path = project.root / section.database_path if section.database_path else None
        return read_heads(project.state, keys, database_path=path)
    store = open_store(project, clock=clock)
    heads = ((key, store.head(key)) for key in keys)
    return {key: head for key, head in heads if head is not None}


def open_source(
    project: Project, name: str, *, clock: Clock = system_clock, on_call: Callable[[ServiceCall], None] = lambda _: None
) -> DataRetriever:
    """The source called `name` with the settings' options; nothing is read or sent before it is asked."""
    context = SourceContext(
        clock=clock,
        root=project.root,
        cache=None if project.settings.prompt_security.personal.treatment else project.cache,
        rates=limits_folder(),
        tokens=state_folder() / "tokens",
        on_call=on_call,
    )
    return create_source(name, context, **project.settings.data_retriever.sources.get(name, {}))


def open_stream(project: Project, name: str, *, clock: Clock = system_clock) -> Stream:
    """The stream that the settings call `name`; nothing is connected to before it is opened."""
    from trainer.sources.streams import create_stream  # only `retrieve` follows streams

    streams = project.settings.data_retriever.streams
    if name not in streams:
        message, hint = unknown("stream", name, streams)
        raise UsageError(message, hint=hint)
    context = SourceContext(clock=clock, root=project.root, state=project.state)
    return create_stream(name, streams[name], context)


def personal_treatment(project: Project) -> Callable[[Json], Json] | None:
    """What personal data in a value becomes before it is kept or sent; None where the settings leave it as it is.

    A project that leaves it alone loads nothing for it. Raises ConfigError where a key is needed and none is known.
    """
    section = project.settings.prompt_security.personal
    if section.treatment is None:
        return None
    from trainer.actions.personal import treatment_by

    return treatment_by(section.treatment, section.kinds, folder=state_folder())


def limits_folder() -> Path:
    """Where the rate limits are that all processes of this machine and user keep together."""
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"{tempfile.gettempdir()}/trainer-{os.getuid()}"
    return Path(runtime) / "trainer-limits"


def state_folder() -> Path:
    """Where the user's own state is: beside no project, since a repository is shared, and a token or key is not."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "trainer"


def open_tracker(project: Project, *, clock: Clock = system_clock) -> Tracker:
    """The recorder of executions; it only writes to the spool, and does so without making anyone wait."""
    section = project.settings.mart
    personal = personal_treatment(project)

    def mask(text: str) -> str:
        masked = mask_secrets(text)
        return str(personal(masked)) if personal else masked

    return Tracker(project.spool, clock=clock, durability=section.durability, mask=mask)


def open_database(project: Project) -> Opener:
    """The opener of the records' database, with the mart's migrations applied."""
    return opener_of(records_of(project))


def opener_of(database: Any) -> Opener:
    """The opener of a database as `records_of` names it."""
    return functools.partial(database.open, "mart", MIGRATIONS)


def records_of(project: Project, url: str | None = None) -> Any:
    """The database of the records: the PostgreSQL server where the documents are there too, else the one DuckDB file.

    With a URL, the one it would be if the documents were there.
    """
    section = project.settings.data_store
    backend, server, database = section.backend, section.connection_string, section.database
    named = project.root / section.database_path if section.database_path else None
    if url is not None:
        scheme, _, rest = url.partition(":")
        backend, server, database = "postgresql" if scheme == "postgres" else scheme, url, None
        named = Path(rest.removeprefix("//"))
    if backend == "postgresql" and server:
        return RECORD_STORES.load("postgresql")(server, database)
    return DatabaseFile(named if named and backend == "duckdb" else project.state / DATABASE_NAME)
