"""Workflow 3: the endpoint generates and scores in one call, at each preset and with its defaults."""

import json
import os

from openai import OpenAI

client = OpenAI(api_key=".", base_url=os.environ["BASE_URL"])
openai_kwargs = {
    "model": "gpt-4.1-mini",
    "messages": [{"role": "user", "content": "What is the capital of France?"}],
}
log = {"options": {"log": ["explanation"]}}
extra_bodies = {
    "default": {},
    **{preset: {"quality_preset": preset} for preset in ("base", "low", "medium")},
    **{f"{preset}, log": {"quality_preset": preset, **log} for preset in ("base", "low", "medium")},
}

answers = {}
for name, extra_body in extra_bodies.items():
    response = client.chat.completions.create(**openai_kwargs, extra_body=extra_body)
    answers[name] = {
        "response": response.model_dump(),
        "score": response.tlm_metadata["trustworthiness_score"],
        "metadata": response.tlm_metadata,
    }

print(json.dumps(answers))
