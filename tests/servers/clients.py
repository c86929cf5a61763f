"""Short ways to ask, for tests: calls of one chain share a client, and sleeps may be noted instead of slept."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from trainer.providers import Client, Request
from trainer.providers import complete as complete_with

ENVIRON = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
"""For child processes that import this module."""

_clients: list[tuple[list, dict, Client]] = []


def client_for(chain, **options) -> Client:
    for links, made_with, client in _clients:
        if links == list(chain) and made_with == options:
            return client
    kept = {name: value for name, value in options.items() if name not in ("sleep", "extract")}
    if (sleep := options.get("sleep")) is not None:

        async def noted(seconds):
            sleep(seconds)

        kept["sleep"] = noted
    if (extract := options.get("extract")) is not None:
        kept["extract"] = lambda text, schema: extract(text)
    client = Client(list(chain), **kept)
    _clients[:] = [*_clients[-20:], (list(chain), options, client)]
    return client


def complete(prompt, *, chain, settings=None, schema=None, on_text=None, on_restart=None, **options):
    request = Request(prompt, settings=settings or {}, schema=schema)
    return complete_with(request, client_for(chain, **options), on_text=on_text, on_restart=on_restart)


def call(prompt, chain, settings=None, *, schema=None, **options):
    """One call for `complete_many`."""
    return functools.partial(client_for(chain, **options).send, Request(prompt, settings=settings or {}, schema=schema))
