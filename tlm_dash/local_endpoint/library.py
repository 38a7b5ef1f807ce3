"""The door to the scoring library (trustworthy-llm): imports it once and leads all its model calls to us.

The library calls its model through LiteLLM, with one default model for the whole process. We register one
LiteLLM provider of our own whose handler looks up, in a context variable, which score is being computed and
hands the call to that score's ModelCalls. So two scorers in one process each reach only their own server,
no key or base URL from the environment plays a part, and every call is counted.

Importing this module takes seconds and some 250 MB (LiteLLM): import it late.
"""

from __future__ import annotations

import logging
import os
import warnings
from contextvars import ContextVar
from typing import Any

from tlm_dash.local_endpoint.model_calls import ModelCalls

# LiteLLM otherwise downloads its table of model prices when it is imported.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

# The library logs whole prompts when a call fails; prompts belong to the user, and failures are counted here.
logging.getLogger("tlm").setLevel(logging.CRITICAL)

with warnings.catch_warnings():
    # LiteLLM's own classes use pydantic's and importlib's older spellings; the warnings speak to its authors.
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module="pydantic")
    import litellm
    from litellm.llms.custom_llm import CustomLLM
    from litellm.types.utils import ModelResponse
    from tlm.components import (
        Component,
        ConsistencyScoreComputation,
        ObservedConsistencyCompletionGenerator,
        PerplexityScoreComputation,
        ReferenceCompletionFormatter,
        SelfReflectionScoreComputation,
        TrustworthinessScoreComputation,
    )
    from tlm.config.defaults import get_settings
    from tlm.config.presets import REASONING_EFFORT_TO_MAX_EXPLANATION_WORDS, ReasoningEffort, WorkflowType
    from tlm.config.score_weights import COMPONENT_SCORE_WEIGHTS
    from tlm.pipeline import InferencePipeline
    from tlm.templates.reflection_completion_templates import (
        SELF_REFLECTION_TEMPLATES_BY_WORKFLOW,
        ReflectionCompletionTemplate,
    )
    from tlm.types import Completion, CompletionFailure, ExtractedResponseField, SimilarityMeasure
    from tlm.utils.completion_utils import generate_completion
    from tlm.utils.explainability_utils import get_explainability_message
    from tlm.utils.prompt_utils import format_user_request

# What the other scoring modules use of the library: they import it from here, after the settings above.
__all__ = [
    "BUNDLED_MODEL",
    "LIBRARY_MODEL",
    "REASONING_EFFORT_TO_MAX_EXPLANATION_WORDS",
    "SELF_REFLECTION_TEMPLATES_BY_WORKFLOW",
    "Completion",
    "CompletionFailure",
    "Component",
    "ConsistencyScoreComputation",
    "ExtractedResponseField",
    "InferencePipeline",
    "ObservedConsistencyCompletionGenerator",
    "PerplexityScoreComputation",
    "ReasoningEffort",
    "ReferenceCompletionFormatter",
    "ReflectionCompletionTemplate",
    "SelfReflectionScoreComputation",
    "SimilarityMeasure",
    "TrustworthinessScoreComputation",
    "WorkflowType",
    "current_calls",
    "format_user_request",
    "generate_completion",
    "get_explainability_message",
    "set_weights",
]

PROVIDER = "tlm_dash"

# Name under which the library asks for the scored model; the handler replaces it by the real one.
LIBRARY_MODEL = f"{PROVIDER}/scorer"

# Name of the bundled model in the library's table of weights.
BUNDLED_MODEL = f"{PROVIDER}/bundled"

# Chat arguments that the library sets and that any OpenAI-compatible server understands.
PASSED_ON = ("temperature", "response_format")

current_calls: ContextVar[ModelCalls] = ContextVar("current_calls")


class _CurrentServer(CustomLLM):  # type: ignore[misc]  # the library ships no types
    """LiteLLM handler that answers with whatever server the running score belongs to."""

    async def acompletion(self, *_: Any, **call: Any) -> ModelResponse:  # noqa: ANN401 - LiteLLM's signature
        wanted = call.get("optional_params") or {}
        body = {name: wanted[name] for name in PASSED_ON if wanted.get(name) is not None}
        answer = await current_calls.get().chat({"messages": call["messages"], **body})
        message = answer["choices"][0]["message"]
        return ModelResponse(
            model=LIBRARY_MODEL,
            choices=[
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": message.get("content") or ""},
                }
            ],
            usage=answer.get("usage") or {},
        )


def connect() -> None:
    """Register our provider with LiteLLM and make it the library's only model. Safe to call again."""
    litellm.telemetry = False
    litellm.num_retries = 0
    if all(item["provider"] != PROVIDER for item in litellm.custom_provider_map):
        litellm.custom_provider_map.append({"provider": PROVIDER, "custom_handler": _CurrentServer()})
    settings = get_settings()
    settings.DEFAULT_MODEL, settings.DEFAULT_PROVIDER, settings.DEFAULT_API_KEY = LIBRARY_MODEL, PROVIDER, "."


def set_weights(model: str, weights: dict[str, float]) -> None:
    """Enter a model's component weights in the library's table for questions and answers.

    The library unpacks the five weights by position, so `weights` must come in its order: consistency,
    indicator, self-reflection, prompt evaluation, perplexity.
    """
    COMPONENT_SCORE_WEIGHTS[WorkflowType.QA][model] = weights


connect()
