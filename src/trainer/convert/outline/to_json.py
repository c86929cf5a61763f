"""A document as JSON: headings to keys, tables to records, lists to arrays, labelled values to members."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainer.convert.document import Document, parse_markdown, visible_html
from trainer.convert.outline.labels import JsonSchema, inner, items, key_of, spelt_keys
from trainer.convert.outline.scalars import value_of
from trainer.core.markdown import plain_text
from trainer.core.values import Json

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

_NUMBERED = re.compile(r"\d+\.")


@dataclass(slots=True)
class _Section:
    """A heading and all below it."""

    level: int
    heading: Json = ""
    """A key as it is, where the heading is a code span; else words."""
    exact: bool = False
    blocks: list[SyntaxTreeNode] = field(default_factory=list)
    sections: list[_Section] = field(default_factory=list)


def markdown_to_json(markdown: str | Document, *, schema: JsonSchema | None = None) -> Json:
    """The value that `json_to_markdown` wrote, exactly; of any other document, its content under its headings.

    Front matter becomes members of the outermost object.
    """
    document = markdown if isinstance(markdown, Document) else parse_markdown(markdown)
    comments = [token.content for token in document.tokens if token.type == "html_block"]
    spelt = [spelt_keys(comment, schema) for comment in comments if comment.startswith("<!-- keys:")]
    value = _document_value(document, schema)
    return _respelt(value, spelt[-1]) if spelt else value


def _respelt(value: Json, spelt: Mapping[str, str]) -> Json:
    if isinstance(value, dict):
        return {spelt.get(key, key): _respelt(member, spelt) for key, member in value.items()}
    return [_respelt(item, spelt) for item in value] if isinstance(value, list) else value


def _document_value(document: Document, schema: JsonSchema | None) -> Json:
    root = _outline(document)
    if not root.blocks and len(root.sections) == 1 and root.sections[0].level == 1:
        top = root.sections[0]
        value = _titled(str(top.heading), _value(top, schema), document, schema)
        if document.meta and isinstance(value, dict):
            return {**document.meta, **value}
        return value
    value = _value(root, schema)
    return {**document.meta, **value} if document.meta and isinstance(value, dict) else value


def _titled(title: str, value: Json, document: Document, schema: JsonSchema | None) -> Json:
    """The value with the document's title, unless its schema or its front matter says it already."""
    titles = (str((schema or {}).get("title") or ""), str(document.meta.get("title") or ""))
    if title.casefold() in (words.casefold() for words in titles):
        return value
    if isinstance(value, dict):
        return {"title": title, **value} if "title" not in value else value
    return {key_of(title, None): value}


def _outline(document: Document) -> _Section:
    root = _Section(0)
    path = [root]
    for node in document.tree.children:
        if node.type == "html_block" and not visible_html(node.content):
            continue
        if node.type != "heading":
            path[-1].blocks.append(node)
            continue
        level = int(node.tag[1])
        while path[-1].level >= level:
            path.pop()
        heading, exact = _heading(node)
        section = _Section(level, heading, exact)
        path[-1].sections.append(section)
        path.append(section)
    return root


def _heading(node: SyntaxTreeNode) -> tuple[Json, bool]:
    return _key(_children(node))


def _key(children: Sequence[Any]) -> tuple[str, bool]:
    """The label in inline tokens, and whether it is a key as it stands."""
    shown = [token for token in children if token.type != "text" or token.content]
    if len(shown) == 1 and shown[0].type == "code_inline":
        try:
            key = json.loads(shown[0].content)
        except ValueError:
            return shown[0].content, True
        return (key, True) if isinstance(key, str) else (shown[0].content, True)
    return plain_text(list(children)).strip(), False


def _children(node: SyntaxTreeNode) -> list[Any]:
    inline = next((child for child in node.walk() if child.type == "inline"), None)
    return list(inline.token.children or []) if inline and inline.token else []


def _value(section: _Section, schema: JsonSchema | None) -> Json:
    if section.sections and not section.blocks and all(_is_numbered(inside) for inside in section.sections):
        return [_value(inside, items(schema)) for inside in section.sections]
    members, others = _members(section, schema)
    if not section.sections and not members:
        return _plain_value(others, schema)
    for inside in section.sections:
        key = str(inside.heading) if inside.exact else key_of(str(inside.heading), schema)
        _put(members, key, _value(inside, inner(schema, key)))
    if others:
        _put(
            members,
            "text" if all(block.type == "paragraph" for block in others) else "content",
            _plain_value(others, schema),
        )
    return members


