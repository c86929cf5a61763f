"""What the tests of conversions share."""

from collections.abc import Iterator

import pytest

from trainer.convert import PdfPool


@pytest.fixture(scope="session")
def pool() -> Iterator[PdfPool]:
    """A warm worker that prints PDFs; starting one takes 2 s of CPU."""
    with PdfPool() as workers:
        yield workers
