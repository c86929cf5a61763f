"""Data that is computed from other data of a prompt: SQL over the blocks that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from trainer.core.digest import digest
from trainer.core.errors import InstructionError, SourceError, UsageError, Where, unknown
from trainer.core.values import DataBlock

if TYPE_CHECKING:
    from trainer.prompts import DataQuery, Instruction
    from trainer.sources.tables import TypedTable


def ordered_joins(instruction: Instruction, queries: Mapping[str, DataQuery]) -> dict[str, DataQuery]:
    """The queries with SQL, each after those that it reads.

    Raises InstructionError for one that reads what is no data, or itself by way of others.
    """
    ordered: dict[str, DataQuery] = {}

    def add(query: DataQuery, above: tuple[str, ...]) -> None:
        where = _where(instruction, query.name, "from")
        if query.name in above:
            circle = " -> ".join((*above[above.index(query.name) :], query.name))
            raise InstructionError(f"data that is computed from itself: {circle}", where=where)
        for table in query.tables:
            if table not in queries:
                message, hint = unknown("data", table, [name for name in queries if name != query.name])
                raise InstructionError(message, where=where, hint=hint)
            if queries[table].sql:
                add(queries[table], (*above, query.name))
        ordered.setdefault(query.name, query)

    for query in queries.values():
        if query.sql:
            add(query, ())
    return ordered


def compute_joins(
    instruction: Instruction, joins: Mapping[str, DataQuery], blocks: Mapping[str, DataBlock]
) -> dict[str, DataBlock]:
    """The computed blocks by name; raises InstructionError with the place of the SQL, SourceError where it fails."""
    if not joins:
        return {}
    from trainer.sources.tables import tables_of

    available = dict(blocks)
    tables: dict[str, list[TypedTable]] = {}
    computed: dict[str, DataBlock] = {}
    for name, query in joins.items():
        for table in query.tables:
            if table not in tables:
                tables[table] = tables_of(available[table])
        read = [table for block in query.tables for table in tables[block]]
        computed[name] = available[name] = _computed(
            instruction, query, [available[block] for block in query.tables], read
        )
    return computed


def join_digest(query: DataQuery) -> str:
    """What a report remembers of computed data: the same SQL over the same data gives the same."""
    values = {name: str(value) if isinstance(value, date) else value for name, value in query.query.items()}
    return digest([query.sql, list(query.tables), values])


def _computed(
    instruction: Instruction, query: DataQuery, blocks: list[DataBlock], tables: list[TypedTable]
) -> DataBlock:
    from trainer.sources.joined import join

    where = _where(instruction, query.name, "sql")
    try:
        answer = join(query.sql, tables, values=query.query)
    except UsageError as error:
        raise InstructionError(error.message, where=where, hint=error.hint) from error
    except SourceError as error:
        raise SourceError(error.message, where=where, hint=error.hint) from error
    subjects = {block.subject for block in blocks}
    newest: Any = max((block.retrieved_at for block in blocks if block.retrieved_at), default=None)
    block = DataBlock(
        name=query.name,
        key=f"sql:{query.name}",
        version=0,
        source="sql",
        retrieved_at=newest,
        data=answer.data,
        digest=digest(answer.data),
        subject=subjects.pop() if len(subjects) == 1 else None,
        as_of=max((block.as_of for block in blocks if block.as_of), default=None),
        fields=answer.fields,
    )
    return replace(block, sql=query.sql, computed_from=tuple(f"{one.key}@{one.version}" for one in blocks))


def _where(instruction: Instruction, name: str, key: str) -> Where:
    """The place of a key of a block; the config where a report asks for the block, not the instruction."""
    return instruction.where("data", name, key) if name in instruction.data else Where("config.yaml")
