"""One file as content: type by name, bytes and probe; words, tables, code, pictures, sound and archives."""

import io
import json
import struct
import tarfile
import wave
import zipfile

import pytest
from PIL import Image

from trainer.ingest import extract_content, extract_file, sniff
from trainer.ingest.code import describe_code
from trainer.ingest.media import describe_media


@pytest.mark.parametrize(
    ("name", "content", "kind", "media_type"),
    [
        ("a.csv", b"a,b\n1,2\n", "csv", "text/csv"),
        ("a", b"a,b\n1,2\n3,4\n", "csv", "text/csv"),
        ("a.txt", b"Some words.\n", "text", "text/plain"),
        ("report.pdf", b"%PDF-1.7\n", "pdf", "application/pdf"),
        ("run", b"#!/usr/bin/env python3\nprint(1)\n", "code", "text/x-python"),
        ("app.ts", b"export const a: number = 1\n", "code", "text/x-typescript"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "image", "image/png"),
        ("a.dat", b"RIFF\0\0\0\0WAVEfmt ", "media", "audio/wav"),
        ("film", b"\0\0\0\x18ftypisom", "media", "video/mp4"),
    ],
)
def test_types_are_told_by_name_and_content(name, content, kind, media_type):
    told = sniff(content, name)

    assert (told.kind, told.media_type) == (kind, media_type)


@pytest.mark.parametrize("content", [b"", b"  \n", b"\0\x01\x02\xfe\xff" * 40, b"SQLite format 3\0"])
def test_it_abstains_with_a_reason_where_it_is_not_sure(content):
    told = sniff(content, "thing")

    assert told.media_type is None
    assert told.confidence == 0
    assert told.reason


def test_a_name_that_content_contradicts_is_less_sure_and_says_so():
    told = sniff(b"%PDF-1.7\n", "invoice.docx")

    assert told.kind == "pdf"
    assert told.confidence < 0.9
    assert "holds PDF" in told.reason


def test_source_code_gives_symbols_imports_lines_and_licence():
    about = describe_code(
        "# SPDX-License-Identifier: MIT\nimport os\nfrom a.b import c\n\nclass One:\n    def two(self):\n        ...\n",
        "python",
    )

    assert about == {
        "language": "python",
        "symbols": ["One", "two"],
        "imports": ["os", "a.b"],
        "lines": {"all": 7, "code": 5, "comments": 1, "blank": 1},
        "licence": "MIT",
    }


@pytest.mark.parametrize(
    ("language", "text", "symbols", "imports"),
    [
        (
            "javascript",
            "import x from 'lib'\nfunction f() {}\nconst g = () => 1\nclass C {}\n",
            ["f", "g", "C"],
            ["lib"],
        ),
        ("go", 'import "fmt"\nfunc (s *S) Run() {}\ntype S struct {}\n', ["Run", "S"], ["fmt"]),
        ("rust", "use std::fs;\npub fn main() {}\nstruct A;\n", ["main", "A"], ["std::fs"]),
        ("java", "import java.util.List;\npublic final class A {\n", ["A"], ["java.util.List"]),
        ("sql", "CREATE TABLE IF NOT EXISTS orders (id int);\n", ["orders"], []),
        ("c", "#include <stdio.h>\nint main(void) {\n  if (x) {\n", ["main"], ["stdio.h"]),
    ],
)
def test_languages_have_their_symbols(language, text, symbols, imports):
    about = describe_code(text, language)

    assert (about["symbols"], about["imports"]) == (symbols, imports)


def test_pictures_give_size_and_what_the_camera_wrote():
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 0.0), 3: "W", 4: (13.0, 15.0, 0.0)})
    Image.new("RGB", (40, 30)).save(buffer, "JPEG", exif=exif)

    extract = extract_content(buffer.getvalue(), "a.jpg")

    assert (extract.meta["width"], extract.meta["height"], extract.meta["exif"]) == (40, 30, {"Make": "Maker"})
    assert extract.meta["position"] == {"latitude": 52.5, "longitude": -13.25}


