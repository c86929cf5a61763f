"""What format a file is in: by its name, its content and a parse probe together, abstaining where they do not tell."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.core.formats import FORMATS, format_of_suffix

_HTML = re.compile(
    r"<(?:!doctype\s+html|html|head|body|article|section|main|div|table|p|"
    r"ul|ol|h[1-6]|header|figure|span|a|b|i|strong|em|pre|blockquote|img|br|hr)\b[^<>]*>",
    re.IGNORECASE,
)
_MARKDOWN = (
    re.compile(r"^ {0,3}#{1,6}[ \t]+\S", re.MULTILINE),
    re.compile(r"^ {0,3}(?:[-*+]|\d{1,9}[.)])[ \t]+\S", re.MULTILINE),
    re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE),
    re.compile(r"^[ \t]{0,3}\|?(?: ?:?-{2,}:? ?\|)+ ?:?-*:? ?$", re.MULTILINE),
    re.compile(r"^ {0,3}> ", re.MULTILINE),
    re.compile(r"(?<!\w)(?:\*\*|__)\S(?:.{0,300}?\S)?(?:\*\*|__)(?!\w)"),
    re.compile(r"!?\[[^\[\]\n]{1,300}\]\([^()\s]{1,2000}(?:[ \t]\"[^\"\n]{0,300}\")?\)"),
    re.compile(r"(?<!`)`[^`\n]+`(?!`)"),
    re.compile(r"\A---\n(?:[\w-]+:.*\n)+---\n"),
    re.compile(r"^\[\^?[^\[\]\n]{1,300}\]:\s", re.MULTILINE),
    re.compile(r"^\S[^\n]*\n(?:={3,}|-{3,})[ \t]*$", re.MULTILINE),
)
_YAML = re.compile(r"^(?:- )?[A-Za-z_][\w .-]*:(?:\s|$)")


_MAIL = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*:[^\n]*\n(?:[ \t][^\n]*\n)*){2,}")
_MAIL_NAMES = re.compile(
    r"^(from|return-path|received|message-id|mime-version|date|subject|to):", re.IGNORECASE | re.MULTILINE
)
_PAGE = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
"""What a whole page starts with; a cell of a table may well start with a link."""
_XML = re.compile(r"<(?!!doctype html)(?:\?xml\s|!DOCTYPE\s|[A-Za-z_][\w.:-]*[\s/>])", re.IGNORECASE)
_PROBED = 4_000_000
"""Characters that are looked at; a file's first megabytes tell its format as well as all of it."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What format a file is in."""

    kind: str | None
    """A name of the table of formats; None where it is not sure, or not one that is read."""
    reason: str = ""
    """Why it is none, or what is odd about it: a name that says something else."""
    hint: str = ""
    """What to do about it."""
    signature: str = ""
    """What its first bytes say it is where it is not one that is read: `image`, `media`, `sqlite` …"""


def detect(content: bytes, shown: str) -> Detection:
    """The format of a file by name and content together; a name that the content contradicts does not decide.

    >>> detect(b"%PDF-1.7", "invoice.docx").reason
    'named .docx, and holds PDF'
    """
    suffix = Path(shown).suffix.lower()
    named = format_of_suffix(suffix) or format_of_suffix("".join(Path(shown).suffixes[-2:]).lower())
    if signature := _signature(content):
        return _by_signature(signature, named.name if named else None, suffix)
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        return Detection(named.name if named and not named.binary else "text")
    if _is_binary(content):
        if named is not None and not named.binary:
            return Detection(named.name)  # its reader says where the text ends
        what = f"named {suffix}, and is none" if named else "neither text nor a format that is known"
        return Detection(None, what, "it may be damaged: open it in its own program, and save it again")
    if named is not None and not named.binary:
        return _text_with_name(content, named.name, suffix)
    kind = detect_format(content)
    if named is None:
        return Detection(kind)
    if kind == "text":
        return Detection(None, f"named {suffix}, and is plain text", "name it .txt, or give its format")
    return Detection(kind, f"named {suffix}, and holds {FORMATS[kind].title}")


def _text_with_name(content: bytes, kind: str, suffix: str) -> Detection:
    """By the name, unless the text is plainly something else."""
    start = _as_text(content[:4000]).lstrip("\ufeff").lstrip()
    if kind in ("csv", "tsv", "json", "jsonl", "yaml") and _PAGE.match(start):
        hint = "it may be an error page that was saved as data; to read it all the same, name it .html"
        return Detection(None, f"named {suffix}, and holds an HTML page", hint)
    if kind == "json" and start[:1] in ("{", "["):
        text = _as_text(content[:_PROBED]).lstrip("\ufeff").strip()
        if not _is_json(text) and _is_json_lines(text):
            return Detection("jsonl", f"named {suffix}, and holds JSON lines")
    if kind == "text" and _is_tabbed(content):
        return Detection("tsv", f"named {suffix}, and holds a table between tabs")
    return Detection(kind)


