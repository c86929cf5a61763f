"""The largest documents: up to 64 MB go through every backend, more is refused before it reaches one."""

from __future__ import annotations

import subprocess
import sys

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


@pytest.mark.soak
def test_50_mb_are_put_with_less_than_600_mb_of_memory(tmp_path):
    row = '{{"name": "Company {0}", "price": {0}.25, "day": "2024-01-02", "note": "' + "x" * 40 + '"}}'
    content = "[" + ",".join(row.format(number) for number in range(480_000)) + "]"
    assert len(content) > 50_000_000
    (tmp_path / "big.json").write_text(content)
    (tmp_path / "config.yaml").write_text("")
    script = (
        "import resource, sys; from trainer.cli.main import run; code = run(['store', 'put', 'k', 'big.json']); "
        "print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)

    code, megabytes = done.stdout.split()[-2:]
    assert (code, int(megabytes) < 600) == ("0", True), megabytes
