"""Sound and film: format, length and titles from the headers of WAV, FLAC, Ogg, MP3, MP4 and AVI."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from trainer.core.values import Json

_BITRATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
"""MPEG-1 layer III, in kbit/s, by the index of a frame's header (ISO 11172-3)."""
_RATES = (44_100, 48_000, 32_000, 0)
_FRAMES = {"TIT2": "title", "TPE1": "artist", "TALB": "album", "TDRC": "recorded", "TYER": "recorded", "TCON": "genre"}
"""Frames of ID3v2 that say what a sound is."""


def describe_media(content: bytes) -> dict[str, Json]:
    """`format`, `seconds`, `channels`, `sample_rate`, `width`, `height` and titles, as far as the headers tell."""
    describe = next((describe for starts, describe in _DESCRIBERS if starts(content)), _mp3)
    try:
        return describe(content)
    except (struct.error, IndexError, ZeroDivisionError, ValueError):
        return {"format": "damaged"}


def _riff(content: bytes) -> dict[str, Json]:
    described: dict[str, Json] = {"format": content[8:12].decode("ascii", "replace").strip()}
    rate = 0
    for name, body in _chunks(content, 12, "<"):
        if name == b"fmt ":
            _, channels, sample_rate, rate = struct.unpack_from("<HHII", body)
            described |= {"channels": channels, "sample_rate": sample_rate}
        elif name == b"data" and rate:
            described["seconds"] = round(len(body) / rate, 3)
        elif name == b"LIST" and body[:4] == b"hdrl" and body[4:8] == b"avih":
            microseconds, *_, frames = struct.unpack_from("<5I", body, 12)
            width, height = struct.unpack_from("<2I", body, 44)
            described |= {"seconds": round(microseconds * frames / 1e6, 3), "width": width, "height": height}
    return described


def _chunks(content: bytes, at: int, order: str) -> Iterator[tuple[bytes, bytes]]:
    while at + 8 <= len(content):
        name, (size,) = content[at : at + 4], struct.unpack_from(f"{order}I", content, at + 4)
        yield name, content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _flac(content: bytes) -> dict[str, Json]:
    described: dict[str, Json] = {"format": "FLAC"}
    at, last = 4, False
    while not last and at + 4 <= len(content):
        last, kind, size = bool(content[at] & 0x80), content[at] & 0x7F, int.from_bytes(content[at + 1 : at + 4], "big")
        body = content[at + 4 : at + 4 + size]
        if kind == 0:
            packed = int.from_bytes(body[10:18], "big")
            rate, samples = packed >> 44, packed & ((1 << 36) - 1)
            described |= {
                "sample_rate": rate,
                "channels": ((packed >> 41) & 7) + 1,
                "seconds": round(samples / rate, 3),
            }
        elif kind == 4:
            described |= _comments(body)
        at += 4 + size
    return described


def _comments(body: bytes) -> dict[str, Json]:
    """The titles of a Vorbis comment."""
    (vendor,) = struct.unpack_from("<I", body)
    (count,) = struct.unpack_from("<I", body, 4 + vendor)
    at, titles = 8 + vendor, {}
    for _ in range(min(count, 200)):
        (size,) = struct.unpack_from("<I", body, at)
        name, _, value = body[at + 4 : at + 4 + size].decode("utf-8", "replace").partition("=")
        if name.lower() in ("title", "artist", "album", "date", "genre"):
            titles[name.lower()] = value
        at += 4 + size
    return dict(titles)


def _ogg(content: bytes) -> dict[str, Json]:
    described: dict[str, Json] = {"format": "Ogg"}
    head, rate = content.find(b"\x01vorbis"), 0
    if head >= 0:
        channels, rate = struct.unpack_from("<BI", content, head + 11)
    elif (head := content.find(b"OpusHead")) >= 0:
        channels, rate = content[head + 9], 48_000  # positions of Opus always count 48,000 a second (RFC 7845)
        described["format"] = "Opus"
    else:
        return described
    (position,) = struct.unpack_from("<Q", content, content.rfind(b"OggS") + 6)
    described |= {"channels": channels, "sample_rate": rate, "seconds": round(position / rate, 3)}
    comment = content.find(b"\x03vorbis")
    tags = comment + 7 if comment >= 0 else content.find(b"OpusTags") + 8
    return described | (_comments(content[tags:]) if tags > 7 else {})


