"""Escaping of a value for the place where it will stand."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable

from trainer.core.errors import UsageError, unknown
from trainer.security.characters import strip_invisible
from trainer.security.clean import clean_scalar

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")


def escape(text: str, *, context: str = "template") -> str:
    """The text as it may stand in a `template`, in `markdown`, `html`, `xml` or a `json` string."""
    if context not in _CONTEXTS:
        message, hint = unknown("escaping context", context, _CONTEXTS)
        raise UsageError(message, hint=hint)
    return _CONTEXTS[context](text)


def _markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", strip_invisible(text))


def _html(text: str) -> str:
    return html.escape(strip_invisible(text), quote=True)


def _json(text: str) -> str:
    return json.dumps(strip_invisible(text), ensure_ascii=False)[1:-1].replace("</", "<\\/")


_CONTEXTS: dict[str, Callable[[str], str]] = {
    "html": _html,
    "json": _json,
    "markdown": _markdown,
    "template": clean_scalar,
    "xml": _html,
}
