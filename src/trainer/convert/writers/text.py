"""Plain text: words without marks, tables as columns, links by their address."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainer.convert.base import Options
from trainer.convert.document import Converted, Document, visible_html
from trainer.convert.writers.markdown import as_document
from trainer.core.markdown import is_break, plain_text
from trainer.core.markdown.tags import SHIFTED, shifted
from trainer.core.readings import Dataset

if TYPE_CHECKING:
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

_WIDTH = 88


def write(source: Document | Dataset, options: Options) -> Converted[str]:
    """The words of a document."""
    return Converted(to_text(as_document(source, options)))


def to_text(document: Document) -> str:
    """The words of a document, wrapped at 88 letters."""
    title = document.meta.get("title")
    blocks = list(_blocks(document.tree.children, _WIDTH))
    if title and not (blocks and blocks[0].startswith(str(title))):
        blocks.insert(0, f"{title}\n{'=' * _columns(str(title))}")
    return "\n\n".join(block for block in blocks if block) + "\n"


def _blocks(nodes: list[SyntaxTreeNode], width: int) -> Iterator[str]:
    for node in nodes:
        if node.type == "heading":
            words = _inline(node)
            rule = {"h1": "=", "h2": "-"}.get(node.tag)
            yield f"{words}\n{rule * _columns(words)}" if rule else words
        elif node.type in ("bullet_list", "ordered_list"):
            yield _list(node, width)
        elif node.type in ("blockquote", "alert"):
            yield textwrap.indent("\n\n".join(_blocks(node.children, width - 2)), "  ")
        elif node.type in ("fence", "code_block", "math_block", "math_block_label"):
            yield textwrap.indent(node.content.rstrip("\n"), "    ")
        elif node.type == "table":
            yield _table(node)
        elif node.type == "hr":
            yield "*" * 3
        elif node.type == "html_block":
            yield visible_html(node.content)
        elif node.type == "footnote_block":
            yield "\n".join(
                f"[{note.meta['id'] + 1}] {' '.join(_blocks(note.children, width))}" for note in node.children
            )
        elif node.type in ("dl", "dd", "list_item"):
            yield textwrap.indent("\n\n".join(_blocks(node.children, width)), "    " if node.type == "dd" else "")
        elif node.type != "footnote_anchor":
            yield textwrap.fill(_inline(node), width, break_long_words=False, break_on_hyphens=False)


def _list(node: SyntaxTreeNode, width: int) -> str:
    start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else 0
    lines = []
    for number, item in enumerate(node.children, start):
        marker = f"{number}. " if node.type == "ordered_list" else "- "
        if "checked" in item.meta:
            marker += "[x] " if item.meta["checked"] else "[ ] "
        inside = "\n".join(_blocks(item.children, width - len(marker)))
        lines.append(marker + textwrap.indent(inside, " " * len(marker)).lstrip(" "))
    return "\n".join(lines)


def _table(node: SyntaxTreeNode) -> str:
    rows = [[_inline(cell) for cell in row.children] for part in node.children for row in part.children]
    widths = [max(_columns(row[at]) for row in rows if at < len(row)) for at in range(len(rows[0]))]
    lines = ["  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _inline(node: SyntaxTreeNode) -> str:
    inline = next((child.token for child in node.walk() if child.type == "inline"), None)
    return "".join(_words(inline.children or [])).strip() if inline else ""


def _words(tokens: list[Token]) -> Iterator[str]:
    address = ""
    shown = ""
    shift = None
    for token in tokens:
        if token.type in ("sub_open", "sup_open", "sub_close", "sup_close"):
            shift = SHIFTED.get(token.type)
        if token.type == "link_open":
            address, shown = str(token.attrGet("href") or ""), ""
            continue
        if token.type == "link_close":
            if address not in (shown, f"http://{shown}", f"mailto:{shown}") and not address.startswith("#"):
                yield f" ({address})"
            address = ""
            continue
        words = f"[{token.meta['id'] + 1}]" if token.type == "footnote_ref" else plain_text([token])
        if token.type == "html_inline" and not is_break(token):
            words = visible_html(token.content)
        words = shifted(words, shift) if shift else words
        shown += words
        yield words


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))
