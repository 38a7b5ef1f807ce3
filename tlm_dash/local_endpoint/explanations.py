"""Explanations of a score that say only what the checks found."""

from __future__ import annotations

from collections.abc import Sequence

from tlm_dash.local_endpoint.recall import Recall

# Longer recalled answers are cut in the sentence that quotes them.
QUOTED_CHARACTERS = 80

NOTHING_FOUND = "No check gave a usable answer, so nothing speaks for or against this response."

NOTHING_ASKED = (
    "No check was asked for (no self-reflections, no consistency samples) and the response came without "
    "token probabilities, so there is nothing to score it by."
)

SWITCHED_OFF = "Scoring was switched off by options.disable_trustworthiness."


def explain_without_checks(*, scored: bool, asked: bool) -> str:
    """Return what a score rests on, or why there is none, where no check has anything to say."""
    if not scored:
        return NOTHING_FOUND if asked else NOTHING_ASKED
    why = "No check gave a usable answer" if asked else "No check was asked for"
    return f"{why}: the score is the mean probability of the response's tokens alone."


def explain_recalls(findings: Sequence[Recall]) -> str:
    """Return one sentence per distinct recalled answer, the likeliest first.

    The bundled model is too small to give reasons worth reading; what it answers when asked again is a fact.
    """
    if not findings:
        return NOTHING_FOUND
    best: dict[tuple[str, float], Recall] = {}
    for finding in sorted(findings, key=lambda finding: -finding.probability):
        best.setdefault((finding.answer.casefold(), finding.agreement), finding)
    return " ".join(_sentence(finding) for finding in best.values())


def _sentence(finding: Recall) -> str:
    quoted = finding.answer[:QUOTED_CHARACTERS].rstrip()
    if finding.agreement == 1:
        ending = "which this response also says"
    elif finding.agreement > 0:
        ending = f"of whose words this response has {finding.agreement:.0%}"
    else:
        ending = "which is not in this response"
    return (
        f"Asked the same question again, the model answered \u201c{quoted}\u201d "
        f"(probability {_probability(finding.probability)}), {ending}."
    )


def _probability(value: float) -> str:
    """Write a probability with two decimals; one that would read as 0 is less than 0.01."""
    return f"{value:.2f}" if value >= 0.005 else "less than 0.01"
