"""Streams of Amazon Kinesis, by boto3. Kinesis remembers no reader: how far each shard was read stands in the store."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import Annotated, Any

import boto3
import botocore.exceptions
from msgspec import Meta

from trainer.core.errors import SourceError
from trainer.core.secrets import mask_secrets
from trainer.core.values import Json
from trainer.sources.base import SourceContext
from trainer.sources.streams.base import BATCH_BYTES, DecodedStream, Event, MessageOptions, StreamBatch

_AT_ONCE = 500
_PAUSE = 0.25
"""Seconds between two readings of a shard that was empty: Kinesis allows five a second."""


class KinesisOptions(MessageOptions, frozen=True, kw_only=True):
    """Which stream. Credentials come from where boto3 looks for them."""

    stream: Annotated[str, Meta(description="The stream.")]
    region: Annotated[str | None, Meta(description="The region; without, boto3's own.")] = None
    endpoint: Annotated[str | None, Meta(description="Another address of the service.")] = None


class KinesisStream(DecodedStream):
    """Reads the shards of one stream by turns, each in order, and a shard's children after it."""

    kind = "kinesis"
    settings = KinesisOptions
    options: KinesisOptions

    def __init__(self, name: str, options: KinesisOptions, context: SourceContext) -> None:
        super().__init__(name, options, context)
        self._client: Any = None

    def open(self, position: Json) -> None:
        """Go on behind the last record of each shard."""
        self._read: dict[str, str] = dict(position or {})
        """The number of the last record of each shard, in the order of its digits; `end` once all of it is read."""
        self._iterators: dict[str, str] = {}
        self._ahead: deque[tuple[str, Any]] = deque()
        self._due = 0.0
        try:
            self._client = boto3.client("kinesis", self.options.region, endpoint_url=self.options.endpoint)
            self._shards = self._list_shards()
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            raise self._failure(error) from error

    def poll(self, limit: int, wait: float) -> StreamBatch:
        """The next records of all shards."""
        if (left := self._due - time.monotonic()) > 0:
            time.sleep(min(wait, left))
            return StreamBatch(caught_up=False)
        before = dict(self._read)
        is_behind = True
        try:
            if not self._ahead:
                is_behind = self._fetch(min(limit, _AT_ONCE))
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            raise self._failure(error) from error
        events: list[Event] = []
        size = 0
        while self._ahead and len(events) < limit and size < BATCH_BYTES:
            shard, record = self._ahead.popleft()
            number = record["SequenceNumber"]
            place = {"stream": self.options.stream, "shard": shard, "key": record["PartitionKey"]}
            events.append(self.event(f"{shard}-{number}", record["Data"], place))
            size += len(record["Data"])
            self._read[shard] = number
        if not self._ahead:
            self._end_shards()
        if not events:
            self._due = time.monotonic() + _PAUSE
        position = dict(self._read) if self._read != before else None
        return StreamBatch(tuple(events), position=position, caught_up=not events and not is_behind)

    def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _fetch(self, count: int) -> bool:
        """Read every shard whose parents are read to their end; whether there is more behind what came."""
        is_behind = False
        for shard in self._open_shards():
            try:
                answer = self._client.get_records(ShardIterator=self._iterator(shard), Limit=count)
            except self._client.exceptions.ExpiredIteratorException:
                self._iterators.pop(shard)
                is_behind = True
                continue
            except self._client.exceptions.ProvisionedThroughputExceededException:
                is_behind = True
                continue
            self._iterators[shard] = answer.get("NextShardIterator") or ""
            is_behind |= answer.get("MillisBehindLatest", 0) > 0 or not self._iterators[shard]
            self._ahead.extend((shard, record) for record in answer["Records"])
        return is_behind

    def _open_shards(self) -> Iterator[str]:
        for shard in self._shards:
            parents = [shard.get("ParentShardId"), shard.get("AdjacentParentShardId")]
            alive = {other["ShardId"] for other in self._shards}
            waits = any(parent in alive and self._read.get(parent) != "end" for parent in parents if parent)
            if self._read.get(shard["ShardId"]) != "end" and not waits:
                yield shard["ShardId"]

    def _end_shards(self) -> None:
        """Note the shards that ended, and look for their children."""
        ended = [shard for shard, iterator in self._iterators.items() if not iterator]
        for shard in ended:
            self._iterators.pop(shard)
            self._read[shard] = "end"
        if ended:
            self._shards = self._list_shards()
            there = {shard["ShardId"] for shard in self._shards}
            self._read = {shard: number for shard, number in self._read.items() if shard in there}

    def _iterator(self, shard: str) -> str:
        if shard not in self._iterators:
            place = {"ShardIteratorType": "TRIM_HORIZON"}
            if shard in self._read:
                place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self._read[shard]}
            answer = self._client.get_shard_iterator(StreamName=self.options.stream, ShardId=shard, **place)
            self._iterators[shard] = answer["ShardIterator"]
        return self._iterators[shard]

    def _list_shards(self) -> list[dict[str, Any]]:
        answer = self._client.list_shards(StreamName=self.options.stream)
        shards = list(answer["Shards"])
        while token := answer.get("NextToken"):
            answer = self._client.list_shards(NextToken=token)
            shards += answer["Shards"]
        return shards

    def _failure(self, error: Exception) -> SourceError:
        reason = mask_secrets(str(error))[:200]
        hint = "check stream, region and credentials"
        return SourceError(f"{self.name}: Kinesis: {reason}", hint=hint)
