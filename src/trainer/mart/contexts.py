"""Contexts as kinds of work: what of an execution's context tells whether experience with another one applies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

FEATURES = ("document_type", "text_type", "use_case", "problem_type", "workflow", "instruction", "language")
"""What of a context tells kinds of work apart."""
SIZES = ("file_size_mb", "pages_count", "text_length", "rows", "tokens")
"""What of a context is a size; sizes within a factor of four are one kind of work."""


def context_key(context: Mapping[str, Any]) -> str:
    """The kind of work a context is: its types in words, its sizes as powers of four."""
    parts = [f"{name}={context[name]}" for name in FEATURES if isinstance(context.get(name), str)]
    for name in SIZES:
        size = context.get(name)
        if isinstance(size, int | float) and not isinstance(size, bool) and size > 0:
            parts.append(f"{name}~{4 ** round(math.log(size, 4)):g}")
    return " ".join(parts)
