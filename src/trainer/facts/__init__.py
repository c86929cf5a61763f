"""Any data as observations: measures, dimensions, members, times and units."""

from trainer.facts.corrections import ColumnRole, Corrections, read_corrections
from trainer.facts.index import Index
from trainer.facts.merge import merge
from trainer.facts.numbers import Number, decimal_mark, read_number
from trainer.facts.read import read, read_block, read_blocks, read_csv, read_jsonl
from trainer.facts.times import month_number, parse_time
from trainer.facts.units import convert, head_units, parse_unit, unit_text
from trainer.facts.values import (
    Aggregate,
    Definition,
    Dimension,
    Facts,
    Grain,
    LeftOut,
    LeftOutReason,
    Measure,
    Member,
    Observation,
    Source,
    Time,
    Unit,
    UnitKind,
)
from trainer.facts.words import fold, name_words, text_words, title_of

__all__ = [
    "Aggregate",
    "ColumnRole",
    "Corrections",
    "Definition",
    "Dimension",
    "Facts",
    "Grain",
    "Index",
    "LeftOut",
    "LeftOutReason",
    "Measure",
    "Member",
    "Number",
    "Observation",
    "Source",
    "Time",
    "Unit",
    "UnitKind",
    "convert",
    "decimal_mark",
    "fold",
    "head_units",
    "merge",
    "month_number",
    "name_words",
    "parse_time",
    "parse_unit",
    "read",
    "read_block",
    "read_blocks",
    "read_corrections",
    "read_csv",
    "read_jsonl",
    "read_number",
    "text_words",
    "title_of",
    "unit_text",
]
