"""What the columns of a SELECT mean, told from the columns that they are made of.

A column that is taken over, added up, averaged or compared keeps its unit; one divided by its like is a ratio.
Whatever else is done to it, nothing is said of its unit rather than something wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer.core.values import Field
from trainer.sources.tables import TypedTable

# fmt: off
_KEEP = frozenset({
    "abs", "any_value", "arg_max", "arg_min", "avg", "ceil", "ceiling", "first", "first_value", "floor", "fsum",
    "greatest", "kahan_sum", "lag", "last", "last_value", "lead", "least", "max", "max_by", "mean", "median", "min",
    "min_by", "mode", "nth_value", "nullif", "quantile", "quantile_cont", "quantile_disc", "round", "stddev",
    "stddev_pop", "stddev_samp", "sum", "trunc",
})
# fmt: on
"""Functions whose answer is in the unit of their first argument."""
_ALIKE = frozenset({"+", "-", "coalesce", "greatest", "least", "ifnull"})
"""Functions whose answer is in the unit of all their arguments, where that is one."""
_COUNTS = frozenset({"count", "count_star", "approx_count_distinct"})
_RATIO = Field("", "ratio")

Columns = Mapping[str, Field]
"""By name in small letters."""


def fields_of(tree: Mapping[str, Any], tables: Mapping[str, TypedTable]) -> dict[str, Field]:
    """What the columns of a SELECT mean, by name in small letters; `tables` by theirs."""
    return _select(tree, {name: dict(table.fields) for name, table in tables.items()})


def _select(node: Mapping[str, Any], columns: Mapping[str, Columns]) -> dict[str, Field]:
    common = dict(columns)
    for entry in node.get("cte_map", {}).get("map", ()):
        common[entry["key"].lower()] = _select(entry["value"]["query"]["node"], common)
    if node.get("type") != "SELECT_NODE":  # a union: the first part names the columns
        parts = [node[side] for side in ("left", "right") if side in node] or node.get("children", [])
        first, *others = [_select(part, common) for part in parts] or [{}]
        units = {name: {_bare(other.get(name)) for other in (first, *others)} for name in first}
        return {name: Field("", first[name].unit) for name, sources in units.items() if len(sources) == 1}
    scope = _scope(node.get("from_table") or {}, common)
    fields: dict[str, Field] = {}
    for column in node["select_list"]:
        if column["class"] == "STAR":
            fields |= _unqualified(scope)
            continue
        name = column["alias"] or (column["column_names"][-1] if column["class"] == "COLUMN_REF" else "")
        meaning = _meaning(column, scope)
        if name and meaning is not None and meaning.unit:
            fields[name.lower()] = meaning
    return fields


def _scope(table: Mapping[str, Any], columns: Mapping[str, Columns]) -> dict[str, Columns]:
    """The columns that can be named, by table or its alias."""
    kind = table.get("type")
    if kind == "JOIN":
        return _scope(table["left"], columns) | _scope(table["right"], columns)
    if kind == "BASE_TABLE":
        name = ".".join(filter(None, (table["schema_name"], table["table_name"]))).lower()
        return {(table["alias"] or table["table_name"]).lower(): columns.get(name, {})}
    if kind == "SUBQUERY":
        return {table["alias"].lower(): _select(table["subquery"]["node"], columns)}
    return {}


def _unqualified(scope: Mapping[str, Columns]) -> dict[str, Field]:
    """What column names mean that stand without a table; of those that mean two things, nothing is said."""
    fields: dict[str, Field] = {}
    differing = set()
    for columns in scope.values():
        for name, meaning in columns.items():
            if fields.setdefault(name, meaning) != meaning:
                differing.add(name)
    return {name: meaning for name, meaning in fields.items() if name not in differing}


def _meaning(node: Mapping[str, Any], scope: Mapping[str, Columns]) -> Field | None:
    kind = node["class"]
    if kind == "COLUMN_REF":
        path = [part.lower() for part in node["column_names"]]
        if path[0] in scope and len(path) > 1:
            return scope[path[0]].get(".".join(path[1:]))
        return _unqualified(scope).get(".".join(path))
    if kind == "CAST":
        return _bare(_meaning(node["child"], scope))
    if kind not in ("FUNCTION", "WINDOW"):
        return None
    name, parts = str(node["function_name"]).lower(), node.get("children") or []
    if name in _COUNTS:
        return Field("", "count")
    meanings = [_bare(_meaning(part, scope)) for part in parts]
    if name == "/" and len(parts) == 2:
        return _RATIO if meanings[0] and meanings[0].unit and meanings[0] == meanings[1] else None
    if name == "-" and meanings[0] == _RATIO and parts[1]["class"] == "CONSTANT":
        return _RATIO  # a change: new / old - 1
    if name in _ALIKE and parts:
        return meanings[0] if len(set(meanings)) == 1 else None
    return meanings[0] if name in _KEEP and meanings else None


def _bare(meaning: Field | None) -> Field | None:
    """The unit alone: a sum of a column is not called what the column is."""
    return Field("", meaning.unit) if meaning is not None and meaning.unit else None
