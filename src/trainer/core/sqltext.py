"""Names in SQL, where they cannot be parameters."""

from __future__ import annotations


def sql_name(name: str) -> str:
    """The name of a table or column as SQL writes it, whatever letters it has."""
    return '"' + name.replace('"', '""') + '"'
