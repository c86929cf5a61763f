"""The records of a stream as one datum: all documents of the store whose keys begin alike."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping

from trainer.actions.wiring import RECORDS, open_store
from trainer.core.errors import SourceError
from trainer.core.project import Project
from trainer.core.values import Field, Json
from trainer.sources import DataRetriever, Fetched, QueryField, Schema, SourceContext
from trainer.sources.query import QueryFields

MOST_RECORDS = 100_000


class RecordsRetriever(DataRetriever):
    """Reads the store itself; asking again costs no more than looking."""

    name = RECORDS
    local = True

    def __init__(self, project: Project, context: SourceContext) -> None:
        super().__init__(context=context)
        self._project = project

    def get_schema(self) -> Schema:
        """What the keys begin with."""
        field = QueryField("key", True, description="What the keys begin with", example="orders:*", pattern=r".+\*")
        return Schema(self.name, "Records that streams stored", (field,))

    def key(self, query: QueryFields) -> str:
        """The pattern is itself the key of what answers it."""
        return str(self.check(query)["key"])

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """`records`, in the order of their keys."""
        prefix = str(query["key"]).removesuffix("*")
        store = open_store(self._project)
        condition = {"key": {"$regex": f"^{re.escape(prefix)}"}, "source": {"$ne": RECORDS}}
        documents = list(itertools.islice(store.scan(condition), MOST_RECORDS + 1))
        store.close()
        if not documents:
            origin = prefix.partition(":")[0]
            first = "file them first: trainer ingest" if origin == "ingest" else ""
            hint = first or f"read the stream first: trainer retrieve {origin}"
            raise SourceError(f"the store has no key that begins with {prefix}", hint=hint)
        if len(documents) > MOST_RECORDS:
            hint = "name fewer of them, or count them up by sql"
            raise SourceError(f"more than {MOST_RECORDS:,} keys begin with {prefix}", hint=hint)
        about = [document.metadata for document in documents]
        subjects = {metadata.get("subject") for metadata in about}
        meanings = {name: meaning for metadata in about for name, meaning in (metadata.get("fields") or {}).items()}
        return Fetched(
            {"records": [document.data for document in documents]},
            subjects.pop() if len(subjects) == 1 else None,
            fields={f"records.{name}": Field(**meaning) for name, meaning in meanings.items()},
        )
