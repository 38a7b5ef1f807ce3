"""What a person should know of a dataset before paying for a run over it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

TROUBLES = {
    "duplicate_prompts": ("item repeats", "items repeat", "the prompt of an earlier one"),
    "empty_prompts": ("row has", "rows have", "an empty prompt"),
    "empty_responses": ("response is", "responses are", "empty"),
    "truncated_responses": ("response looks", "responses look", "cut off in the middle"),
    "very_long_prompts": ("prompt is", "prompts are", "longer than 100,000 characters"),
    "very_long_responses": ("response is", "responses are", "longer than 100,000 characters"),
    "bad_scores": ("score is", "scores are", "no number from 0 to 1"),
    "labels_set_aside": (
        "response has",
        "responses have",
        "verdicts left out: an older export could not tell calls apart",
    ),
}
LENGTHS = {"longest_prompt": "longest prompt", "longest_response": "longest response"}


def draw(counts: Mapping[str, int]) -> None:
    """Draw the counts that are not zero as sentences, and the lengths."""
    sentences = [
        f"{count:,} {one if count == 1 else many} {what}"
        for name, (one, many, what) in TROUBLES.items()
        if (count := counts.get(name, 0))
    ]
    with st.container(gap=None):
        for sentence in sentences or ["No repeated, empty, cut-off or very long texts"]:
            st.text(sentence)
        lengths = [
            f"{words} {counts[name]:,} characters" for name, words in LENGTHS.items() if counts.get(name)
        ]
        if lengths:
            st.text(", ".join(lengths).capitalize())
