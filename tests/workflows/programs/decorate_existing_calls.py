"""Workflow 2: decorate the call once, and every response brings its score."""

import functools
import json
from collections.abc import Callable
from typing import Any

import openai
from cleanlab_tlm.utils.vpc.chat_completions import TLMChatCompletion
from openai.types.chat import ChatCompletion

Create = Callable[..., ChatCompletion]


def add_trust_scoring(tlm: TLMChatCompletion) -> Callable[[Create], Create]:
    """Give a decorator that sets `tlm_metadata` on each response."""

    def decorator(create: Create) -> Create:
        @functools.wraps(create)
        def wrapper(**kwargs: Any) -> ChatCompletion:  # noqa: ANN401
            response = create(**kwargs)
            response.tlm_metadata = tlm.score(response=response, **kwargs)
            return response

        return wrapper

    return decorator


tlm = TLMChatCompletion(quality_preset="low", options={"model": "gpt-4.1-mini", "log": ["explanation"]})
openai.chat.completions.create = add_trust_scoring(tlm)(openai.chat.completions.create)

questions = ("What is the capital of France?", "What is 2 + 2?")
responses = [
    openai.chat.completions.create(
        model="gpt-4.1-mini", messages=[{"role": "user", "content": question}], temperature=0.5
    )
    for question in questions
]

print(json.dumps([{"response": each.model_dump(), "tlm_metadata": each.tlm_metadata} for each in responses]))
