"""Notes that no mark leads to, which markdown-it leaves out with all their words."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore


def keep_unused_notes(parser: MarkdownIt) -> None:
    """Put notes that no mark leads to after the others."""
    parser.core.ruler.before("footnote_tail", "unused_notes", _number_unused)
    parser.core.ruler.after("footnote_tail", "unused_anchors", _drop_ways_back)


def _number_unused(state: StateCore) -> None:
    notes = state.env.get("footnotes", {})
    for name, number in notes.get("refs", {}).items():
        if number < 0:
            notes["refs"][name] = len(notes["list"]) if "list" in notes else 0
            notes.setdefault("list", {})[notes["refs"][name]] = {"label": name[1:], "count": 0}


def _drop_ways_back(state: StateCore) -> None:
    notes = state.env.get("footnotes", {}).get("list", {})
    unused = {number for number, note in notes.items() if not note.get("count")}
    if unused:
        state.tokens = [
            token for token in state.tokens if token.type != "footnote_anchor" or token.meta["id"] not in unused
        ]