def _mp4(content: bytes) -> dict[str, Json]:
    described: dict[str, Json] = {"format": content[8:12].decode("ascii", "replace").strip()}
    for path, body in _boxes(content, 0, len(content), ()):
        if path[-1] == "mvhd":
            scale, duration = struct.unpack_from(">IQ" if body[0] else ">II", body, 20 if body[0] else 12)
            described["seconds"] = round(duration / scale, 3)
        elif path[-1] == "tkhd":
            width, height = (value >> 16 for value in struct.unpack_from(">II", body, len(body) - 8))
            if width and height:
                described |= {"width": width, "height": height}
    return described


def _boxes(content: bytes, at: int, end: int, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """The boxes of an MP4 file that say something (ISO 14496-12), those inside of `moov` and `trak` too."""
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", content, at)
        start = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", content, start)
            start += 8
        size = size or end - at
        if size < 8:
            return
        inner = (*path, name.decode("latin-1"))
        if name in (b"moov", b"trak") and len(path) < 4:
            yield from _boxes(content, start, min(end, at + size), inner)
        elif name in (b"mvhd", b"tkhd"):
            yield inner, content[start : at + size]
        at += size


def _mp3(content: bytes) -> dict[str, Json]:
    described: dict[str, Json] = {"format": "MP3"}
    at = 0
    if content.startswith(b"ID3"):
        at = 10 + _syncsafe(content[6:10])
        described |= _id3(content[10:at], version=content[3])
    at = next((place for place in range(at, min(at + 4096, len(content) - 4)) if _is_frame(content, place)), -1)
    if at < 0:
        return described
    bitrate, rate = _BITRATES[content[at + 2] >> 4], _RATES[(content[at + 2] >> 2) & 3]
    described |= {"sample_rate": rate, "channels": 1 if content[at + 3] >> 6 == 3 else 2}
    xing = next((place for mark in (b"Xing", b"Info") if (place := content.find(mark, at, at + 200)) > 0), -1)
    if xing > 0 and content[xing + 7] & 1:  # the number of frames, of 1,152 samples each
        (frames,) = struct.unpack_from(">I", content, xing + 8)
        described["seconds"] = round(frames * 1152 / rate, 3)
    else:
        described["seconds"] = round((len(content) - at) * 8 / (bitrate * 1000), 3)
    return described


def _is_frame(content: bytes, at: int) -> bool:
    """Whether a header of an MPEG-1 layer III frame stands here."""
    one, two, three = content[at : at + 3]
    return one == 0xFF and two & 0xFE == 0xFA and bool(_BITRATES[three >> 4]) and bool(_RATES[(three >> 2) & 3])


def _syncsafe(four: bytes) -> int:
    return sum(byte << shift for byte, shift in zip(four, (21, 14, 7, 0), strict=True))


def _id3(body: bytes, *, version: int) -> dict[str, Json]:
    titles: dict[str, Json] = {}
    at = 0
    while at + 10 <= len(body) and body[at]:
        name = body[at : at + 4].decode("latin-1")
        size = _syncsafe(body[at + 4 : at + 8]) if version > 3 else int.from_bytes(body[at + 4 : at + 8], "big")
        if name in _FRAMES and size > 1:
            encoding = ("latin-1", "utf-16", "utf-16-be", "utf-8")[min(body[at + 10], 3)]
            text = body[at + 11 : at + 10 + size].decode(encoding, "replace").strip("\0 ")
            titles.setdefault(_FRAMES[name], text)
        at += 10 + size
    return titles


_DESCRIBERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], dict[str, Json]]], ...] = (
    (lambda content: content.startswith(b"RIFF"), _riff),
    (lambda content: content.startswith(b"fLaC"), _flac),
    (lambda content: content.startswith(b"OggS"), _ogg),
    (lambda content: content[4:8] == b"ftyp", _mp4),
)
