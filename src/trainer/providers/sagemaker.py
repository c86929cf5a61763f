"""Models of one's own on Amazon SageMaker, directly over boto3: invoke, stream, deploy, list."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from typing import Any

from trainer.core.errors import ConfigError, FailureKind, MissingExtra, ProviderError
from trainer.core.values import CompletionResult, Json
from trainer.providers.base import LLMProvider
from trainer.providers.failures import failure, kind_of
from trainer.providers.openai_format import AnswerParts, body_of
from trainer.providers.request import Request

_KINDS: Mapping[str, FailureKind] = {
    "ThrottlingException": "rate_limited",
    "TooManyRequestsException": "rate_limited",
    "ServiceUnavailable": "server",
    "ServiceUnavailableException": "server",
    "InternalFailure": "server",
    "InternalServerException": "server",
    "InternalStreamFailure": "server",
    "InternalDependencyException": "server",
    "ModelNotReadyException": "server",
    "ModelStreamError": "server",
    "AccessDeniedException": "auth",
    "ExpiredTokenException": "auth",
    "InvalidSignatureException": "auth",
    "UnrecognizedClientException": "auth",
    "NotAuthorized": "auth",
}

_making_clients = threading.Lock()
"""boto3 makes clients on one thread at a time; they are then safe on all."""

_FORMATS = ("chat", "tgi")
_NAME = re.compile(r"[^A-Za-z0-9-]+")


class AWSSageMakerProvider(LLMProvider):
    """One SageMaker endpoint; the credentials are AWS's own (environment, profile or role).

    `format` says what its container takes: `chat` is the OpenAI chat protocol (vLLM, TGI's messages, DJL), `tgi` is
    `{"inputs", "parameters"}` with `generated_text` in the answer. `endpoint_url` is another address of the service,
    `role` and `image` are what `deploy_model` needs.
    """

    provider = "sagemaker"

    def __init__(
        self,
        endpoint_name: str = "",
        region: str = "us-east-1",
        *,
        model: str = "",
        format: str = "chat",  # noqa: A002  (the word users write)
        endpoint_url: str | None = None,
        role: str | None = None,
        image: str | None = None,
        **settings: Json,
    ) -> None:
        if format not in _FORMATS:
            raise ConfigError(
                f'unknown format "{format}" of a SageMaker endpoint', hint=f"known: {', '.join(_FORMATS)}"
            )
        self.endpoint_name = endpoint_name or model
        self.model = model or endpoint_name
        self.region = region
        self._format = format
        self._endpoint_url = endpoint_url
        self._role = role
        self._image = image
        self.settings = settings
        self.api_base = f"{endpoint_url or region}/{self.endpoint_name}"
        self._clients: dict[tuple[str, float], Any] = {}
        self._service = f"sagemaker endpoint {self.endpoint_name}"

    async def send(self, request: Request) -> CompletionResult:
        """The whole answer as the endpoint gave it."""
        return await asyncio.to_thread(self._invoke, request)

    async def pieces(self, request: Request) -> AsyncGenerator[str | CompletionResult, None]:
        """The answer's text as it comes, and the whole at the end."""
        pieces = self._pieces(request)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece

    def list_models(self) -> list[str]:
        """The endpoints of the region that are in service."""
        client = self._client("sagemaker", 60)
        names: list[str] = []
        arguments: dict[str, str] = {"StatusEquals": "InService"}
        while True:
            page = self._sent(client.list_endpoints, **arguments)
            names += [endpoint["EndpointName"] for endpoint in page["Endpoints"]]
            if "NextToken" not in page:
                return sorted(names)
            arguments["NextToken"] = page["NextToken"]

    def deploy_model(self, model_path: str, **kwargs: Json) -> str:
        """Put a model artefact (`s3://…/model.tar.gz`) into service and return its endpoint's name.

        Takes `name`, `instance_type` (`ml.g5.xlarge`), `instances` (1), `role`, `image` and `environment`. Returns
        once SageMaker has accepted the endpoint, which then takes minutes to be in service.
        """
        role, image = kwargs.get("role") or self._role, kwargs.get("image") or self._image
        if not role or not image:
            raise ConfigError("deploying needs a role and an image", hint="give role=arn:aws:iam::… and image=…ecr…")
        name = _NAME.sub("-", str(kwargs.get("name") or self.endpoint_name)).strip("-")
        client = self._client("sagemaker", 60)
        container = {"Image": image, "ModelDataUrl": model_path, "Environment": dict(kwargs.get("environment") or {})}
        self._sent(client.create_model, ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
        variant = {
            "VariantName": "only",
            "ModelName": name,
            "InitialInstanceCount": int(kwargs.get("instances", 1)),
            "InstanceType": kwargs.get("instance_type", "ml.g5.xlarge"),
        }
        self._sent(client.create_endpoint_config, EndpointConfigName=name, ProductionVariants=[variant])
        self._sent(client.create_endpoint, EndpointName=name, EndpointConfigName=name)
        return name

    def _invoke(self, request: Request) -> CompletionResult:
        answer = self._sent(
            self._client("sagemaker-runtime", request.timeout).invoke_endpoint,
            EndpointName=self.endpoint_name,
            ContentType="application/json",
            Accept="application/json",
            Body=self._body(request, stream=False),
        )
        body, parts = self._sent(answer["Body"].read), AnswerParts(self._service, self.model)
        if self._format == "chat":
            parts.take_answer(body)
        else:
            parts.text, parts.finish_reason = [self._generated(body)], "stop"
        return parts.result(request, self.provider, self.count_tokens)

    def _pieces(self, request: Request) -> Iterator[str | CompletionResult]:
        answer = self._sent(
            self._client("sagemaker-runtime", request.timeout).invoke_endpoint_with_response_stream,
            EndpointName=self.endpoint_name,
            ContentType="application/json",
            Accept="application/json",
            Body=self._body(request, stream=True),
        )
        parts = AnswerParts(self._service, self.model)
        for data in _events(self._chunks(answer["Body"])):
            if data != b"[DONE]":
                piece = parts.take_event(data) if self._format == "chat" else _take_generated(parts, data)
                if piece:
                    yield piece
        if not parts.finish_reason:
            raise failure("server", f"{self._service}: the stream was cut off", status=200)
        yield parts.result(request, self.provider, self.count_tokens)

    def _chunks(self, events: Any) -> Iterator[bytes]:
        """The payload of each event."""
        iterator = iter(events)
        while (event := self._sent(lambda: next(iterator, None))) is not None:
            yield event["PayloadPart"]["Bytes"]

    def _body(self, request: Request, *, stream: bool) -> bytes:
        if self._format == "chat":
            return body_of(request, self.settings, stream=stream)
        settings = request.sent(self.settings)
        parameters = {("max_new_tokens" if name == "max_tokens" else name): v for name, v in settings.items()}
        body: dict[str, Json] = {"inputs": request.text, "parameters": parameters}
        return json.dumps(body | ({"stream": True} if stream else {}), ensure_ascii=False).encode()

    def _generated(self, body: bytes) -> str:
        """The text in an answer of the form `[{"generated_text": …}]`."""
        try:
            answer = json.loads(body)
            return str((answer[0] if isinstance(answer, list) else answer)["generated_text"])
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise failure("server", f"{self._service} answered without generated_text", status=200) from error

    def _client(self, service: str, timeout: float) -> Any:
        try:
            import boto3
            from botocore.config import Config
        except ModuleNotFoundError as error:
            raise MissingExtra("boto3", "sagemaker") from error
        with _making_clients:
            if (service, timeout) not in self._clients:
                self._clients[service, timeout] = self._new_client(boto3, Config, service, timeout)
            return self._clients[service, timeout]

    def _new_client(self, boto3: Any, make_config: Any, service: str, timeout: float) -> Any:
        config = make_config(
            connect_timeout=timeout,
            read_timeout=timeout,
            retries={"total_max_attempts": 1},
            parameter_validation=False,
        )
        return boto3.client(service, region_name=self.region, endpoint_url=self._endpoint_url, config=config)

    def _sent(self, call: Callable[..., Any], **arguments: Any) -> Any:
        """The answer of a call of AWS, its exceptions as ours."""
        from botocore import exceptions

        try:
            return call(**arguments)
        except exceptions.ClientError as error:
            raise self._client_error(error.response) from None
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
            raise failure("auth", f"{self._service}: {error}") from None
        except (exceptions.ReadTimeoutError, exceptions.ConnectTimeoutError) as error:
            raise failure("timed_out", f"{self._service}: {error}") from None
        except (exceptions.EndpointConnectionError, exceptions.SSLError, exceptions.ProxyConnectionError) as error:
            raise failure("unreachable", f"{self._service}: {error}") from None
        except (exceptions.BotoCoreError, exceptions.HTTPClientError) as error:
            raise failure("server", f"{self._service}: {error}", status=200) from None

    def _client_error(self, response: Mapping[str, Any]) -> ProviderError:
        """What an error of AWS means; the container's own status and words count where it is the container's."""
        details = response.get("Error", {})
        code, message = str(details.get("Code", "")), str(details.get("Message", ""))
        status = response.get("OriginalStatusCode") or response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        text = str(response.get("OriginalMessage") or message)
        kind = _KINDS.get(code)
        if kind is None and code == "ValidationError" and "not found" in message.lower():
            kind = "not_found"
        return failure(kind or kind_of(status, text), f"{self._service}: {text} ({code})", status=status)


def _take_generated(parts: AnswerParts, data: bytes) -> str:
    """The text of one event of the form `{"token": {"text"}, "generated_text", "details"}`."""
    try:
        event = json.loads(data)
        token = event["token"]
    except (ValueError, KeyError, TypeError) as error:
        raise failure("server", "the SageMaker endpoint streamed something else than tokens", status=200) from error
    if event.get("generated_text") is not None:
        parts.finish_reason = (event.get("details") or {}).get("finish_reason") or "stop"
    piece = "" if token.get("special") else str(token.get("text", ""))
    if piece:
        parts.text.append(piece)
    return piece


def _events(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The data of each server-sent event; a payload may end in the middle of a line."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()
    if rest.startswith(b"data:"):
        yield rest[5:].strip()
