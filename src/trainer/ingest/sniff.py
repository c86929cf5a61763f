"""The type of a file: its name, its first bytes and a parse probe together, with how far they agree."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import PurePath
from typing import Any

from trainer.core.detect import detect
from trainer.core.formats import FORMATS, format_of_suffix
from trainer.core.yamltext import load_yaml
from trainer.ingest.values import FileType

PROBED = 4_000_000
"""Bytes that are looked at: a file's first megabytes tell its type as well as all of it."""
_MEDIA = (
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
)
_PLAIN = frozenset(("text", "markdown"))
"""Kinds that any text may be of, so that only a name makes them sure."""


def sniff(head: bytes, shown: str) -> FileType:
    """The type of a file by its name and its first `PROBED` bytes; `kind` None where these do not tell.

    >>> sniff(b"%PDF-1.7", "invoice.docx").confidence < sniff(b"%PDF-1.7", "invoice.pdf").confidence
    True
    """
    if not head.strip(b"\xef\xbb\xbf \t\r\n\0"):
        return FileType(None, None, 0.0, "empty" if not head.strip(b"\0") else "nothing but blanks")
    suffix = PurePath(shown).suffix.lower()
    language = language_of(suffix) or (_shebang(head) if not suffix else "")
    if language and b"\0" not in head[:4000]:
        return FileType("code", languages()[language]["media_type"], 0.97, language=language)
    detection = detect(head, shown)
    if detection.signature in ("image", "media"):
        media_type = _media_type(head)
        kind = "media" if media_type.startswith(("audio/", "video/")) else "image"
        return FileType(kind, media_type, 0.97)
    if detection.kind is None:
        return FileType(None, None, 0.0, detection.reason, detection.hint)
    kind = detection.kind
    named = format_of_suffix(suffix)
    if detection.reason:  # the name says something else, and the content is plain
        confidence = 0.75
    elif named is not None and named.name == kind:
        confidence = 0.99
    elif FORMATS[kind].binary:
        confidence = 0.97
    elif kind in _PLAIN:
        confidence = 0.6 if suffix else 0.7
    else:
        confidence = 0.85
    return FileType(kind, FORMATS[kind].media_type, confidence, detection.reason, detection.hint)


@cache
def languages() -> dict[str, Any]:
    """The programming languages by name: media type, suffixes, comments, and patterns of symbols and imports."""
    text = resources.files("trainer.ingest").joinpath("languages.yaml").read_text(encoding="utf-8")
    value = load_yaml(text, shown="languages.yaml").value
    assert isinstance(value, dict)
    return value


def language_of(suffix: str) -> str:
    """The programming language whose files end so; empty for none."""
    return _by_suffix().get(suffix.lower(), "")


@cache
def _by_suffix() -> dict[str, str]:
    return {suffix: name for name, language in languages().items() for suffix in language["suffixes"]}


def _shebang(head: bytes) -> str:
    """The language of a script without a suffix, by its first line."""
    if not head.startswith(b"#!"):
        return ""
    words = head.split(b"\n", 1)[0].decode("ascii", "replace").replace("/", " ").split()
    program = words[-1].rstrip("0123456789.") if words else ""
    return {"sh": "shell", "bash": "shell", "zsh": "shell", "node": "javascript", "Rscript": "r"}.get(
        program, program if program in languages() else ""
    )


def _media_type(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"heic", b"heix", b"mif1", b"avif"):
            return "image/avif" if brand == b"avif" else "image/heic"
        return {b"M4A ": "audio/mp4", b"qt  ": "video/quicktime"}.get(brand, "video/mp4")
    if head.startswith(b"RIFF"):
        return {b"WAVE": "audio/wav", b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}.get(head[8:12], "audio/x-riff")
    return next((name for magic, name in _MEDIA if head.startswith(magic)), "application/octet-stream")
