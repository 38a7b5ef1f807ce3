"""Counts what one score costs: `python -m tests.benchmarks.scoring_cost` prints calls and tokens per preset.

The wire API does not tell what scoring used, so this asks the scorer itself, over the bundled model in this
process. A process of its own: the model's server cannot be unloaded.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
from pathlib import Path

from tests.benchmarks.questions import halves, load_questions, written_responses
from tlm_dash.local_endpoint.llama_server import LlamaServer
from tlm_dash.local_endpoint.model_file import ensure_model_file
from tlm_dash.local_endpoint.presets import PLANS
from tlm_dash.local_endpoint.scoring import Scorer

N_QUESTIONS = 24


async def costs(server: LlamaServer) -> dict[str, dict[str, float]]:
    """Return mean model calls, input and output tokens per score, by preset."""
    responses = written_responses(halves(load_questions())[1][:N_QUESTIONS])
    scorer = Scorer(server.source)
    found = {}
    for preset in PLANS:
        results = [
            await scorer.score(
                [{"role": "user", "content": question.question}],
                {"choices": [{"message": {"role": "assistant", "content": response}}]},
                quality_preset=preset,
            )
            for question, response, _ in responses
        ]
        found[preset] = {
            name: statistics.fmean(getattr(result, name) for result in results)
            for name in ("n_model_calls", "input_tokens", "output_tokens")
        }
    await scorer.close()
    return found


def main() -> None:
    """Measure, print one JSON object, and leave the process at once."""
    model_file = ensure_model_file(Path(os.environ.get("TLM_DASH_DATA_DIR") or "data"))
    print(json.dumps(asyncio.run(costs(LlamaServer(model_file, "bundled").keep()))))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
