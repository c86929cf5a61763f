"""Files in object stores: read below the configured roots by fsspec, and nowhere else."""

from __future__ import annotations

import fsspec
import pytest

from trainer.core.errors import SourceError, UsageError
from trainer.sources import SourceContext, create_source


@pytest.fixture
def source(clock):
    fsspec.filesystem("memory").pipe("/readers-test/a/sales.csv", b"code,n\n007,1\n")
    fsspec.filesystem("memory").pipe("/readers-test/secret.csv", b"x\n1\n")
    yield create_source("remote_file", SourceContext(clock=clock), roots=["memory://readers-test/a"], max_bytes=1000)
    fsspec.filesystem("memory").rm("/readers-test", recursive=True)


def test_a_file_below_a_root_is_read_like_any_other(source, clock):
    result = source.retrieve({"url": "memory://readers-test/a/sales.csv"})

    assert result.data == {"records": [{"code": "007", "n": 1}]}
    assert result.metadata["file"]["bytes"] == 13
    assert source.key({"url": "memory://readers-test/a/sales.csv"}) == "remote_file:memory%3A//readers-test/a/sales.csv"


@pytest.mark.parametrize(
    "url",
    [
        "memory://readers-test/secret.csv",
        "memory://readers-test/a/../secret.csv",
        "memory://readers-test/abc.csv",
        "memory://readers-test/a/x.zip::file:///etc/hostname",
        "s3://bucket/x.csv",
    ],
)
def test_nothing_elsewhere_is_read(source, url):
    with pytest.raises(SourceError, match="not below a configured root"):
        source.retrieve({"url": url})


@pytest.mark.parametrize("url", ["file:///etc/hostname", "https://x.example/a.csv"])
def test_what_other_sources_are_for_is_said(source, url):
    with pytest.raises(UsageError, match="is not for this source"):
        source.retrieve({"url": url})


def test_a_missing_and_a_large_file_are_told(source):
    fsspec.filesystem("memory").pipe("/readers-test/a/big.csv", bytes(2000))

    with pytest.raises(SourceError, match="no such file"):
        source.retrieve({"url": "memory://readers-test/a/none.csv"})
    with pytest.raises(SourceError, match="too large"):
        source.retrieve({"url": "memory://readers-test/a/big.csv"})


def test_a_pattern_and_a_folder_read_all_files_below_the_root(source):
    memory = fsspec.filesystem("memory")
    memory.pipe("/readers-test/a/2024/sales.csv", b"code,n\n008,2\n")
    memory.pipe("/readers-test/a/.hidden.csv", b"code,n\n1,1\n")
    memory.pipe("/readers-test/a/picture.xyz", b"?")

    folder = source.retrieve({"url": "memory://readers-test/a/"}).data
    assert folder == {
        "records": [
            {"file": "memory://readers-test/a/2024/sales.csv", "code": "008", "n": 2},
            {"file": "memory://readers-test/a/sales.csv", "code": "007", "n": 1},
        ]
    }
    assert source.retrieve({"url": "memory://readers-test/a/**/*.csv"}).data == folder
    assert len(source.retrieve({"url": "memory://readers-test/a/sal?s.csv"}).data["records"]) == 1


@pytest.mark.parametrize("url", ["memory://readers-test/a/*.xlsx", "memory://readers-test/a/none/"])
def test_a_pattern_that_fits_nothing_is_an_error(source, url):
    with pytest.raises(SourceError, match=r"no such file|no file that can be read"):
        source.retrieve({"url": url})


def test_a_pattern_leads_nowhere_else(source):
    with pytest.raises(SourceError, match="not below a configured root"):
        source.retrieve({"url": "memory://readers-test/*/secret.csv"})


def test_all_files_of_a_pattern_that_cannot_be_read_are_told(source):
    fsspec.filesystem("memory").pipe("/readers-test/a/bad.json", b"{")
    fsspec.filesystem("memory").pipe("/readers-test/a/empty.csv", b"")

    with pytest.raises(SourceError) as caught:
        source.retrieve({"url": "memory://readers-test/a/*"})
    assert caught.value.message.startswith("2 of 3 files")
    assert [problem.where.path for problem in caught.value.problems] == [
        "memory://readers-test/a/bad.json",
        "memory://readers-test/a/empty.csv",
    ]
