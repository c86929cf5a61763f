"""Files that are zip archives of parts (Office, OpenDocument, EPUB), read within bounds; their XML without entities."""

from __future__ import annotations

import io
import lzma
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from trainer.core.errors import ConversionError, Where
from trainer.core.values import Json

if TYPE_CHECKING:
    from lxml.etree import _Element

MOST_ENTRIES = 20_000
MOST_BYTES = 256_000_000
"""Of one part unpacked, and of all parts that are read together."""
MOST_RATIO = 300
"""How many times smaller a part may be packed; tables of noughts reach 150, bombs a thousand."""
_SMALL = 10_000_000
"""Parts that are unpacked whatever their ratio."""
_UNTRUSTED = "do not open it unless you know who made it"


@dataclass(frozen=True, slots=True)
class Relationship:
    """What a part of an Office file points to."""

    kind: str
    """The last word of its type: `image`, `hyperlink`, `footnotes`."""
    target: str
    """A part's name, or an address."""
    external: bool = False


class Package:
    """A zip archive of parts; raises ConversionError for one that is damaged, locked or a bomb."""

    def __init__(self, content: bytes, shown: str) -> None:
        self.shown = shown
        self._read = 0
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
            self._entries = {
                entry.filename.replace("\\", "/").lstrip("/").lower(): entry for entry in self._archive.infolist()
            }
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise self.fault(f"damaged, or cut off: {error}") from None
        if len(self._entries) > MOST_ENTRIES:
            raise self.fault(f"more than {MOST_ENTRIES:,} parts", hint="it is no document that a program wrote")

    @property
    def names(self) -> list[str]:
        """All parts as they are spelt, folders left out."""
        return [entry.filename.replace("\\", "/").lstrip("/") for entry in self._entries.values() if not entry.is_dir()]

    def __contains__(self, name: str) -> bool:
        return name.lstrip("/").lower() in self._entries

    def size(self, name: str) -> int:
        """How large a part says that it is unpacked."""
        return self._entries[name.lstrip("/").lower()].file_size

    def read(self, name: str) -> bytes:
        """The bytes of a part; raises ConversionError for a missing one."""
        entry = self._entries.get(name.lstrip("/").lower())
        if entry is None:
            raise self.fault(f"the part {name} is missing")
        check_ratio(entry.file_size, entry.compress_size, name, self.shown)
        try:
            with self._archive.open(entry) as part:
                content = part.read(MOST_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError) as error:
            raise self.fault(f"the part {name} is damaged: {error}") from None
        except (RuntimeError, NotImplementedError):
            hint = "open it with the password, and save it without"
            raise self.fault(f"the part {name} is locked or packed in a way that is not read", hint=hint) from None
        self._read += len(content)
        if self._read > MOST_BYTES:
            raise self.fault(f"more than {MOST_BYTES:,} bytes unpacked", hint="split it")
        return content

    def xml(self, name: str) -> _Element:
        """The root of an XML part; raises ConversionError for a missing or damaged one."""
        root = parse_xml(self.read(name), f"the part {name}", self.shown)
        if any(not isinstance(element.tag, str) for element in root.iter()):
            raise self.fault(f"the part {name} refers to entities, which no program writes", hint=_UNTRUSTED)
        return root

    def optional(self, name: str) -> _Element | None:
        """The root of an XML part that may be missing."""
        return self.xml(name) if name in self else None

    def relations(self, name: str) -> dict[str, Relationship]:
        """What a part points to, by the identifier it uses; `` is the package itself."""
        folder, _, file = name.rpartition("/")
        root = self.optional(posixpath.join(folder, "_rels", f"{file}.rels"))
        if root is None:
            return {}
        relations = {}
        for item in root.iter("{*}Relationship"):
            target, external = item.get("Target", ""), item.get("TargetMode") == "External"
            if not external:
                target = unquote(target).replace("\\", "/")
                target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            relations[item.get("Id", "")] = Relationship(item.get("Type", "").rpartition("/")[2], target, external)
        return relations

    def fault(self, message: str, *, hint: str = "open it in its own program, and save it again") -> ConversionError:
        """The error for this file."""
        return ConversionError(message, where=Where(self.shown), hint=hint)


def check_ratio(size: int, packed: int, name: str, shown: str) -> None:
    """Raise ConversionError for a part that is too large unpacked, or far larger than it is packed."""
    if size > MOST_BYTES:
        raise ConversionError(f"{name} is {size:,} bytes unpacked", where=Where(shown), hint="split it")
    if size > _SMALL and size > packed * MOST_RATIO:
        message = f"{name} is {size // max(packed, 1):,} times larger unpacked, as only bombs are"
        raise ConversionError(message, where=Where(shown), hint=_UNTRUSTED)


def parse_xml(content: bytes, what: str, shown: str) -> _Element:
    """The root of an XML document; entities stay what they are, nothing is fetched, and depth and size are bounded."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position or (None, None)
        where = Where(shown) if what else Where(shown, line, column)
        message = f"{what} is no XML: {error.msg}" if what else f"not valid XML: {error.msg}"
        raise ConversionError(message, where=where, hint="it may be damaged: save it again") from None
    except ValueError as error:  # an encoding that contradicts itself
        raise ConversionError(f"not valid XML: {error}", where=Where(shown)) from None
    if root is None:
        raise ConversionError("empty", where=Where(shown))
    return root


def local(element: Any) -> str:
    """An element's name without its namespace, by which strict and transitional Office files are read alike."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Any, name: str) -> str | None:
    """An attribute by its name without namespace."""
    for key, value in element.attrib.items():
        if key == name or key.endswith(f"}}{name}"):
            return str(value)
    return None


def children(element: Any, *names: str) -> Iterator[Any]:
    """The children of these names, without namespace."""
    return (child for child in element if local(child) in names)


def child(element: Any, *path: str) -> Any | None:
    """The first descendant down a path of names, without namespace."""
    for name in path:
        element = next(children(element, name), None)
        if element is None:
            return None
    return element


_PROPERTIES = {
    "title": "title",
    "creator": "author",
    "initial-creator": "author",
    "subject": "subject",
    "keywords": "keywords",
    "keyword": "keywords",
    "language": "language",
    "created": "created",
    "creation-date": "created",
    "modified": "modified",
}


def properties(root: _Element | None) -> dict[str, Json]:
    """What Dublin Core and its like say of a document: title, author, when it was made."""
    values: dict[str, Json] = {}
    if root is not None:
        for element in root.iter("*"):
            name, words = _PROPERTIES.get(local(element)), " ".join((element.text or "").split())
            if name and words and name not in values:
                values[name] = words
    return values
