"""Formats that pandoc writes: its command line by a stand-in on PATH, its output by the real one where it is."""

import io
import shutil
import zipfile
from pathlib import Path

import pytest

from trainer.convert import Options, convert
from trainer.core.errors import ConversionError, MissingExtra

REPORT = b"---\ntitle: Acme\ndate: 2025-02-21\n---\n# Acme\n\n## Sales\n\nThey *grew*. <script>x</script>\n"


def stand_in(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "pandoc"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_pandoc_gets_our_html_on_its_standard_input_and_is_locked_in(tmp_path, monkeypatch):
    stand_in(tmp_path, 'echo "$@ $SOURCE_DATE_EPOCH"; cat', monkeypatch)

    said = convert(REPORT, source="markdown", target="rst").content

    assert said.startswith("--standalone --from=html --to=rst --output=- --sandbox 315532800\n")
    assert '<meta name="date" content="2025-02-21">' in said
    assert "<p>They <em>grew</em>. &lt;script&gt;x&lt;/script&gt;</p>" in said


def test_what_pandoc_complains_about_is_told_with_the_file(tmp_path, monkeypatch):
    stand_in(tmp_path, 'echo "no such writer" >&2; exit 22', monkeypatch)

    with pytest.raises(ConversionError, match="pandoc: no such writer") as caught:
        convert(REPORT, source="markdown", target="odt", shown="a.md")
    assert str(caught.value.where) == "a.md"


def test_without_pandoc_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(MissingExtra) as caught:
        convert(REPORT, source="markdown", target="epub", options=Options())
    assert caught.value.extra == "pandoc"


def test_the_real_pandoc_writes_each_format_twice_the_same():
    if shutil.which("pandoc") is None:
        pytest.skip("pandoc is not installed")
    for target in ("asciidoc", "docbook", "epub", "mediawiki", "odt", "org", "rst", "rtf"):
        first, second = (convert(REPORT, source="markdown", target=target).content for _ in range(2))

        assert (target, first) == (target, second)
    book = zipfile.ZipFile(io.BytesIO(convert(REPORT, source="markdown", target="epub").content))

    assert {part.date_time for part in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert (book.infolist()[0].filename, book.infolist()[0].compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert "Sales\n=====\n\nThey *grew*." in convert(REPORT, source="markdown", target="rst").content
