"""Formats beyond our own, by pandoc where there is one; it gets our HTML; that names no file and fetches nothing."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import zipfile
from functools import partial
from html import escape
from importlib.util import find_spec
from pathlib import Path

from trainer.convert.base import Options
from trainer.convert.document import Converted, Document
from trainer.convert.furnish import furnish
from trainer.convert.writers.html import render_body
from trainer.convert.writers.markdown import as_document
from trainer.core.digest import digest
from trainer.core.errors import ConversionError, MissingExtra, Where
from trainer.core.readings import Dataset

_BINARY = ("epub", "odt")
_SECONDS = 120
_NO_TEMPLATE = b"Could not find data file"
"""Debian's pandoc keeps its own templates in files that its sandbox cannot read; our page names no file either way."""
_EPOCH = "315532800"
"""1980, the first year an archive can name: the output is not to tell when it was made."""


def write_as(target: str, source: Document | Dataset, options: Options) -> Converted[str] | Converted[bytes]:
    """The document in one of pandoc's formats; raises MissingExtra where there is no pandoc."""
    pandoc = find_pandoc()
    if pandoc is None:
        raise MissingExtra("pandoc", "pandoc")
    furnished = furnish(as_document(source, options), data=options.data, meta=options.meta)
    body, findings = render_body(furnished, options)
    facts = {**furnished.document.meta, **options.meta}
    named = "".join(
        f'<meta name="{name}" content="{escape(str(facts[name]))}">\n' for name in ("author", "date") if facts.get(name)
    )
    identifier = digest([furnished.title, body.html])
    page = (
        f'<html lang="{escape(furnished.language)}">\n<head>\n<title>{escape(furnished.title)}</title>\n{named}'
        f'<meta name="identifier" content="{identifier}">\n</head>\n<body>\n{body.html}</body>\n</html>\n'
    )
    content = _run(pandoc, target, page, shown=furnished.document.shown)
    if target in _BINARY:
        return Converted(_undated(content), findings, furnished.title)
    return Converted(content.decode("utf-8").replace("\r\n", "\n"), findings, furnished.title)


def find_pandoc() -> str | None:
    """Pandoc's path: the program on PATH, else the one in the package pypandoc_binary."""
    spec = find_spec("pypandoc")
    bundled = Path(spec.origin).parent / "files" / "pandoc" if spec and spec.origin else None
    return shutil.which("pandoc") or (str(bundled) if bundled and bundled.is_file() else None)


def _undated(archive: bytes) -> bytes:
    """The same archive without the time it was packed at, which older pandocs write."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(buffer, "w") as target:
        for part in source.infolist():
            info = zipfile.ZipInfo(part.filename, (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.create_system = part.compress_type, 0
            target.writestr(info, source.read(part))
    return buffer.getvalue()


def _run(pandoc: str, target: str, page: str, *, shown: str) -> bytes:
    command = [pandoc, "--standalone", "--from=html", f"--to={target}", "--output=-"]
    done = _done([*command, "--sandbox"], page, shown=shown)
    if done.returncode and _NO_TEMPLATE in done.stderr:
        done = _done(command, page, shown=shown)
    if done.returncode:
        stderr = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
        raise ConversionError(f"pandoc: {stderr}", where=Where(shown), hint="pandoc 2.15 or later is needed")
    return done.stdout


def _done(command: list[str], page: str, *, shown: str) -> subprocess.CompletedProcess[bytes]:
    environ = {**os.environ, "SOURCE_DATE_EPOCH": _EPOCH}
    try:
        return subprocess.run(  # noqa: S603  (a fixed command; the document comes on its standard input)
            command, input=page.encode(), capture_output=True, check=False, timeout=_SECONDS, env=environ
        )
    except subprocess.TimeoutExpired:
        raise ConversionError(f"pandoc took longer than {_SECONDS} s", where=Where(shown)) from None


asciidoc = partial(write_as, "asciidoc")
docbook = partial(write_as, "docbook")
epub = partial(write_as, "epub")
mediawiki = partial(write_as, "mediawiki")
odt = partial(write_as, "odt")
org = partial(write_as, "org")
rst = partial(write_as, "rst")
rtf = partial(write_as, "rtf")
