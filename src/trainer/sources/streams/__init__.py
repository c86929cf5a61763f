"""Streams: brokers' messages, tables that grow, changes of databases and webhooks, read on in batches."""

from trainer.sources.streams.base import (
    STREAMS,
    Event,
    MessageOptions,
    MessageStream,
    Stream,
    StreamBatch,
    StreamOptions,
    create_stream,
    dead_body,
    dead_letter,
)

__all__ = [
    "STREAMS",
    "Event",
    "MessageOptions",
    "MessageStream",
    "Stream",
    "StreamBatch",
    "StreamOptions",
    "create_stream",
    "dead_body",
    "dead_letter",
]
