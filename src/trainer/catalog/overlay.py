"""The YAML file in which an approved change of a schema stays: small, readable, and a diff in git."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from trainer.catalog.definition import overlaid
from trainer.core.values import Json


def overlay_text(name: str, former: Mapping[str, Any], change: Mapping[str, Json], text: str) -> str:
    """The file with a change laid over what it holds; the comments at its head stay.

    >>> print(overlay_text("sops", {}, {"fields": {"site": {"type": "text"}}}, ""), end="")
    table: sops
    fields:
      site:
        type: text
    """
    merged = overlaid(former, change)
    removed = [*(former.get("remove") or []), *(change.get("remove") or [])]
    back = set(change.get("fields") or {})
    removed = [field for field in dict.fromkeys(map(str, removed)) if field not in back]
    value: dict[str, Any] = {"table": name, **{key: item for key, item in merged.items() if key != "table"}}
    fields = value.pop("fields")
    if fields:
        value["fields"] = fields
    if removed:
        value["remove"] = removed
    head = "".join(line + "\n" for line in _leading_comments(text))
    return head + yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)


def _leading_comments(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            break
        lines.append(line)
    return lines
