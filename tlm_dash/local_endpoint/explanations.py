"""Explanations of a score that say only what the checks found."""

from __future__ import annotations

from collections.abc import Sequence

from tlm_dash.local_endpoint.recall import Recall

# Longer recalled answers are cut in the sentence that quotes them.
QUOTED_CHARACTERS = 80

NOTHING_FOUND = "No check gave a usable answer, so nothing speaks for or against this response."


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
        f"(probability {finding.probability:.2f}), {ending}."
    )
