"""The YAML file in which an approved change of a schema stays: small, readable, and a diff in git."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import yaml

from trainer.catalog.definition import overlaid
from trainer.core.values import Json
from trainer.core.yamltext import load_yaml


def overlay_text(name: str, text: str, change: Mapping[str, Json]) -> str:
    """The file with a change laid over what it holds; the comments at its head stay.

    >>> print(overlay_text("sops", "", {"fields": {"site": {"type": "text"}}}), end="")
    table: sops
    fields:
      site:
        type: text
    """
    former: Mapping[str, Any] = (load_yaml(text, shown=f"{name}.yaml").value if text else None) or {}
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


def overlay_diff(name: str, text: str, change: Mapping[str, Json]) -> str:
    r"""What a change does to the file, as `diff -u` shows it.

    >>> print(overlay_diff("sops", "table: sops\n", {"fields": {"site": {"type": "text"}}}), end="")
    --- sops.yaml
    +++ sops.yaml
    @@ -1 +1,4 @@
     table: sops
    +fields:
    +  site:
    +    type: text
    """
    lines = (text.splitlines(keepends=True), overlay_text(name, text, change).splitlines(keepends=True))
    return "".join(difflib.unified_diff(*lines, f"{name}.yaml", f"{name}.yaml"))


def _leading_comments(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            break
        lines.append(line)
    return lines
