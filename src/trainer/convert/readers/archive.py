"""Archives, zip and tar: what the files in them hold, by the one table of readers, within limits."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from trainer.convert.readers.nested import MOST_FILES, ContainerReader
from trainer.convert.readers.package import MOST_BYTES, Package
from trainer.core.errors import ConversionError, Where
from trainer.core.readings import Dataset, Reading, ReadOptions, data_of
from trainer.core.values import Finding, Json

_PASSED_BY = re.compile(r"(?:^|/)(?:__MACOSX|\.[^/.][^/]*|Thumbs\.db|desktop\.ini)(?:/|\Z)")
"""What systems add by themselves."""


def archive_members(content: bytes, shown: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file in a zip or tar archive, within the limits of size and number.

    What systems add by themselves, what is empty and what would lead out of the archive is left out.
    """
    is_zip = content.startswith(b"PK")
    for count, (name, body) in enumerate(_zipped(content, shown) if is_zip else _packed(content, shown), 1):
        if count > MOST_FILES:
            raise ConversionError(f"more than {MOST_FILES:,} files", where=Where(shown), hint="split it")
        if body.strip() and not _PASSED_BY.search(name) and not _is_outside(name):
            yield name, body


def read_zip(content: bytes, *, shown: str, options: ReadOptions) -> Reading:
    """The files in a zip archive."""
    return _read(_zipped(content, shown), shown, options)


def _zipped(content: bytes, shown: str) -> Iterator[tuple[str, bytes]]:
    package = Package(content, shown)
    return ((name, package.read(name)) for name in sorted(package.names))


def read_tar(content: bytes, *, shown: str, options: ReadOptions) -> Reading:
    """The files in a tar archive, packed or not; a single packed file is what it was before."""
    return _read(_packed(content, shown), shown, options)


def _packed(content: bytes, shown: str) -> Iterator[tuple[str, bytes]]:
    unpacked = _unpacked(content, shown)
    if unpacked[257:262] == b"ustar" or re.search(r"\.(?:tar(?:\.\w+)?|t[gbx]z2?)\Z", shown, re.IGNORECASE):
        return _members(unpacked, shown)
    name = PurePosixPath(shown.replace("\\", "/")).name
    name = re.sub(r"\.(?:gz|bz2|xz)\Z", "", name, flags=re.IGNORECASE) or "file"
    return iter([(name, unpacked)])


def _read(members: Iterator[tuple[str, bytes]], shown: str, options: ReadOptions) -> Reading:
    """`files`: what each holds by its name. A single file is read as itself; one that cannot be read is told."""
    nested = ContainerReader(shown, options)
    files: dict[str, Json] = {}
    readings: list[Reading] = []
    count = 0
    for name, content in members:
        if _PASSED_BY.search(name):
            continue
        count += 1
        if count > MOST_FILES:
            raise ConversionError(f"more than {MOST_FILES:,} files", where=Where(shown), hint="split it")
        if _is_outside(name):
            nested.findings.append(
                Finding("left_out", "warning", f"left out: {name}, which leads out of the archive", Where(shown))
            )
        elif not content.strip():
            nested.findings.append(Finding("left_out", "note", f"left out: {name} is empty", Where(shown)))
        elif (reading := nested.read(name, content)) is not None:
            readings.append(reading)
            files[name] = data_of(reading)
    if not readings:
        first = nested.findings[0].message if nested.findings else "it is empty"
        message = f"no file in it that can be read: {first}"
        raise ConversionError(message, where=Where(shown), hint="unpack it, and look")
    if len(readings) == 1 and count == 1:
        return readings[0]
    return Dataset({"files": files}, shown, findings=tuple(nested.findings))


def _is_outside(name: str) -> bool:
    """Whether a member's name would lead out of the folder that it is unpacked in."""
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or bool(re.match(r"[A-Za-z]:", name))


def _unpacked(content: bytes, shown: str) -> bytes:
    packed = io.BytesIO(content)
    file: io.BufferedIOBase = packed
    if content.startswith(b"\x1f\x8b"):
        file = gzip.GzipFile(fileobj=packed)
    elif content.startswith(b"BZh"):
        file = bz2.BZ2File(packed)
    elif content.startswith(b"\xfd7zXZ\0"):
        file = lzma.LZMAFile(packed)  # noqa: SIM115  (in memory)
    try:
        unpacked = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        raise ConversionError(f"damaged, or cut off: {error}", where=Where(shown), hint="pack it again") from None
    if len(unpacked) > MOST_BYTES:
        raise ConversionError(f"more than {MOST_BYTES:,} bytes unpacked", where=Where(shown), hint="split it")
    return unpacked


def _members(content: bytes, shown: str) -> Iterator[tuple[str, bytes]]:
    """The plain files in a tar archive; links and devices are no files."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                if member.isreg() and (file := archive.extractfile(member)) is not None:
                    yield member.name, file.read()
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError) as error:
        raise ConversionError(f"damaged, or cut off: {error}", where=Where(shown), hint="pack it again") from None
