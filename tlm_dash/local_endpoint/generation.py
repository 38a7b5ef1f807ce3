"""One served model at work: generates answers, and has them scored."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from tlm_dash.errors import InvalidInputError, LocalEndpointError
from tlm_dash.local_endpoint import model_failures
from tlm_dash.local_endpoint.answer import Answer, payload
from tlm_dash.local_endpoint.api_error import ApiError, refused, too_long
from tlm_dash.local_endpoint.conversation import mean_token_probability
from tlm_dash.local_endpoint.explanations import SWITCHED_OFF
from tlm_dash.local_endpoint.field_scores import without_field_scores
from tlm_dash.local_endpoint.messages import readable_by, text_of
from tlm_dash.local_endpoint.model_client import ModelClient
from tlm_dash.local_endpoint.model_source import ModelSource
from tlm_dash.local_endpoint.schema_bounds import check_response_format
from tlm_dash.local_endpoint.scorer_protocol import Scores
from tlm_dash.local_endpoint.vital_signs import VitalSigns
from tlm_dash.local_endpoint.wire import GenerateRequest, ScoreRequest, TlmSettings

logger = logging.getLogger(__name__)

# No token of a usual vocabulary is longer than this (runs of spaces are the longest), so that text which
# cannot fit is refused by its length, before any work is spent on counting its tokens.
MAX_BYTES_PER_TOKEN = 256


class ServedModel:
    """A model with its client and its scorer."""

    def __init__(self, source: ModelSource, scorer: Scores, *, n_ctx: int | None = None) -> None:
        self.source = source
        self._client = ModelClient(source)
        self._scorer = scorer
        self._n_ctx = n_ctx
        self._gives_logprobs = True
        self._vital_signs = VitalSigns(source) if source.bundled else None

    async def trouble(self) -> str:
        """Return why it cannot answer, as a sentence; empty where it can, or where its server is not ours."""
        return await self._vital_signs.trouble() if self._vital_signs else ""

    async def close(self) -> None:
        """Close the connections to the model server."""
        if self._vital_signs:
            await self._vital_signs.close()
        await self._client.close()
        await self._scorer.close()

    async def generate(self, request: GenerateRequest) -> Answer:
        """Return the whole answer to a request."""
        self._check_length(request.messages)
        answer = Answer(self.source, show_logprobs=request.logprobs)
        try:
            completion = await self._client.complete(self._payload(request))
        except ApiError as error:
            if not self._do_without_logprobs(request, error):
                raise
            completion = await self._client.complete(self._payload(request))
        answer.take(completion)
        return answer

    async def stream(self, request: GenerateRequest, answer: Answer) -> AsyncIterator[dict[str, Any]]:
        """Yield the chunks of an answer to send on, while `answer` collects them."""
        self._check_length(request.messages)
        try:
            async for chunk in self._stream(request, answer):
                yield chunk
        except ApiError as error:
            if not self._do_without_logprobs(request, error):
                raise
            async for chunk in self._stream(request, answer):
                yield chunk

    async def _stream(self, request: GenerateRequest, answer: Answer) -> AsyncIterator[dict[str, Any]]:
        async for chunk in self._client.stream(self._payload(request)):
            if (sent := answer.add(chunk)) is not None:
                yield sent

    def _payload(self, request: GenerateRequest) -> dict[str, Any]:
        if self.source.bundled and request.arguments.get("tools"):
            raise refused("tools", "The model knows no tools. Leave tools out.")
        if self.source.bundled:
            check_response_format(request.arguments.get("response_format"))
        wanted = request.logprobs or (request.settings.scoring and self._gives_logprobs)
        return payload(request, self.source, logprobs=wanted)

    def _do_without_logprobs(self, request: GenerateRequest, error: ApiError) -> bool:
        """Whether to ask again without log-probabilities, which some servers refuse; remembered if so."""
        retry = (
            error.status == 400
            and "logprob" in error.message
            and self._gives_logprobs
            and not request.logprobs
        )
        if retry:
            self._gives_logprobs = False
        return retry

    async def tlm_metadata(self, request: GenerateRequest, completion: dict[str, Any]) -> dict[str, Any]:
        """Return the score of an answer just generated, in the form that goes to the caller."""
        arguments = request.arguments
        return await self.score(
            ScoreRequest(
                messages=request.messages,
                completion=completion,
                settings=request.settings,
                response_format=arguments.get("response_format"),
                tools=arguments.get("tools"),
            )
        )

    async def score(self, request: ScoreRequest) -> dict[str, Any]:
        """Return `tlm_metadata` for a completion. A failure of the model server raises ApiError."""
        settings = request.settings
        if not settings.scoring:
            off = {"explanation": SWITCHED_OFF, "per_field_score": without_field_scores(SWITCHED_OFF)}
            return _metadata(settings, None, off)
        try:
            result = await self._scorer.score(
                readable_by(self.source, request.messages),
                request.completion,
                quality_preset=settings.quality_preset,
                options=settings.options,
                response_format=request.response_format,
                tools=request.tools,
            )
        except InvalidInputError as error:
            raise refused("options", str(error)) from None
        except LocalEndpointError as error:
            raise model_failures.while_scoring(error) from None
        found = {
            "explanation": result.explanation,
            "per_field_score": result.per_field_score,
            "perplexity": mean_token_probability(request.completion),
        }
        return _metadata(settings, result.trustworthiness_score, found)

    async def score_given(self, request: ScoreRequest) -> dict[str, Any]:
        """Return `tlm_metadata` for a completion that came from elsewhere, if it fits into the context."""
        messages = [*request.messages, request.completion["choices"][0]["message"]]
        self._check_length(messages)
        text = "\n".join(text_of(message) for message in messages)
        # A token is at least one byte: a short text needs no counting.
        if self._n_ctx is not None and len(text.encode()) > self._n_ctx:
            n_tokens = await self._client.count_tokens(text)
            if n_tokens > self._n_ctx:
                raise too_long(n_tokens, self._n_ctx)
        return await self.score(request)

    def _check_length(self, messages: list[dict[str, Any]]) -> None:
        """Refuse text that cannot fit into the model's context, whatever its tokens."""
        if self._n_ctx is None:
            return
        n_bytes = sum(len(text_of(message).encode()) for message in messages)
        if n_bytes > self._n_ctx * MAX_BYTES_PER_TOKEN:
            raise too_long(None, self._n_ctx)


def _metadata(settings: TlmSettings, score: float | None, found: Mapping[str, Any]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"trustworthiness_score": score}
    # A score that is wanted and cannot be had says why, also where nobody asked for a log.
    names = settings.log if score is not None or not settings.scoring else (*settings.log, "explanation")
    if names:
        metadata["log"] = {name: found.get(name) for name in names}
    return metadata