def _by_signature(kind: str, named: str | None, suffix: str) -> Detection:
    """By a signature of the content; where there is no reader for it, what to do."""
    if kind in _NOT_READ:
        what, hint = _NOT_READ[kind]
        return Detection(None, what, hint, kind)
    item = FORMATS[kind]
    alike = named in (None, kind) or {named, kind} <= {"zip", "tar"} or (kind == "zip" and not item.binary)
    return Detection(kind, "" if alike else f"named {suffix}, and holds {item.title}")


def _signature(content: bytes) -> str | None:
    """The format that a content's first bytes say, one of the table or of those that are known and not read."""
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(content)
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _compound_kind(content)
    if b"%PDF-" in content[:1024]:
        return "pdf"
    if content[257:262] == b"ustar":
        return "tar"
    if content[4:8] == b"ftyp":
        return "media"
    if content[:2] == b"\x09\x08" or (content[:2] in (b"\x09\x00", b"\x09\x02", b"\x09\x04") and b"\0" in content[:8]):
        return "xls"  # a workbook of before 1995, whose records stand alone
    if content[:100].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and (flat := _FLAT.search(content[:8000])):
        return _MIMETYPES.get(flat[1])
    return None


_MAGIC = (
    (b"{\\rtf", "rtf"),
    (b"PAR1", "parquet"),
    (b"\x1f\x8b", "tar"),
    (b"BZh", "tar"),
    (b"\xfd7zXZ\0", "tar"),
    (b"\x89PNG\r\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"8BPS", "image"),
    (b"OggS", "media"),
    (b"ID3", "media"),
    (b"RIFF", "media"),
    (b"fLaC", "media"),
    (b"7z\xbc\xaf'\x1c", "archive"),
    (b"Rar!", "archive"),
    (b"SQLite format 3\0", "sqlite"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"%!PS", "postscript"),
    (b"{\\pwi", "pocketword"),
    (b"!BDN", "outlook"),
)
_NOT_READ: Mapping[str, tuple[str, str]] = {
    "archive": ("an archive of a kind that is not read", "unpack it, or pack it as .zip or .tar.gz"),
    "doc": (
        "a Word document of before 2007, which is not read",
        "open it in Word or LibreOffice, and save it as .docx",
    ),
    "encrypted": ("locked by a password", "open it with the password, and save it without"),
    "image": ("a picture, in which no words are read", "run it through OCR, and read the text or PDF that makes"),
    "media": ("sound or film, of which nothing is read", "make a transcript, and read that"),
    "office": ("an Office file of a kind that is not read", "save it as .docx, .pptx or .xlsx"),
    "outlook": ("a mailbox of Outlook, which is not read", "export its messages as .eml or .mbox"),
    "pocketword": ("a Pocket Word document, which is not read", "save it as .rtf or .docx"),
    "postscript": ("PostScript, which is not read", "make a PDF of it: ps2pdf FILE"),
    "ppt": (
        "a presentation of before 2007, which is not read",
        "open it in PowerPoint or LibreOffice, and save it as .pptx",
    ),
    "program": ("a program, of which nothing is read", "name a document or a table"),
    "sqlite": ("an SQLite database", "ask it through the source database, url: sqlite:///FILE"),
}
"""What is recognised and not read: what it is, and what to do."""
_MIMETYPES = {
    b"application/epub+zip": "epub",
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.presentation": "odp",
}
_FLAT = re.compile(rb"""office:mimetype=["'](application/vnd\.oasis\.opendocument\.[a-z]+)["']""")
"""What an OpenDocument file that is one XML document says of itself."""


def _zip_kind(content: bytes) -> str:
    """Which of the formats that are zip files inside this is."""
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()[:20_000]
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                mimetype = archive.read("mimetype").strip().removesuffix(b"-template")
                if mimetype in _MIMETYPES:
                    return _MIMETYPES[mimetype]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
        names = []
    parts = {name.replace("\\", "/").lower() for name in names}
    if not parts:  # cut off: what stands in the first entries
        parts = {part for part in ("word/", "ppt/", "xl/") if part.encode() in content[:200_000]}
    if any(part.startswith("word/") for part in parts):
        return "docx"
    if any(part.startswith("ppt/") for part in parts):
        return "pptx"
    if "xl/workbook.bin" in parts:
        return "xlsb"
    if any(part.startswith("xl/") for part in parts):
        return "xlsx"
    return "office" if "[content_types].xml" in parts and "visio/document.xml" in parts else "zip"


def _compound_kind(content: bytes) -> str:
    """Which of the formats that are compound files inside this is, by the names of its streams."""
    for name, kind in (
        ("EncryptedPackage", "encrypted"),
        ("__properties_version1.0", "msg"),
        ("WordDocument", "doc"),
        ("PowerPoint Document", "ppt"),
        ("Workbook", "xls"),
        ("Book", "xls"),
    ):
        if name.encode("utf-16-le") in content:
            return kind
    return "office"


def _is_binary(content: bytes) -> bool:
    """Whether a content holds noughts, which text has in UTF-16 and UTF-32 alone."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        return False
    sample = content[:_PROBED]
    return b"\0" in sample and not _is_utf16(sample)


def _is_utf16(sample: bytes) -> bool:
    """Whether every other byte of a sample is nought: UTF-16 that does not say so."""
    even, odd = sample[:4000:2], sample[1:4000:2]
    return len(sample) > 3 and (even.count(0) > len(even) * 0.7) != (odd.count(0) > len(odd) * 0.7)


def _as_text(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    if _is_utf16(content[:4000]):
        return content.decode("utf-16-le" if content[1:2] == b"\0" else "utf-16-be", "replace")
    return content.decode("utf-8-sig", "replace")


def detect_format(content: str | bytes | Mapping[str, Any] | list[Any]) -> str:
    r"""The name of a format that is read, by the content alone; `text` where it says nothing else.

    >>> detect_format("# Title"), detect_format('{"a": 1}'), detect_format("a,b\n1,2\n3,4")
    ('markdown', 'json', 'csv')
    """
    if isinstance(content, Mapping | list):
        return "json"
    if isinstance(content, bytes):
        if (kind := _signature(content)) and kind in FORMATS:
            return kind
        content = _as_text(content[:_PROBED])
    text = content.lstrip("\ufeff").strip()
    for kind, probe in _PROBES:
        if probe(text):
            return kind
    return "markdown" if any(pattern.search(text) for pattern in _MARKDOWN) else "text"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_json_lines(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > 1 and all(line.lstrip()[:1] in "{[" and _is_json(line) for line in lines)


def _is_html(text: str) -> bool:
    """Whether a text starts with an element of a page, behind a declaration of XML and comments."""
    at = 0
    while text.startswith(("<?xml", "<!--"), at):
        closing = "?>" if text.startswith("<?xml", at) else "-->"
        end = text.find(closing, at)
        if end < 0:
            return False
        at = end + len(closing)
        at += len(text[at : at + 1000]) - len(text[at : at + 1000].lstrip())
    return bool(_HTML.match(text, at))


def _is_xml(text: str) -> bool:
    """Whether a text starts like XML and ends with a tag."""
    return bool(_XML.match(text)) and text.endswith(">")


def _is_mail(text: str) -> bool:
    """Whether a text starts with three headers of a message, one of which no other file has."""
    headers = _MAIL.match(text)
    names = {name.lower() for name in _MAIL_NAMES.findall(headers[0])} if headers else set()
    return len(names) > 2 and bool(names & {"from", "return-path", "received", "message-id"})


def _front_matter(text: str) -> bool:
    if not text.startswith("---"):
        return False
    from trainer.core.frontmatter import split_front_matter  # YAML takes as long to load as all else here

    parts = split_front_matter(text + "\n")
    return bool(parts.meta) and bool(parts.body.strip())


def _is_csv(text: str) -> bool:
    """Two or more rows of the same number of cells, three or more lines where there is but one separator a row."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or lines[0].lstrip()[:1] in "#|<>-*":
        return False
    for separator in (",", ";", "\t"):
        if separator not in lines[0]:
            continue
        widths = {len(row) for row in csv.reader(lines, delimiter=separator)}
        if len(widths) == 1 and (widths > {2} or len(lines) > 2 or separator == "\t" or min(widths) > 2):
            return not any(re.search(r"[.!?]\s*\Z", line) for line in lines)
        if widths == {2} and not any(" " in line for line in lines):
            return True
    return False


def _is_tabbed(content: bytes) -> bool:
    """Whether every line of a text has as many tabs, and none stands at its start or parts nothing in the first."""
    lines = _as_text(content[:_PROBED]).lstrip("\ufeff").splitlines()
    lines = [line for line in (lines[:-1] if len(content) > _PROBED else lines) if line.strip()]
    if not lines or "\t" not in lines[0] or not all(cell.strip() for cell in lines[0].split("\t")):
        return False
    width = lines[0].count("\t")
    return len(lines) + width > 3 and all(line.count("\t") == width and line[0] != "\t" for line in lines)


def _is_yaml(text: str) -> bool:
    """A mapping or list in which every outer line is a key, an item or a comment."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    outer = [line for line in lines if not line[0].isspace() and line.strip() != "---"]
    keyed = [line for line in outer if _YAML.match(line)]
    if not keyed or not all(_YAML.match(line) or line.startswith("- ") for line in outer):
        return False
    if len(lines) < 2 or any(re.search(r"\*\*|\]\(|^#{2,} ", line) for line in lines):
        return False
    from trainer.core.errors import UsageError
    from trainer.core.yamltext import load_yaml

    try:
        return isinstance(load_yaml(text, shown="").value, dict | list)
    except UsageError:
        return False


_PROBES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("json", lambda text: text[:1] in ("{", "[") and _is_json(text)),
    ("jsonl", lambda text: text[:1] in ("{", "[") and _is_json_lines(text)),
    ("html", _is_html),
    ("xml", _is_xml),
    ("mbox", lambda text: text.startswith("From ") and _is_mail(text.partition("\n")[2])),
    ("eml", _is_mail),
    ("markdown", _front_matter),
    ("csv", _is_csv),
    ("yaml", _is_yaml),
)
"""What text is tried as, in this order."""
