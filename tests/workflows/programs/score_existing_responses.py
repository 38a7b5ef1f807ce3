"""Workflow 1: score the response of an existing call, at each preset and with the client's defaults."""

import json

import openai
from cleanlab_tlm.utils.vpc.chat_completions import TLMChatCompletion

openai_kwargs = {
    "model": "gpt-4.1-mini",
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "What is the capital of France?"},
    ],
}
response = openai.chat.completions.create(**openai_kwargs)

scores = {"default": TLMChatCompletion(timeout=60).score(response=response, **openai_kwargs)}
for preset in ("base", "low", "medium"):
    tlm = TLMChatCompletion(quality_preset=preset, options={"model": "gpt-4.1-mini", "log": ["explanation"]})
    scores[preset] = tlm.score(response=response, **openai_kwargs)

print(json.dumps({"response": response.model_dump(), "scores": scores}))
