"""Rows of a catalogue table as data of a report, by the values that their fields have."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from trainer.actions.tables import open_catalog
from trainer.catalog import find_field
from trainer.core.cells import plain
from trainer.core.errors import SourceError
from trainer.core.project import Project
from trainer.core.values import Field, Json
from trainer.facts import title_of
from trainer.prompts import TABLE
from trainer.sources import DataRetriever, Fetched, QueryField, Schema, SourceContext
from trainer.sources.query import QueryFields, check_query

MOST_ROWS = 100_000
_WHERE = "where."
_TABLE = QueryField(TABLE, True, description="Name of a catalogue table", example="finance_treasury")


class TableRetriever(DataRetriever):
    """Reads the rows that were approved; what waits is no row, and in no report."""

    name = TABLE
    local = True

    def __init__(self, project: Project, context: SourceContext) -> None:
        super().__init__(context=context)
        self._project = project

    def get_schema(self) -> Schema:
        """The table, and fields with the values that they must have."""
        return Schema(self.name, "Rows of the catalogue", (_TABLE,), extra_fields=True)

    def check(self, query: QueryFields) -> dict[str, Json]:
        """The table and the conditions; raises UsageError for names that the catalogue does not know."""
        checked = check_query(query, (_TABLE,), source=self.name, extra_fields=True)
        definition = open_catalog(self._project).table(str(checked[TABLE]))
        where = {
            f"{_WHERE}{find_field(definition, name.removeprefix(_WHERE)).name}": value
            for name, value in sorted(checked.items())
            if name != TABLE
        }
        return {TABLE: definition.name, **where}

    def key(self, query: QueryFields) -> str:
        """`table:NAME:FIELD=VALUE`."""
        table, *where = self.check(query).items()
        return ":".join([self.name, str(table[1]), *(f"{name.removeprefix(_WHERE)}={value}" for name, value in where)])

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """`records`, in the order of their identity; several values of a condition are any of them."""
        checked = self.check(query)
        catalog = open_catalog(self._project)
        definition = catalog.table(str(checked.pop(TABLE)))
        conditions, parameters = [], []
        for name, value in checked.items():
            column = '"' + name.removeprefix(_WHERE) + '"'
            conditions.append(f"list_contains(?, {column})" if isinstance(value, list) else f"{column} = ?")
            parameters.append(value)
        rows = catalog.rows(definition.name, " AND ".join(conditions) or "TRUE", parameters, limit=MOST_ROWS + 1)
        if not rows:
            hint = f"look what there is: trainer tables show {definition.name}; what waits: trainer proposals list"
            raise SourceError(f"the table {definition.name} has no such row", hint=hint)
        if len(rows) > MOST_ROWS:
            raise SourceError(f"more than {MOST_ROWS:,} rows of {definition.name}", hint="name fewer by where")
        fields = {
            f"records.{one.name}": Field(title_of(one.name), one.unit or "", one.description)
            for one in definition.fields
        }
        decimals = {one.name for one in definition.fields if one.type == "decimal"}
        records: list[Json] = [
            {
                name: plain(Decimal(str(value))) if name in decimals and value is not None else value
                for name, value in row.values.items()
            }
            for row in sorted(rows, key=lambda row: row.id)
        ]
        return Fetched({"records": records}, definition.title, fields=fields)
