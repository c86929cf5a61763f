"""Markdown, read in one way: blocks with their lines and offsets, sections, tables, links; the tokens for writers."""

from trainer.core.markdown.parser import DEEPEST, markdown_parser, parse_tokens, plain_text
from trainer.core.markdown.reader import Block, Cell, MarkdownDocument, Section, Table, read_markdown
from trainer.core.markdown.spans import Span
from trainer.core.markdown.tags import is_break

__all__ = [
    "DEEPEST",
    "Block",
    "Cell",
    "MarkdownDocument",
    "Section",
    "Span",
    "Table",
    "is_break",
    "markdown_parser",
    "parse_tokens",
    "plain_text",
    "read_markdown",
]
