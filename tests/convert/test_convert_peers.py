"""Files that other programs wrote, from the test folders of packages: `make peers` fetches them, nothing is committed.

Each is read in a process of its own with a limit on time and memory. What is read holds every word that a second
reader finds: openpyxl for workbooks, pypdf where it is installed, and for the rest the text of all XML parts.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("TRAINER_TEST_PEERS", Path(__file__).parents[2] / ".peers"))
SUFFIXES = ("pdf", "docx", "pptx", "xlsx", "xlsm", "xls", "xlsb", "ods", "odt", "odp", "rtf", "epub", "eml", "msg")
_PROBE = """
import json, resource, sys
from trainer.core.errors import TrainerError
from trainer.core.readings import DocumentText, data_of, read_file
resource.setrlimit(resource.RLIMIT_AS, (3_000_000_000, 3_000_000_000))
for line in sys.stdin:
    path = line.rstrip("\\n")
    try:
        reading = read_file(open(path, "rb").read(), shown=path.rpartition("/")[2])
        data = json.dumps(data_of(reading), ensure_ascii=False, allow_nan=False)
        text = reading.markdown if isinstance(reading, DocumentText) else data
        print(json.dumps({"text": text}), flush=True)
    except TrainerError as error:
        print(json.dumps({"refused": str(error)}), flush=True)
"""

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="make peers fetches other people's files"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("peers")
    for archive in sorted(FOLDER.glob("*.tar.gz")):
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
    return sorted(path for path in folder.rglob("*") if path.suffix[1:].lower() in SUFFIXES)


def words(text: str) -> Counter[str]:
    text = re.sub(r"\\([\\`*_\[\]<>~|$#+=>.)-])", r"\1", text)
    return Counter(word.casefold() for word in re.findall(r"[^\W_]{2,}", text))


def second_reading(path: Path) -> str | None:
    """The text by another reader; None where there is none, or it fails."""
    kind = path.suffix[1:].lower()
    try:
        if kind == "pdf":
            import pypdf  # installed by whoever wants to know

            return "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
        if kind in ("xlsx", "xlsm"):
            import openpyxl

            book = openpyxl.load_workbook(path, data_only=True)
            rows = (row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))
            return "\n".join(cell for row in rows for cell in row if isinstance(cell, str))
        if kind in ("docx", "pptx", "odt", "odp"):
            return "\n".join(paragraphs(path))
    except Exception:  # no second reader, or a file that only we can read
        return None
    return None


def paragraphs(path: Path) -> Iterator[str]:
    from lxml import etree

    word = r"word/(document|header|footer|footnotes|endnotes|comments)\d*\.xml"
    parts = rf"{word}|ppt/(slides|notesSlides)/[^/]+\.xml|content\.xml"
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if re.fullmatch(parts, name):
                for paragraph in etree.fromstring(archive.read(name)).iter("{*}p", "{*}h"):
                    if path.suffix.startswith(".o"):
                        yield " ".join(paragraph.itertext())
                    else:
                        pieces = paragraph.iter("{*}t", "{*}tab", "{*}br")
                        yield "".join(piece.text or "" if piece.tag.endswith("}t") else " " for piece in pieces)


def test_files_of_other_programs_are_read_whole_or_refused_in_words(files: list[Path]) -> None:
    assert len(files) >= 200
    done = subprocess.run(
        [sys.executable, "-c", _PROBE], input="\n".join(map(str, files)), capture_output=True, text=True,
        timeout=10 * len(files), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(files)
    sought = lost = 0
    for path, line in zip(files, lines, strict=True):
        second = second_reading(path) if "text" in line else None
        if second is None:
            assert line.get("refused", "text"), path
            continue
        letters = re.sub(r"[\W_]", "", line["text"]).casefold()
        missing = {word: count for word, count in (words(second) - words(line["text"])).items() if word not in letters}
        sought += words(second).total()
        lost += sum(missing.values())
        if missing:
            print(f"{path.name}: {sorted(missing)[:10]}")
    print(f"{len(files)} files, {sum('text' in line for line in lines)} read, {lost} of {sought} words missing")
    assert lost <= sought * 0.01
