"""The largest documents: up to 64 MB go through every backend, more is refused before it reaches one."""

from __future__ import annotations

import pytest

from servers.stores import BACKENDS
from trainer.core.errors import UsageError

MOST = 64_000_000
FRAME = len('{"name":"largest","text":""}')


@pytest.fixture(params=BACKENDS)
def store(request, tmp_path):
    with BACKENDS[request.param](tmp_path) as bench:
        yield bench.store


def document(size):
    """A document that takes `size` bytes of JSON, with letters of two bytes, escapes and a quote in it."""
    unit = 'é"\n'
    count, rest = divmod(size - FRAME, len(unit.encode()) + 2)
    return {"name": "largest", "text": unit * count + "x" * rest}


@pytest.mark.soak
def test_64_mb_are_stored_retrieved_found_and_replaced(store):
    largest = document(MOST)
    store.store("large", largest)
    store.store("small", {"name": "small"})

    assert store.retrieve("large").data == largest
    assert [found.key for found in store.query({"name": "largest"})] == ["large"]
    assert [found.key for found in store.query({"text": {"$regex": "^é"}})] == ["large"]
    assert store.count({"name": {"$ne": "small"}}) == 1
    assert store.update("large", document(MOST - 1))
    assert [found.version for found in store.history("large")] == [1, 2]
    assert [found.data for found in store.scan({"name": "largest"})] == [document(MOST - 1)]


def test_more_than_64_mb_are_refused_with_what_to_do(store):
    store.store("large", 1)

    with pytest.raises(UsageError, match="takes 64,000,001 bytes, more than the 64,000,000 a document") as caught:
        store.store("large", document(MOST + 1))
    assert caught.value.hint == "split it into several documents, or keep the file elsewhere and store its path"
    assert store.retrieve("large").data == 1
