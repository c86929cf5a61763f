"""The structure of a Markdown document, counted from its tokens: what every writer must keep."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from markdown_it.tree import SyntaxTreeNode

from trainer.convert import parse_markdown
from trainer.core.markdown import plain_text

EVERYTHING = Path(__file__).parent / "everything" / "everything.md"


@dataclass(frozen=True)
class Structure:
    headings: list[tuple[int, str]]
    items: list[int]
    """The depth of every list item outside the notes, in reading order."""
    tables: list[list[str]]
    """The words of every table's cells."""
    code: list[str]
    links: list[str]
    notes: int
    images: int


def structure(markdown: str) -> Structure:
    """What the document holds, without the first heading of level 1."""
    tree = SyntaxTreeNode(list(parse_markdown(markdown).tokens))
    nodes = list(tree.walk())
    inlines = [child for node in nodes if node.type == "inline" for child in node.token.children or []]
    return Structure(
        [(int(node.tag[1]), plain_text(node.children[0].token.children)) for node in nodes if node.type == "heading"],
        [_depth(node) for node in nodes if node.type == "list_item" and not _inside(node, "footnote_block")],
        [
            [plain_text(cell.children[0].token.children).strip() for cell in table.walk() if cell.type in ("th", "td")]
            for table in nodes
            if table.type == "table"
        ],
        [
            node.content.rstrip("\n")
            for node in nodes
            if node.type in ("fence", "code_block") and node.info != "chart" and not _inside(node, "footnote_block")
        ],
        [str(child.attrGet("href")) for child in inlines if child.type == "link_open"],
        sum(child.type == "footnote_ref" for child in inlines),
        sum(child.type == "image" for child in inlines),
    )


def _depth(item: SyntaxTreeNode) -> int:
    depth, parent = 0, item.parent
    while parent is not None:
        depth += parent.type in ("bullet_list", "ordered_list")
        parent = parent.parent
    return depth


def _inside(node: SyntaxTreeNode, kind: str) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.type == kind:
            return True
        parent = parent.parent
    return False


def png(width: int, height: int) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x40\x80\xc0" * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 60" width="200" height="60">'
    '<rect width="200" height="60" fill="#def"/><text x="70" y="35" font-size="16">Drawing</text></svg>'
)


def put_pictures(folder: Path) -> None:
    """The pictures that the document of everything shows."""
    (folder / "p.png").write_bytes(png(40, 30))
    (folder / "big.png").write_bytes(png(2000, 300))
    (folder / "d.svg").write_text(SVG, "utf-8")
