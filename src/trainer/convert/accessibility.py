"""What keeps a document from those who cannot see it: our own lint beside PDF/UA tagging."""

from __future__ import annotations

from collections.abc import Iterator

from trainer.convert.furnish import Furnished
from trainer.core.markdown import plain_text
from trainer.core.values import Finding


def lint(furnished: Furnished) -> tuple[Finding, ...]:
    """Findings on heading order, empty headings, tables without heads and links without words."""
    return (*_headings(furnished), *_tables(furnished), *_links(furnished))


def _headings(furnished: Furnished) -> Iterator[Finding]:
    last = 1
    for at, token in enumerate(furnished.tokens):
        if token.type != "heading_open":
            continue
        level, where = int(token.tag[1]), furnished.document.where(token)
        words = plain_text(furnished.tokens[at + 1].children)
        if level > last + 1:
            message = f"heading of level {level} under one of level {last}"
            yield Finding("heading_order", "warning", message, where, text=words, hint=f"use {'#' * (last + 1)}")
        if not words.strip():
            yield Finding("empty_heading", "warning", "heading without words", where)
        last = level


def _tables(furnished: Furnished) -> Iterator[Finding]:
    for token in furnished.tokens:
        if token.type == "table_open" and not any(token.meta.get("rows", [[""]])[0]):
            where = furnished.document.where(token)
            yield Finding("table_head", "warning", "table whose head has no words", where, hint="name its columns")


def _links(furnished: Furnished) -> Iterator[Finding]:
    for token in furnished.tokens:
        children = token.children or [] if token.type == "inline" else []
        for at, child in enumerate(children):
            if child.type != "link_open":
                continue
            end = next((i for i in range(at, len(children)) if children[i].type == "link_close"), len(children))
            if not plain_text(children[at + 1 : end]).strip():
                address = str(child.attrGet("href") or "")
                yield Finding("link_text", "warning", "link without words", furnished.document.where(token), address)
