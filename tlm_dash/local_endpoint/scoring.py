"""The trustworthiness score of one response, by the open scoring library over one model server.

For a real model the checks are the library's own: it is asked to judge the response, and to answer again
where consistency samples are wanted. The bundled model is too small to judge, so its reflections are recall
checks (recall.py). The parts are weighted by the library's tables either way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np

from tlm_dash.local_endpoint.checks import RecallChecks, Reflections, Samples
from tlm_dash.local_endpoint.conversation import (
    last_question,
    mean_token_probability,
    plain_messages,
    response_text,
)
from tlm_dash.local_endpoint.library import (
    BUNDLED_MODEL,
    LIBRARY_MODEL,
    SELF_REFLECTION_TEMPLATES_BY_WORKFLOW,
    Component,
    ConsistencyScoreComputation,
    InferencePipeline,
    PerplexityScoreComputation,
    ReasoningEffort,
    ReferenceCompletionFormatter,
    SelfReflectionScoreComputation,
    SimilarityMeasure,
    TrustworthinessScoreComputation,
    WorkflowType,
    current_calls,
    format_user_request,
    set_weights,
)
from tlm_dash.local_endpoint.model_calls import ModelCalls, open_session
from tlm_dash.local_endpoint.model_source import ModelSource
from tlm_dash.local_endpoint.presets import ScoringPlan, scoring_plan
from tlm_dash.local_endpoint.recall import n_checks
from tlm_dash.local_endpoint.score_result import ScoreResult, read_result

# The library's embedding measures call OpenAI's own servers, whatever the scored model is: nothing may leave
# for a server that nobody named, so they fall back to shared words.
SIMILARITY = {
    "semantic": SimilarityMeasure.STATEMENT,
    "discrepancy": SimilarityMeasure.STATEMENT,
    "string": SimilarityMeasure.JACCARD,
    "embedding": SimilarityMeasure.JACCARD,
    "embedding_large": SimilarityMeasure.JACCARD,
    "code": SimilarityMeasure.CODE,
}

# Weights for the bundled model, picked on the fitting half of tests/benchmarks from .5 and .75 for recall:
# token probabilities rank less well than recall, also where answers are asked for briefly. Samples, for who
# asks for them, count as in the library's own table.
set_weights(
    BUNDLED_MODEL,
    {
        "consistency_score_weight": 0.32,
        "indicator_score_weight": 0.01,
        "self_reflection_score_weight": 0.75,
        "prompt_eval_score_weight": 0.0,
        "perplexity_score_weight": 0.25,
    },
)


@dataclass(frozen=True)
class _Response:
    """The response being scored, with the request it answers."""

    messages: list[dict[str, str]]
    text: str
    probability: float | None
    workflow: WorkflowType
    response_format: Mapping[str, Any] | None


class Scorer:
    """Scores responses by one model. Many scores may run at once in one event loop; close it when done."""

    def __init__(self, source: ModelSource) -> None:
        self.source = source
        self._session: aiohttp.ClientSession | None = None

    async def score(
        self,
        messages: Sequence[Mapping[str, Any]],
        completion: Mapping[str, Any],
        *,
        quality_preset: str,
        options: Mapping[str, Any] | None = None,
        response_format: Mapping[str, Any] | None = None,
        tools: Sequence[Any] | None = None,  # noqa: ARG002 - part of the request, of no use to the checks
    ) -> ScoreResult:
        """Return the score of `completion` as an answer to `messages`.

        Raises InvalidInputError for options that cannot be used and ScoringFailedError when every call to
        the model server failed. Cancelling the task that runs this closes the connections of its model calls.
        """
        plan = scoring_plan(quality_preset, options)
        if plan.disabled:
            return ScoreResult(None, None, None, 0, 0, 0)
        if self._session is None or self._session.closed:
            self._session = open_session()
        calls = ModelCalls(self.source, self._session, plan.max_tokens)
        current_calls.set(calls)
        response = _read(messages, completion, plan, response_format, bundled=self.source.bundled)
        pipeline, checks = _pipeline(response, plan, calls)
        results = await pipeline.run()
        calls.require_an_answer()
        structured = response.workflow == WorkflowType.STRUCTURED_OUTPUT_SCORING
        return read_result(results, checks, plan, calls, response=response.text, structured=structured)

    async def close(self) -> None:
        """Close the connections to the model server."""
        if self._session is not None:
            await self._session.close()


def _read(
    messages: Sequence[Mapping[str, Any]],
    completion: Mapping[str, Any],
    plan: ScoringPlan,
    response_format: Mapping[str, Any] | None,
    *,
    bundled: bool,
) -> _Response:
    text = response_text(completion)
    structured = (
        not bundled and bool(response_format) and _is_json_object(text) and (plan.reasons or plan.per_field)
    )
    return _Response(
        messages=plain_messages(messages),
        text=text,
        probability=mean_token_probability(completion),
        workflow=WorkflowType.STRUCTURED_OUTPUT_SCORING if structured else WorkflowType.QA,
        response_format=response_format,
    )


def _is_json_object(text: str) -> bool:
    try:
        fields = json.loads(text)
    except ValueError:
        return False
    return isinstance(fields, dict) and bool(fields)


def _pipeline(
    response: _Response, plan: ScoringPlan, calls: ModelCalls
) -> tuple[InferencePipeline, Component | None]:
    """Put the library's components together for one score; the second is what stands for reflections."""
    pipeline = InferencePipeline()
    params: dict[str, Any] = {"messages": response.messages, "model": LIBRARY_MODEL, "temperature": 1.0}
    choices = [{"message": {"role": "assistant", "content": response.text}}]
    reference = pipeline.add(
        ReferenceCompletionFormatter(
            completion_params=params,
            response_input={"chat_completion": {"choices": choices}, "perplexity": response.probability},
        )
    )
    parts = [pipeline.add(PerplexityScoreComputation(depends_on=[reference]))]
    parts.append(_add_consistency(pipeline, reference, params, plan, response, bundled=calls.source.bundled))
    checks = _checks(response, plan, calls, reference) if plan.num_self_reflections else None
    if checks is not None:
        pipeline.add(checks)
        parts.append(pipeline.add(SelfReflectionScoreComputation(depends_on=[reference, checks])))
    else:
        parts[0].execution_context.add("self_reflection_scores", np.array([np.nan]))
    model = BUNDLED_MODEL if calls.source.bundled else LIBRARY_MODEL
    pipeline.add(TrustworthinessScoreComputation(response.workflow, model, depends_on=parts))
    return pipeline, checks