def test_sound_and_film_give_their_length():
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setparams((2, 2, 8000, 0, "NONE", ""))
        sound.writeframes(b"\0" * 4 * 4000)
    header = struct.pack(">IIIIII", 0, 0, 0, 600, 1500, 0) + b"\0" * 80
    box = struct.pack(">I4s", 8 + len(header), b"mvhd") + header
    film = struct.pack(">I4s4s", 16, b"ftyp", b"isom") + b"\0\0\0\0" + struct.pack(">I4s", 8 + len(box), b"moov") + box

    assert describe_media(buffer.getvalue()) == {
        "format": "WAVE", "channels": 2, "sample_rate": 8000, "seconds": 0.5,
    }  # fmt: skip
    assert describe_media(film) == {"format": "isom", "seconds": 2.5}


@pytest.mark.parametrize(
    "content", [b"fLaC\x80\0\0\x01", b"OggS\x01vorbis", b"RIFF\x01\0\0\0WAVEfmt \x02\0\0\0a", b"ID3\4"]
)
def test_damaged_media_say_no_more_than_they_can(content):
    assert describe_media(content)["format"]


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_each_file_in_an_archive_is_a_file_of_its_own():
    inner = zipped({"deep.json": b'{"a": 1}'})
    extract = extract_content(
        zipped(
            {"a.csv": b"x,y\n1,2\n3,4\n", "b.py": b"import os\n", "__MACOSX/c": b"x", "../d": b"y", "in.zip": inner}
        ),
        "z.zip",
    )

    assert {member.file: member.type.kind for member in extract.members} == {
        "z.zip!/a.csv": "csv", "z.zip!/b.py": "code", "z.zip!/in.zip": "zip",
    }  # fmt: skip
    nested = next(member for member in extract.members if member.members)
    assert [member.file for member in nested.members] == ["z.zip!/in.zip!/deep.json"]


def test_a_packed_table_is_one_member():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("t.csv")
        info.size = 8
        archive.addfile(info, io.BytesIO(b"a,b\n1,2\n"))

    (member,) = extract_content(buffer.getvalue(), "t.tgz").members

    assert member.tables[0].rows == 1


def test_tables_of_workbooks_and_data_are_profiled():
    extract = extract_content(json.dumps([{"zip": 1234, "price_usd": 5.5, "at": "2024-01-05"}] * 2).encode(), "a.json")

    (table,) = extract.tables
    assert {column.name: (column.role, column.type, column.semantic) for column in table.columns} == {
        "zip": ("identifier", "integer", "postal_code"),
        "price_usd": ("measure", "number", ""),
        "at": ("time", "date", ""),
    }


def test_a_file_that_cannot_be_read_says_why_and_raises_nothing(tmp_path):
    (tmp_path / "bad.json").write_text('{"a": ')

    extract = extract_file(tmp_path / "bad.json", "bad.json", tables=tmp_path)
    gone = extract_file(tmp_path / "gone", "gone", tables=tmp_path)

    assert extract.error.startswith("line 1: not valid JSON")
    assert "No such file" in gone.error


def test_bytes_that_are_no_text_keep_out_only_their_rows():
    rows = "".join(f"{at},name {at}\n" for at in range(40)).encode()
    extract = extract_content(b"id,name\n" + rows + b"41,bad \xff byte\n", "a.csv")

    (table,) = extract.tables
    assert (table.rows, [row.reason for row in table.quarantined]) == (40, ["encoding"])


def test_markup_without_a_reader_and_documents_without_words_are_no_errors():
    rst = extract_content(b"Title\n=====\n\nSome *words*.\n", "a.rst")

    assert (rst.type.media_type, rst.error) == ("text/x-rst", "")
    assert "Some *words*." in rst.text


def test_numbered_sections_are_headings_where_nothing_marks_them():
    text = b"<p>PART I</p><p>words</p><p>Item 1. Business</p><p>more</p><p>Item 1A. Risk Factors</p>"

    assert extract_content(text, "a.html").headings == ("PART I", "Item 1. Business", "Item 1A. Risk Factors")


def test_what_inline_xbrl_keeps_out_of_sight_is_no_text():
    page = (
        b"<div style='display:none'><ix:header><ix:hidden>0001551152</ix:hidden></ix:header></div><p>Net revenues</p>"
    )

    assert extract_content(page, "filing.html").text == "Net revenues"


def test_a_picture_that_is_none_is_told_without_an_object_in_memory():
    extract = extract_content(b"\x89PNG\r\n\x1a\n\0", "i.png")

    assert extract.error == "a picture that cannot be read"
