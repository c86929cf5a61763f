"""Damaged and hostile files: read, or refused in words; never a traceback, a hang or a gigabyte of memory."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import tarfile
import zipfile

import pytest

from servers import documents
from trainer.core.errors import ConversionError, TrainerError
from trainer.core.readings import data_of, read_file

WHOLE = {
    "a.docx": documents.word,
    "a.pptx": documents.slides,
    "a.xlsx": documents.workbook,
    "a.odt": documents.open_text,
    "a.ods": documents.open_sheet,
    "a.odp": documents.open_slides,
    "a.epub": documents.book,
    "a.eml": documents.message,
    "a.mbox": documents.mailbox,
    "a.rtf": lambda: documents.RTF,
    "a.tar.gz": lambda: documents.tarred({"x.csv": b"a,b\n1,2\n", "y.json": b"{}"}),
    "a.xml": lambda: b'<r v="1"><row><n>a</n></row><row><n>b</n></row></r>',
    "a.pdf": lambda: PDF,
}
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n"
    b"4 0 obj<</Length 44>>stream\nBT /F 12 Tf 20 100 Td (Plain words here) Tj ET \nendstream endobj\n"
    b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n"
)


def read_or_refuse(content: bytes, name: str) -> None:
    try:
        data = data_of(read_file(content, shown=name))
    except TrainerError:
        return
    json.dumps(data, ensure_ascii=False, allow_nan=False).encode("utf-8")


def test_the_page_made_by_hand_is_read():
    assert read_file(PDF, shown="a.pdf").markdown == "Plain words here\n"


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_cut_off_anywhere_is_read_or_refused(name):
    content = WHOLE[name]()

    for twentieth in range(1, 20):
        read_or_refuse(content[: len(content) * twentieth // 20], name)


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_with_changed_bytes_is_read_or_refused(name):
    damage(name, seed=1, times=20)


@pytest.mark.soak
@pytest.mark.parametrize("name", WHOLE)
def test_a_file_with_changed_bytes_is_read_or_refused_at_length(name):
    damage(name, seed=2, times=3_000)


def damage(name: str, *, seed: int, times: int) -> None:
    whole = WHOLE[name]()
    chance = random.Random(seed)
    for attempt in range(times):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            read_or_refuse(bytes(content), name)
        except BaseException:
            print(f"seed {seed}, attempt {attempt}")
            raise


def bomb(name: str, *, size: int) -> bytes:
    """A zip file of one part of noughts."""
    target = io.BytesIO()
    archive = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9)
    with archive, archive.open(name, "w", force_zip64=True) as part:
        block = bytes(10_000_000)
        for _ in range(size // len(block)):
            part.write(block)
    return target.getvalue()


def lying(name: str) -> bytes:
    """A zip file that says its part is 4 GB large."""
    content = bytearray(documents.zipped({name: "<w/>"}))
    for signature, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = content.find(signature)
        content[start + at : start + at + 4] = b"\xf0\xff\xff\xff"
    return bytes(content)


def laughs(depth: int = 30) -> str:
    entities = "".join(f'<!ENTITY e{at} "&e{at - 1};&e{at - 1};">' for at in range(1, depth))
    return f'<!DOCTYPE r [<!ENTITY e0 "ha">{entities}]>'


def archives(depth: int) -> bytes:
    content = documents.zipped({"x.csv": "a\n1\n"})
    for level in range(depth):
        content = documents.zipped({f"{level}.zip": content, "y.csv": "b\n2\n"})
    return content


HOSTILE = {
    "bomb.docx": (lambda: bomb("word/document.xml", size=200_000_000), "times larger unpacked"),
    "bomb.zip": (lambda: bomb("a.csv", size=300_000_000), "bytes unpacked"),
    "lying.docx": (lambda: lying("word/document.xml"), "bytes unpacked"),
    "laughs.xml": (f"{laughs()}<r>&e29;</r>".encode, "entity"),
    "laughs.odt": (
        lambda: documents.zipped(
            {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": f"{laughs()}<r>&e29;</r>"}
        ),
        "entity",
    ),
    "deep.xml": (lambda: b"<a>" * 100_000 + b"</a>" * 100_000, "not valid XML"),
    "deep.html": (lambda: b"<div>" * 100_000, None),
    "deep.rtf": (lambda: b"{\\rtf1" + b"{" * 1_000_000, None),
    "deep.json": (lambda: b"[" * 1_000_000, "nested more than"),
    "wide.xlsx": (
        lambda: documents.zipped(
            {"xl/worksheets/s.xml": '<row r="1"><c r="A1"><v>1</v></c><c r="XFD1048576"><v>1</v></c></row>'}
        ),
        "reaches over 1,048,576 rows and 16,384 columns",
    ),
    "wide.ods": (
        lambda: documents.open_document(
            "spreadsheet",
            '<table:table><table:table-row table:number-rows-repeated="999999999"><table:table-cell '
            'table:number-columns-repeated="999999999" office:value-type="float" office:value="1"/>'
            "</table:table-row></table:table>",
        ),
        "reaches over",
    ),
    "many.zip": (lambda: documents.zipped({f"{at}.csv": "a\n1\n" for at in range(21_000)}), "more than 20,000"),
    "nested.zip": (lambda: archives(6), None),
    "bomb.csv.gz": (lambda: documents.packed(bytes(300_000_000)), "bytes unpacked"),
}
_PROBE = """
import resource, sys
from trainer.core.errors import TrainerError
from trainer.core.readings import read_file
resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, 2_000_000_000))
try:
    read_file(open(sys.argv[1], "rb").read(), shown=sys.argv[1].rpartition("/")[2])
except TrainerError as error:
    print(error.message)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


SLOW = {"bomb.zip", "bomb.csv.gz", "many.zip"}
"""That take long to make."""


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.soak] * (name in SLOW)) for name in HOSTILE])
def test_a_hostile_file_is_refused_in_bounded_time_and_memory(name, tmp_path):
    make, message = HOSTILE[name]
    (tmp_path / name).write_bytes(make())

    done = subprocess.run(
        [sys.executable, "-c", _PROBE, str(tmp_path / name)], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.stderr == ""
    *said, megabytes = done.stdout.splitlines()
    assert (message or "") in " ".join(said)
    assert bool(said) == (message is not None)
    assert int(megabytes) < 900


def test_a_chain_that_bites_its_tail_ends():
    header = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0"))
    header[30:34] = b"\x09\x00\x06\x00"
    table = (b"\x00\0\0\0" * 128) + bytes(512)
    content = bytes(header) + table + "WordDocument".encode("utf-16-le")

    with pytest.raises(ConversionError):
        read_file(content.replace(b"W\0o\0r\0d\0", b"B\0o\0o\0k\0"), shown="a.xls", kind="xls")


def test_links_in_archives_are_no_files():
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        link = tarfile.TarInfo("passwd.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)

    with pytest.raises(ConversionError, match="no file in it that can be read"):
        read_file(target.getvalue(), shown="a.tar")
