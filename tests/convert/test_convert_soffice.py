"""The Word file through another program: LibreOffice opens it and shows all its words."""

import os
import shutil
import subprocess

import pytest

from trainer.convert import to_docx

REPORT = """---
title: Acme
date: 2025-02-21
---

# Acme

## Sales

They *grew* by **8 %**[^1], see [the filing](https://www.gnu.org/a).

- first
  - nested

1. one
2. two

Table: Sales by year

| Year | Sales |
|------|------:|
| 2023 | $1.3bn |
| 2024 | $1.4bn |

```python
print("words in code")
```

> A remark.

[^1]: The note.
"""


def test_libreoffice_opens_the_word_file_and_shows_every_word_in_order(tmp_path):
    for program in ("soffice", "pdftotext"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    (tmp_path / "a.docx").write_bytes(to_docx(REPORT).content)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    subprocess.run(
        ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", tmp_path, tmp_path / "a.docx"],
        check=True,
        capture_output=True,
        timeout=120,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    shown = subprocess.run(["pdftotext", "-layout", tmp_path / "a.pdf", "-"], check=True, capture_output=True).stdout
    words = " ".join(shown.decode().split())

    body = (
        "Acme 21 February 2025 Sales They grew by 8 %1, see the filing. • first ◦ nested 1. one 2. two "
        'Table 1. Sales by year Year Sales 2023 $1.3bn 2024 $1.4bn print("words in code") A remark.'
    )
    assert words.startswith(body)
    assert "1 The note." in words
