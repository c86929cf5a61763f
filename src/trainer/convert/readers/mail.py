"""E-mail: messages with their headers, text and attachments, and mailboxes of them."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from email.message import EmailMessage

from trainer.convert.readers.encoding import decode
from trainer.convert.readers.html import html_to_markdown
from trainer.convert.readers.nested import MOST_FILES, ContainerReader, read_nested
from trainer.convert.readers.text import plain_markdown
from trainer.core.errors import ConversionError, Where
from trainer.core.readings import Dataset, DocumentText, ReadOptions, data_of
from trainer.core.values import Finding, Json

_HEADERS = {"Subject": "title", "From": "from", "To": "to", "Cc": "cc", "Date": "date"}


def read(content: bytes, *, shown: str, options: ReadOptions) -> DocumentText:
    """A message: its headers, its text, and what the attachments hold that are of a format that is read."""
    try:
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return _read(message, shown, options)
    except (
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
        IndexError,
        KeyError,
    ) as error:  # of the standard reader
        raise ConversionError(f"not a valid message: {error}", where=Where(shown), hint="export it again") from None


def read_mailbox(content: bytes, *, shown: str, options: ReadOptions) -> Dataset:
    """A list of the messages in a mailbox, each with its headers and its text."""
    starts = [match.start() for match in re.finditer(rb"^From [^\n]*\n", content, re.MULTILINE)]
    if not starts:
        raise ConversionError("no message in it", where=Where(shown), hint="a mailbox starts each message with: From")
    if len(starts) > MOST_FILES:
        raise ConversionError(f"more than {MOST_FILES:,} messages", where=Where(shown), hint="split it")
    messages: list[Json] = []
    findings: list[Finding] = []
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(content)], strict=True), 1):
        body = content[start:end].partition(b"\n")[2]
        body = re.sub(rb"^>(>*From )", rb"\1", body, flags=re.MULTILINE)
        reading = read(body, shown=f"{shown}/{number}", options=replace(options, depth=options.depth + 1))
        findings += reading.findings
        messages.append({**reading.meta, "text": data_of(replace(reading, meta={}))["text"]})
    return Dataset(messages, shown, findings=tuple(findings))


def _read(message: EmailMessage, shown: str, options: ReadOptions) -> DocumentText:
    if not message.keys() or (isinstance(message.get_payload(), list) and not message.get_payload()):
        raise ConversionError("no message in it", where=Where(shown), hint="export it again")
    meta: dict[str, Json] = {}
    for name, key in _HEADERS.items():
        values = [" ".join(str(value).split()) for value in message.get_all(name, [])]
        if values:
            meta[key] = ", ".join(values)
    body, attached = _parts(message, shown)
    nested = ContainerReader(shown, options)
    attachments = [read_nested(nested, name, content) for name, content in attached]
    named: list[Json] = [name for name, _ in attached]
    sections = [part for part in attachments if part]
    markdown = "\n\n".join([body.strip("\n"), *sections]) + "\n"
    if named:
        meta["attachments"] = named
    return DocumentText(markdown, shown, meta=meta, findings=tuple(nested.findings))


def _parts(message: EmailMessage, shown: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text as Markdown, and the attachments by name."""
    plain, pages, attached = [], [], []
    for part in message.walk():
        if part.is_multipart() and part.get_content_type() != "message/rfc822":
            continue
        name = part.get_filename()
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload(0) if part.get_payload() else None
            if inner is not None and not isinstance(inner, str):
                attached.append((name or "message.eml", inner.as_bytes()))
            continue
        content = part.get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        if name is None and part.get_content_type() == "text/plain" and part.get_content_disposition() != "attachment":
            plain.append(_text(content, part.get_content_charset(), shown))
        elif name is None and part.get_content_type() == "text/html" and part.get_content_disposition() != "attachment":
            pages.append(_text(content, part.get_content_charset(), shown))
        elif name or part.get_content_disposition() == "attachment":
            attached.append((" ".join(str(name or "attachment").split()), content))
    if any(text.strip() for text in plain):
        return "\n\n".join(map(plain_markdown, plain)), attached
    return "\n\n".join(re.sub(r"\A---\ntitle: .*\n---\n", "", html_to_markdown(page)) for page in pages), attached


def _text(content: bytes, charset: str | None, shown: str) -> str:
    if charset:
        try:
            return content.decode(charset, "replace").replace("\r\n", "\n").replace("\r", "\n")
        except LookupError:
            pass
    try:
        return decode(content, shown).text
    except ConversionError:
        return content.decode("latin-1").replace("\r\n", "\n")
