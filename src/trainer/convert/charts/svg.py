"""The strings SVG is made of."""

from __future__ import annotations

from html import escape

WIDTH = 680.0
"""Of every drawing but sparks, in its own units."""

COLOURS = ("#1f4e79", "#c2702a", "#3f8f7d", "#8a5a9e", "#6d7f8f", "#b23a48", "#8d8b2f", "#4f9bd0")
INK = "#1d2733"
MUTED = "#5b6875"
RULE = "#dde3e8"

_TEXT_WIDTH = 0.56
"""Of one letter, as a share of the type size: a little generous, so that nothing collides."""


def coordinate(value: float) -> str:
    """A coordinate to a tenth, without a trailing zero."""
    return f"{round(value, 1) + 0.0:g}"


def tag(name: str, inner: str = "", **attributes: str | float) -> str:
    """An element; `class_` is written `class`, underscores become hyphens, numbers are rounded to a tenth."""
    pairs = (
        (key.rstrip("_").replace("_", "-"), coordinate(value) if isinstance(value, int | float) else escape(value))
        for key, value in attributes.items()
    )
    opening = "".join(f' {key}="{value}"' for key, value in pairs)
    return f"<{name}{opening}>{inner}</{name}>" if inner else f"<{name}{opening}/>"


def text(words: str, x: float, y: float, *, anchor: str = "start", size: float = 12, muted: bool = True) -> str:
    """Words at a place."""
    return tag(
        "text",
        escape(words),
        x=x,
        y=y,
        font_size=size,
        text_anchor=anchor,
        fill=MUTED if muted else INK,
        class_="t" if muted else "ti",
    )


def line(x1: float, y1: float, x2: float, y2: float, *, strong: bool = False) -> str:
    """A grid line, or the base line where it is strong."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke="#9aa6b1" if strong else RULE, class_="b" if strong else "g")


def text_width(words: str, size: float = 12) -> float:
    """About how wide the words are."""
    return sum(1.0 if ord(letter) > 0x2E7F else _TEXT_WIDTH for letter in words) * size


def drawing(parts: list[str], *, height: float, title: str, description: str, ident: str, width: float = WIDTH) -> str:
    """A whole SVG with its title and description for those who cannot see it."""
    words = tag("title", escape(title), id=f"{ident}-t") if title else ""
    words += tag("desc", escape(description), id=f"{ident}-d") if description else ""
    labelled = " ".join(f"{ident}-{part}" for part, content in (("t", title), ("d", description)) if content)
    return tag(
        "svg",
        words + "".join(parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {coordinate(width)} {coordinate(height)}",
        role="img",
        aria_labelledby=labelled,
        class_="chart",
        font_family="Inter, system-ui, sans-serif",
    )
