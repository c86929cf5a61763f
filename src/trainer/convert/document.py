"""The pivot of all documents: front matter and a token tree, with the line of every block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from trainer.core.errors import Where
from trainer.core.frontmatter import split_front_matter
from trainer.core.markdown import parse_tokens
from trainer.core.values import Finding, Json

if TYPE_CHECKING:
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

T = TypeVar("T", str, bytes)


@dataclass(frozen=True, slots=True)
class Converted(Generic[T]):
    """What a writer made, and what it noticed."""

    content: T
    findings: tuple[Finding, ...] = ()
    title: str = ""
    made_from: str = ""
    """The digest of all that makes the content, where a writer is so slow that a file of before is worth keeping."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document."""

    meta: Mapping[str, Json]
    """The front matter."""
    tokens: tuple[Token, ...]
    """Block tokens in reading order; those of type `inline` hold children."""
    source: str = ""
    """The Markdown it was read from."""
    shown: str = "document.md"
    """The file's name in findings."""
    first_line: int = 1
    """The line of the file on which the body starts."""
    findings: tuple[Finding, ...] = field(default=())

    @property
    def tree(self) -> SyntaxTreeNode:
        """The same tokens as a tree."""
        from markdown_it.tree import SyntaxTreeNode

        return SyntaxTreeNode(list(self.tokens))

    def where(self, token: Token) -> Where:
        """The line on which a block starts."""
        return Where(self.shown, token.map[0] + self.first_line if token.map else None)


def parse_markdown(text: str, *, shown: str = "document.md") -> Document:
    """The document in `text`: CommonMark, GFM, footnotes, definition lists, alerts and math; raw HTML stays text."""
    parts = split_front_matter(text, shown=shown)
    slip = parts.slip
    findings = [Finding("front_matter", "warning", slip.message, slip.where, hint=slip.hint or "")] if slip else []
    tokens = parse_tokens(parts.body, shown=shown, first_line=parts.body_line)
    return Document(parts.meta, tuple(tokens), text, shown, parts.body_line, tuple(findings))


def visible_html(content: str) -> str:
    """What is shown of raw HTML: the text it is, or nothing where it is one comment."""
    content = content.strip()
    return "" if content.startswith("<!--") and content.endswith("-->") else content
