"""Messages of Outlook (.msg): headers, text and attachments, from the streams of a compound file."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from trainer.convert.readers.compound import Compound
from trainer.convert.readers.html import html_to_markdown
from trainer.convert.readers.nested import ContainerReader, read_nested
from trainer.convert.readers.rtf import rtf_to_markdown
from trainer.convert.readers.text import plain_markdown
from trainer.core.clock import isoformat
from trainer.core.errors import ConversionError, Where
from trainer.core.readings import DocumentText, ReadOptions
from trainer.core.values import Finding, Json

_PROPERTIES = {"0037": "title", "0C1A": "from", "0E04": "to", "0E03": "cc"}
_MOST_RTF = 64_000_000


def read(content: bytes, *, shown: str, options: ReadOptions) -> DocumentText:
    """A message: its headers, its text, and what the attachments hold that are of a format that is read."""
    streams = Compound(content, shown).streams()
    if not any(name.startswith("__substg1.0_") for name in streams):
        raise ConversionError("no message in it", where=Where(shown), hint="export it again, or as .eml")
    nested = ContainerReader(shown, options)
    markdown, meta = _message(streams, nested)
    return DocumentText(markdown, shown, meta=meta, findings=tuple(nested.findings))


def _message(streams: Mapping[str, bytes], nested: ContainerReader) -> tuple[str, dict[str, Json]]:
    codepage = _codepage(streams)
    meta: dict[str, Json] = {}
    for number, key in _PROPERTIES.items():
        if words := " ".join(_text(streams, number, codepage).split()):
            meta[key] = words
    if sent := _sent(streams.get("__properties_version1.0", b"")):
        meta["date"] = sent
    sections = [_body(streams, codepage).strip("\n")]
    names: list[Json] = []
    folders = sorted({name.split("/", 1)[0] for name in streams if name.startswith("__attach_version1.0_")})
    for folder in folders:
        part = {
            name.removeprefix(f"{folder}/"): stream for name, stream in streams.items() if name.startswith(f"{folder}/")
        }
        name = " ".join((_text(part, "3707", codepage) or _text(part, "3704", codepage) or "attachment").split())
        names.append(name)
        inner = {
            path.removeprefix("__substg1.0_3701000D/"): stream
            for path, stream in part.items()
            if path.startswith("__substg1.0_3701000D/")
        }
        if inner and nested.options.depth < 3:
            text, about = _message(inner, nested)
            sections.append(f"## {about.get('title', name)}\n\n{text.strip()}")
        elif inner:
            nested.findings.append(Finding("left_out", "warning", f"left out: {name}: too deep", Where(nested.shown)))
        else:
            sections.append(read_nested(nested, name, part.get("__substg1.0_37010102", b"")))
    if names:
        meta["attachments"] = names
    return "\n\n".join(section for section in sections if section) + "\n", meta


def _body(streams: Mapping[str, bytes], codepage: str) -> str:
    if words := _text(streams, "1000", codepage):
        return plain_markdown(words.replace("\r\n", "\n"))
    if page := streams.get("__substg1.0_10130102", b""):
        declared = re.search(rb"charset=[\"']?([\w-]+)", page[:2000])
        return re.sub(
            r"\A---\ntitle: .*\n---\n",
            "",
            html_to_markdown(_decoded(page, declared[1].decode() if declared else codepage)),
        )
    if packed := streams.get("__substg1.0_10090102", b""):
        return rtf_to_markdown(_unpacked_rtf(packed))[0]
    return ""


def _text(streams: Mapping[str, bytes], number: str, codepage: str) -> str:
    wide, narrow = streams.get(f"__substg1.0_{number}001F"), streams.get(f"__substg1.0_{number}001E")
    if wide is not None:
        return wide.decode("utf-16-le", "replace").rstrip("\0")
    return _decoded(narrow, codepage).rstrip("\0") if narrow is not None else ""


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding, "replace")
    except LookupError:
        return content.decode("cp1252", "replace")


def _property(stream: bytes, number: int) -> bytes | None:
    """The eight bytes of a property of fixed size."""
    for at in range(len(stream) % 16, len(stream) - 15, 16):
        if struct.unpack_from("<I", stream, at)[0] == number:
            return stream[at + 8 : at + 16]
    return None


def _codepage(streams: Mapping[str, bytes]) -> str:
    value = _property(streams.get("__properties_version1.0", b""), 0x3FFD0003)
    number = struct.unpack("<I", value[:4])[0] if value else 1252
    return {65001: "utf-8", 20127: "ascii", 28591: "iso-8859-1"}.get(number, f"cp{number}")


def _sent(stream: bytes) -> str:
    for number in (0x00390040, 0x0E060040):
        if value := _property(stream, number):
            ticks = struct.unpack("<Q", value)[0]
            if 0 < ticks < 3 * 10**18:
                return isoformat(datetime(1601, 1, 1, tzinfo=UTC) + timedelta(seconds=ticks // 10_000_000))
    return ""


_PRIMED = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""What Outlook's packing starts its dictionary with (MS-OXRTFCP 2.1.2.1)."""


def _unpacked_rtf(packed: bytes) -> bytes:
    """RTF as it was before Outlook packed it."""
    if packed[8:12] == b"MELA":
        return packed[16:]
    window = bytearray(_PRIMED.ljust(4096, b"\0"))
    at, place, text = 16, len(_PRIMED), bytearray()
    while at < len(packed) and len(text) < _MOST_RTF:
        control = packed[at]
        at += 1
        for bit in range(8):
            if control >> bit & 1:
                if at + 2 > len(packed):
                    return bytes(text)
                token = packed[at] << 8 | packed[at + 1]
                at += 2
                start, length = token >> 4, (token & 15) + 2
                if start == place % 4096:
                    return bytes(text)
                run: list[int] = []
                for step in range(length):
                    byte = window[(start + step) % 4096]
                    run.append(byte)
                    window[place % 4096] = byte
                    place += 1
                text += bytes(run)
            elif at < len(packed):
                text.append(packed[at])
                window[place % 4096] = packed[at]
                place += 1
                at += 1
    return bytes(text)
