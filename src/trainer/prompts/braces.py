"""The marks of a template: `{NAME}`, which is filled in, and what Jinja would run."""

from __future__ import annotations

import re
from collections.abc import Callable, Set

NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
CONSTRUCT = re.compile(r"(?<!\{)\{\{(?!\{)(?:(?!\{\{|\}\}).)*\}\}|\{%(?:(?!\{%|%\}).)*%\}", re.DOTALL)
"""What Jinja would run; it opens nothing of its kind before it is closed."""


def fill_braces(body: str, declared: Set[str], show: Callable[[str], str]) -> str:
    """The body with each `{NAME}` that is declared replaced by what `show` writes for it, once."""
    return NAME.sub(lambda name: show(name[1]) if name[1] in declared else name[0], body)
