"""EPUB books: the chapters in reading order."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote

from trainer.convert.readers.encoding import decode
from trainer.convert.readers.html import html_to_markdown
from trainer.convert.readers.package import Package, properties
from trainer.core.errors import ConversionError, Where
from trainer.core.readings import DocumentText, ReadOptions
from trainer.core.values import Finding

_FRONT = re.compile(r"\A---\ntitle: .*\n---\n")


def read(content: bytes, *, shown: str, options: ReadOptions) -> DocumentText:  # noqa: ARG001  (the seam's signature)
    """The book's text; pictures are left out, and chapters that are missing are told."""
    package = Package(content, shown)
    roots = [one.get("full-path", "") for one in package.xml("META-INF/container.xml").iter("{*}rootfile")]
    main = next((name for name in roots if name in package), None)
    if main is None:
        raise package.fault("no book in it")
    book = package.xml(main)
    folder = posixpath.dirname(main)
    places = {
        one.get("id", ""): (
            posixpath.normpath(posixpath.join(folder, unquote(one.get("href", "")))),
            one.get("media-type", ""),
        )
        for one in book.iter("{*}item")
    }
    if "META-INF/encryption.xml" in package and "adept" in str(package.read("META-INF/encryption.xml")):
        raise ConversionError("locked by copy protection", where=Where(shown), hint="get a copy without")
    chapters, findings = [], []
    for reference in book.iter("{*}itemref"):
        name, media_type = places.get(reference.get("idref", ""), ("", ""))
        if name not in package:
            findings.append(Finding("left_out", "warning", f"the chapter {name or '?'} is missing", Where(shown)))
        elif "html" in media_type or "xml" in media_type:
            page = decode(package.read(name), f"{shown}/{name}").text
            chapters.append(_FRONT.sub("", html_to_markdown(page)).strip("\n"))
    meta = {**properties(next(book.iter("{*}metadata"), None)), "chapters": len(chapters)}
    markdown = "\n\n".join(chapter for chapter in chapters if chapter) + "\n"
    return DocumentText(markdown, shown, meta=meta, findings=tuple(findings))
