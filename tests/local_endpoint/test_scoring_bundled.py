"""The bundled model itself, in a process of its own: right answers above wrong ones, at every preset."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import asyncio, json, os, sys
from pathlib import Path
from tlm_dash.local_endpoint import llama_server
from tlm_dash.local_endpoint.scoring import Scorer

QUESTIONS = [("What is the capital of France?", "It is Paris.", "It is Lyon."), ("What is 2 + 2?", "4", "5")]

async def scores(scorer):
    found = []
    for preset in ("base", "low", "medium"):
        for question, *responses in QUESTIONS:
            pair = await asyncio.gather(*(
                scorer.score(
                    [{"role": "user", "content": question}],
                    {"choices": [{"message": {"role": "assistant", "content": response}}]},
                    quality_preset=preset,
                )
                for response in responses
            ))
            found.append([result.trustworthiness_score for result in pair])
    return found

llama_server.THREADS = 1  # two would wait for each other where other tests keep the cores busy
server = llama_server.LlamaServer(Path(sys.argv[1]), "bundled").keep()
print(json.dumps(asyncio.run(scores(Scorer(server.source)))), flush=True)
os._exit(0)
"""


def test_right_answers_score_above_wrong_ones(model_file: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(model_file)],
        capture_output=True,
        text=True,
        check=True,
        timeout=900,
    )
    pairs = json.loads(run.stdout.splitlines()[-1])
    assert len(pairs) == 6
    assert all(right > 0.5 > wrong for right, wrong in pairs)
