import mimetypes

import pytest

from trainer.core.errors import UsageError
from trainer.core.formats import FORMATS, find_format, find_output_format, format_of_suffix, output_names


def test_no_name_and_no_suffix_stands_twice():
    names = [name for item in FORMATS.values() for name in item.names]
    suffixes = [suffix for item in FORMATS.values() for suffix in item.suffixes]
    folders = [item.output_folder for item in FORMATS.values()]

    assert len(set(names)) == len(names)
    assert len(set(suffixes)) == len(suffixes)
    assert len(set(folders)) == len(folders)


def test_no_report_is_written_over_its_provenance():
    assert "json" not in [item.output_folder for item in FORMATS.values()]


@pytest.mark.parametrize("name", ["md", "markdown", "MD"])
def test_markdown_goes_by_all_its_names(name):
    assert find_output_format(name).name == "markdown"


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_reader_and_writer_of_the_table_loads(name):
    from trainer.convert import WRITERS
    from trainer.core.readings import READERS

    assert FORMATS[name].reader is None or callable(READERS.load(name))
    assert FORMATS[name].writer is None or callable(WRITERS.load(name))


def test_a_misspelt_format_names_the_nearest_and_the_list():
    with pytest.raises(
        UsageError, match=r'unknown output format "htm1"\n  did you mean "html?"\? known: asciidoc, .*text'
    ):
        find_output_format("htm1")


def test_a_format_that_is_only_read_is_no_output_format():
    assert find_format("csv").name == "csv"
    with pytest.raises(UsageError, match='unknown output format "csv"'):
        find_output_format("csv")
    assert "csv" not in output_names()


def test_a_suffix_names_its_format_in_any_case():
    assert format_of_suffix(".HTM") == FORMATS["html"]
    assert format_of_suffix(".xyz") is None


@pytest.mark.parametrize("name", ["html", "pdf", "docx", "json", "text", "csv", "rtf"])
def test_media_types_are_those_the_standard_library_knows(name):
    assert mimetypes.guess_type(f"x{FORMATS[name].suffix}")[0] == FORMATS[name].media_type
