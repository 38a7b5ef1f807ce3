"""What the two official clients raise for a model that the endpoint does not serve."""

import json
import os

import openai
import requests
from cleanlab_tlm.utils.vpc.chat_completions import TLMChatCompletion

client = openai.OpenAI(api_key=".", base_url=os.environ["BASE_URL"])
messages = [{"role": "user", "content": "What is the capital of France?"}]
raised = {}

try:
    client.chat.completions.create(model="no-such-model", messages=messages)
except openai.NotFoundError as error:
    raised["generate"] = {"text": str(error), "code": error.code, "param": error.param}

response = client.chat.completions.create(model="gpt-4.1-mini", messages=messages)
tlm = TLMChatCompletion(options={"model": "no-such-model"})
try:
    tlm.score(response=response, model="gpt-4.1-mini", messages=messages)
except requests.HTTPError as error:
    # The client's own text has the status alone; the endpoint's words are in the answer that it keeps.
    raised["score"] = {"text": str(error), "answer": error.__cause__.response.json()}

print(json.dumps(raised))