def _add_consistency(
    pipeline: InferencePipeline,
    reference: Component,
    params: dict[str, Any],
    plan: ScoringPlan,
    response: _Response,
    *,
    bundled: bool,
) -> Component:
    samples = pipeline.add(
        Samples(
            completion_params=params,
            count=plan.num_consistency_samples,
            temperature=1.0,
            reasoning_effort=ReasoningEffort.NONE,
            constrain_outputs=None,
        )
    )
    # The bundled model cannot tell whether two texts agree either.
    similarity = SimilarityMeasure.JACCARD if bundled else SIMILARITY[plan.similarity_measure]
    return pipeline.add(
        ConsistencyScoreComputation(
            similarity_measure=similarity,
            structured_outputs=response.workflow == WorkflowType.STRUCTURED_OUTPUT_SCORING,
            constrain_outputs=None,
            depends_on=[reference, samples],
        )
    )


def _checks(response: _Response, plan: ScoringPlan, calls: ModelCalls, reference: Component) -> Component:
    if calls.source.bundled:
        count = n_checks(plan.num_self_reflections, reasons=plan.reasons)
        return RecallChecks(last_question(response.messages), count, calls, depends_on=[reference])
    structured = response.workflow == WorkflowType.STRUCTURED_OUTPUT_SCORING
    effort = ReasoningEffort(plan.reasoning_effort)
    if structured and effort == ReasoningEffort.NONE:
        effort = ReasoningEffort.LOW  # the library's field by field templates need some
    return Reflections(
        format_user_request(
            {"messages": response.messages, "response_format": response.response_format or {}}
        ),
        SELF_REFLECTION_TEMPLATES_BY_WORKFLOW[response.workflow][: plan.num_self_reflections],
        effort,
        depends_on=[reference],
    )
