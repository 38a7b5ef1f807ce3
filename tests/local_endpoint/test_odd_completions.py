"""Completions of any shape: what cannot be read of them is left out, and nothing is raised."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tlm_dash.local_endpoint.conversation import mean_token_probability, response_text

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["content", "token", "logprob", "text", "type", "function", "tool_calls"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, JSON, JSON)
def test_no_shape_is_too_odd(content: Any, tool_calls: Any, logprobs: Any) -> None:  # noqa: ANN401
    message = {"content": content, "tool_calls": tool_calls}
    completion = {"choices": [{"message": message, "logprobs": logprobs}]}
    json.dumps(response_text(completion))
    probability = mean_token_probability(completion)
    assert probability is None or (0 <= probability <= 1 and math.isfinite(probability))
