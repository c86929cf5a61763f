"""Source code: its language, what it defines and imports, its lines and its licence."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import re2

from trainer.core.values import Json
from trainer.ingest.sniff import languages

_MOST_NAMES = 2_000
_LONGEST_LINE = 2_000
"""Characters; longer lines are data or minified code, in which nothing is looked for."""
_SPDX = re.compile(r"SPDX-License-Identifier:\s*([A-Za-z0-9.+\-() ]+?)\s*(?:\*/|-->|$)", re.MULTILINE)
_LICENCES = (
    ("Apache-2.0", "Licensed under the Apache License, Version 2.0"),
    ("MIT", "Permission is hereby granted, free of charge"),
    ("GPL-3.0-or-later", "either version 3 of the License, or"),
    ("GPL-2.0-or-later", "either version 2 of the License, or"),
    ("MPL-2.0", "Mozilla Public License, v. 2.0"),
    ("BSD-3-Clause", "Neither the name of"),
    ("BSD-2-Clause", "Redistribution and use in source and binary forms"),
    ("ISC", "Permission to use, copy, modify, and/or distribute"),
)
"""Sentences that stand in the headers of files under a licence; the more special ones come first."""


def describe_code(text: str, language: str) -> dict[str, Json]:
    """`language`, `symbols`, `imports`, `lines` (all, code, comments, blank) and `licence` of a source file."""
    patterns = _patterns(language)
    comment = tuple(languages()[language]["comment"])
    lines = text.splitlines()
    symbols: dict[str, None] = {}
    imports: dict[str, None] = {}
    blank = comments = 0
    for line in lines:
        stripped = line.strip()
        if not stripped:
            blank += 1
        elif stripped.startswith(comment) and not (language in ("c", "cpp") and stripped.startswith("#")):
            comments += 1
        elif len(line) <= _LONGEST_LINE:
            for kind, names in (("symbols", symbols), ("imports", imports)):
                for pattern in patterns[kind]:
                    match = pattern.match(line)
                    if match and match.group(1) not in _STATEMENTS and len(names) < _MOST_NAMES:
                        names.setdefault(match.group(1))
                        break
    head = text[:4000]
    spdx = _SPDX.search(head)
    flat = " ".join(head.split())
    licence = spdx[1] if spdx else next((name for name, sentence in _LICENCES if sentence in flat), None)
    counts: dict[str, Json] = {
        "all": len(lines), "code": len(lines) - blank - comments, "comments": comments, "blank": blank,
    }  # fmt: skip
    return {
        "language": language, "symbols": list(symbols), "imports": list(imports), "lines": counts, "licence": licence,
    }  # fmt: skip


_STATEMENTS = frozenset(("if", "for", "while", "switch", "return", "catch", "else", "do", "sizeof", "new", "delete"))
"""Words before a bracket that define nothing."""


@cache
def _patterns(language: str) -> dict[str, list[Any]]:
    """Compiled by RE2: a hostile file of one long line takes linear time."""
    table = languages()[language]
    return {kind: [re2.compile(pattern) for pattern in table[kind]] for kind in ("symbols", "imports")}