def _is_numbered(section: _Section) -> bool:
    return not section.exact and bool(_NUMBERED.fullmatch(str(section.heading)))


def _members(section: _Section, schema: JsonSchema | None) -> tuple[dict[str, Json], list[SyntaxTreeNode]]:
    """The labelled values in a section's lists, and all other blocks."""
    members: dict[str, Json] = {}
    others = []
    for block in section.blocks:
        pairs = _labelled(block, schema) if block.type == "bullet_list" else None
        if pairs is None:
            others.append(block)
        else:
            for key, value in pairs:
                _put(members, key, value)
    return members, others


def _put(members: dict[str, Json], key: str, value: Json) -> None:
    """A member under a name of its own, where a document says the same heading twice."""
    name, number = key, 2
    while name in members:
        name, number = f"{key}_{number}", number + 1
    members[name] = value


def _labelled(block: SyntaxTreeNode, schema: JsonSchema | None) -> list[tuple[str, Json]] | None:
    """Key and value of each item `- **Label:** value`, or None where an item is something else."""
    pairs = []
    for item in block.children:
        if len(item.children) != 1 or item.children[0].type != "paragraph":
            return None
        children = _children(item)
        close = next((at for at, token in enumerate(children) if token.type == "strong_close"), None)
        start = next((at for at, token in enumerate(children) if token.type != "text" or token.content), 0)
        if close is None or children[start].type != "strong_open":
            return None
        label, rest = list(children[start + 1 : close]), list(children[close + 1 :])
        if label and label[-1].type == "text" and label[-1].content.endswith(":"):
            label[-1] = label[-1].copy(content=label[-1].content[:-1])
        elif rest and rest[0].type == "text" and rest[0].content.startswith(":"):
            rest[0] = rest[0].copy(content=rest[0].content[1:])
        else:
            return None
        key, exact = _key(label)
        pairs.append((key if exact else key_of(key, schema), value_of(_without_space(rest))))
    return pairs


def _without_space(children: list[Any]) -> list[Any]:
    if children and children[0].type == "text":
        return [children[0].copy(content=children[0].content.lstrip(" ")), *children[1:]]
    return children


def _plain_value(blocks: list[SyntaxTreeNode], schema: JsonSchema | None) -> Json:
    """What blocks without labels hold: one block its own value, several a list, paragraphs together a text."""
    if not blocks:
        return {}
    if len(blocks) == 1:
        return _block(blocks[0], schema)
    if all(block.type == "paragraph" for block in blocks):
        return "\n\n".join(str(_text(block)) for block in blocks)
    return [_block(block, schema) for block in blocks]


def _block(block: SyntaxTreeNode, schema: JsonSchema | None) -> Json:
    if block.type == "table":
        return _records(block, items(schema))
    if block.type in ("bullet_list", "ordered_list"):
        return [_list_item(item) for item in block.children]
    if block.type in ("fence", "code_block"):
        return _code(block)
    if block.type == "paragraph":
        return value_of(_children(block)) if len(_children(block)) == 1 else _text(block)
    return _text(block)


def _code(block: SyntaxTreeNode) -> Json:
    if block.info.strip().startswith("json"):
        try:
            return json.loads(block.content)
        except ValueError:
            return block.content
    return block.content


def _list_item(item: SyntaxTreeNode) -> Json:
    if len(item.children) == 1 and item.children[0].type == "paragraph":
        return value_of(_children(item))
    nested = [child for child in item.children if child.type in ("bullet_list", "ordered_list")]
    if not item.children:
        return ""
    own = " ".join(str(_text(child)) for child in item.children if child not in nested)
    return {own: [_list_item(inside) for part in nested for inside in part.children]} if nested else own


def _records(table: SyntaxTreeNode, schema: JsonSchema | None) -> list[dict[str, Json]]:
    head, *bodies = table.children
    keys = []
    for column in head.children[0].children:
        label, exact = _key(_children(column))
        keys.append(label if exact else key_of(label, schema))
    rows = [row for body in bodies for row in body.children]
    return [
        {
            key: value_of(_children(data))
            for key, data in zip(keys, row.children, strict=False)
            if any(token.type != "text" or token.content for token in _children(data))
        }
        for row in rows
    ]


def _text(block: SyntaxTreeNode) -> str:
    """All words of a block, a paragraph a line."""
    inlines = [node.token for node in block.walk() if node.type == "inline"]
    return "\n".join(plain_text(token.children) for token in inlines if token)
