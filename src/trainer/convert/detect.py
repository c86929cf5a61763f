"""What format a content is in, by the content alone."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from typing import Any

from trainer.core.frontmatter import split_front_matter

_HTML = re.compile(
    r"<(?:!doctype\s+html|html|head|body|article|section|main|div|table|p|"
    r"ul|ol|h[1-6]|header|figure|span|a|b|i|strong|em|pre|blockquote|img|br|hr)\b[^<>]*>",
    re.IGNORECASE,
)
_MARKDOWN = (
    re.compile(r"^ {0,3}#{1,6}[ \t]+\S", re.MULTILINE),
    re.compile(r"^ {0,3}(?:[-*+]|\d{1,9}[.)])[ \t]+\S", re.MULTILINE),
    re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE),
    re.compile(r"^[ \t]{0,3}\|?(?: ?:?-{2,}:? ?\|)+ ?:?-*:? ?$", re.MULTILINE),
    re.compile(r"^ {0,3}> ", re.MULTILINE),
    re.compile(r"(?<!\w)(?:\*\*|__)\S(?:.{0,300}?\S)?(?:\*\*|__)(?!\w)"),
    re.compile(r"!?\[[^\[\]\n]{1,300}\]\([^()\s]{1,2000}(?:[ \t]\"[^\"\n]{0,300}\")?\)"),
    re.compile(r"(?<!`)`[^`\n]+`(?!`)"),
    re.compile(r"\A---\n(?:[\w-]+:.*\n)+---\n"),
    re.compile(r"^\[\^?[^\[\]\n]{1,300}\]:\s", re.MULTILINE),
    re.compile(r"^\S[^\n]*\n(?:={3,}|-{3,})[ \t]*$", re.MULTILINE),
)
_YAML = re.compile(r"^(?:- )?[A-Za-z_][\w .-]*:(?:\s|$)")


def detect_format(content: str | bytes | Mapping[str, Any] | list[Any]) -> str:
    r"""One of `json`, `jsonl`, `html`, `markdown`, `yaml`, `csv`, `pdf`, `docx` or `text`.

    >>> detect_format("# Title"), detect_format('{"a": 1}'), detect_format("a,b\n1,2\n3,4")
    ('markdown', 'json', 'csv')
    """
    if isinstance(content, Mapping | list):
        return "json"
    if isinstance(content, bytes):
        if kind := _binary(content):
            return kind
        content = content.decode("utf-8-sig", "replace")
    text = content.lstrip("\ufeff").strip()
    if text[:1] in ("{", "["):
        if _is_json(text):
            return "json"
        if _is_json_lines(text):
            return "jsonl"
    if _is_html(text):
        return "html"
    if _front_matter(text):
        return "markdown"
    if _is_csv(text):
        return "csv"
    if _is_yaml(text):
        return "yaml"
    return "markdown" if any(pattern.search(text) for pattern in _MARKDOWN) else "text"


def _binary(content: bytes) -> str | None:
    if content.startswith(b"%PDF-"):
        return "pdf"
    if content.startswith(b"PK\x03\x04") and b"word/" in content:
        return "docx"
    return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_json_lines(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > 1 and all(line.lstrip()[:1] in "{[" and _is_json(line) for line in lines)


def _is_html(text: str) -> bool:
    """Whether a text starts with an element of a page, behind a declaration of XML and comments."""
    at = 0
    while text.startswith(("<?xml", "<!--"), at):
        closing = "?>" if text.startswith("<?xml", at) else "-->"
        end = text.find(closing, at)
        if end < 0:
            return False
        at = end + len(closing)
        at += len(text[at : at + 1000]) - len(text[at : at + 1000].lstrip())
    return bool(_HTML.match(text, at))


def _front_matter(text: str) -> bool:
    if not text.startswith("---"):
        return False
    parts = split_front_matter(text + "\n")
    return bool(parts.meta) and bool(parts.body.strip())


def _is_csv(text: str) -> bool:
    """Two or more rows of the same number of cells, three or more lines where there is but one separator a row."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or lines[0].lstrip()[:1] in "#|<>-*":
        return False
    for separator in (",", ";", "\t"):
        if separator not in lines[0]:
            continue
        widths = {len(row) for row in csv.reader(lines, delimiter=separator)}
        if len(widths) == 1 and (widths > {2} or len(lines) > 2 or separator == "\t" or min(widths) > 2):
            return not any(re.search(r"[.!?]\s*\Z", line) for line in lines)
        if widths == {2} and not any(" " in line for line in lines):
            return True
    return False


def _is_yaml(text: str) -> bool:
    """A mapping or list in which every outer line is a key, an item or a comment."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    outer = [line for line in lines if not line[0].isspace() and line.strip() != "---"]
    keyed = [line for line in outer if _YAML.match(line)]
    if not keyed or not all(_YAML.match(line) or line.startswith("- ") for line in outer):
        return False
    if len(lines) < 2 or any(re.search(r"\*\*|\]\(|^#{2,} ", line) for line in lines):
        return False
    from trainer.core.errors import UsageError
    from trainer.core.yamltext import load_yaml

    try:
        return isinstance(load_yaml(text, shown="").value, dict | list)
    except UsageError:
        return False
