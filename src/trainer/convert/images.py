"""Pictures: inlined from inside the project, or left out with a finding; nothing is ever fetched."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from trainer.convert.svgs import UnsafeSvg, clean_svg
from trainer.core.errors import Where
from trainer.core.values import Finding

if TYPE_CHECKING:
    from markdown_it.token import Token

SVG = "image/svg+xml"
_KINDS = {
    ".png": ("image/png", b"\x89PNG"),
    ".jpg": ("image/jpeg", b"\xff\xd8"),
    ".jpeg": ("image/jpeg", b"\xff\xd8"),
    ".gif": ("image/gif", b"GIF8"),
    ".webp": ("image/webp", b"RIFF"),
    ".svg": (SVG, b""),
}
_MOST_BYTES = 5_000_000


class Images:
    """The pictures of one document, named relative to `base` and all inside `root`, and what was found about them."""

    def __init__(self, root: Path | None, shown: str, *, base: Path | None = None) -> None:
        self._root = root.resolve() if root else None
        self._base = base.resolve() if base else self._root
        self._shown = shown
        self.findings: list[Finding] = []
        self.line: int | None = None
        """The line of the block that is being written."""

    def render(self, token: Token, alt: str) -> str:
        """The `<img>` of a picture with its bytes inside, else its description in its place."""
        image = self.find(token, alt)
        if image is None:
            words = alt or str(token.attrGet("src") or "")
            return (
                f'<span class="missing" role="img" aria-label="{escape(words)}">[{escape(words, quote=False)}]</span>'
            )
        kind, content = image
        title = f' title="{escape(str(token.attrGet("title")))}"' if token.attrGet("title") else ""
        return f'<img src="data:{kind};base64,{base64.b64encode(content).decode()}" alt="{escape(alt)}"{title}>'

    def find(self, token: Token, alt: str) -> tuple[str, bytes] | None:
        """The kind and bytes of a picture; None, and a finding that says why, where it cannot be had."""
        source = str(token.attrGet("src") or "")
        image = self.load(source)
        if isinstance(image, str):
            self.leave_out(source, image)
            return None
        if not alt:
            self._find("missing_alt", "picture without a description", source)
        return image

    def load(self, source: str) -> tuple[str, bytes] | str:
        """The kind and bytes of a picture inside the project, or why it cannot be had; an SVG is made harmless."""
        path = self.place(source)
        if isinstance(path, str):
            return path
        kind, magic = _KINDS[path.suffix.lower()]
        content = path.read_bytes()
        if kind == SVG:
            return self._svg(content, source)
        return (kind, content) if content.startswith(magic) else f"its content is not {kind}"

    def place(self, source: str) -> Path | str:
        """The file of a picture inside the project, or why it is not to be read."""
        if urlsplit(source).scheme or source.startswith("//"):
            return "only files of the project are shown, nothing is fetched"
        if self._root is None or self._base is None:
            return "no folder to take pictures from"
        path = (self._base / unquote(source.partition("#")[0].partition("?")[0]).lstrip("/")).resolve()
        if not path.is_relative_to(self._root):
            return "it lies outside the project"
        if path.suffix.lower() not in _KINDS:
            return f"its kind is not one of {', '.join(sorted(_KINDS))}"
        if not path.is_file():
            return "there is no such file"
        if path.stat().st_size > _MOST_BYTES:
            return f"it is larger than {_MOST_BYTES // 1_000_000} MB"
        return path

    def leave_out(self, source: str, why: str) -> None:
        """Say that a picture's description stands in its place."""
        self._find("missing_image", f"picture left out: {why}", source)

    def shown_as(self, path: Path) -> str:
        """The name of a picture's file from the project's folder, with forward slashes."""
        assert self._root
        return path.relative_to(self._root).as_posix()

    def _svg(self, content: bytes, source: str) -> tuple[str, bytes] | str:
        try:
            drawing, dropped = clean_svg(content)
        except UnsafeSvg as error:
            return str(error)
        if dropped:
            self._find("unsafe_image", f"left out of the picture: {', '.join(dropped)}", source)
        return SVG, drawing

    def _find(self, kind: str, message: str, source: str) -> None:
        self.findings.append(Finding(kind, "warning", message, Where(self._shown, self.line), text=source))
