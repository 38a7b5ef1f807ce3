"""The library's components as we put them together: reflections that may fail, recall checks, samples."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tlm_dash.local_endpoint.library import (
    REASONING_EFFORT_TO_MAX_EXPLANATION_WORDS,
    Completion,
    CompletionFailure,
    Component,
    ExtractedResponseField,
    ObservedConsistencyCompletionGenerator,
    ReasoningEffort,
    ReflectionCompletionTemplate,
    generate_completion,
)
from tlm_dash.local_endpoint.model_calls import ModelCallError, ModelCalls
from tlm_dash.local_endpoint.recall import WORDINGS, Recall, Wording, read_recall, recall_request


class Reflections(Component):  # type: ignore[misc]  # the library ships no types
    """Asks the model to judge the response, with the library's own templates.

    Stands in for the library's SelfReflectionCompletionGenerator, which fails as a whole when one call does
    and runs every template when one is asked for. Replies that fail or cannot be parsed are left out.
    """

    def __init__(
        self,
        request: str,
        templates: Sequence[type[ReflectionCompletionTemplate]],
        effort: ReasoningEffort,
        depends_on: list[Component],
    ) -> None:
        self.request, self.templates, self.effort = request, templates, effort
        super().__init__(depends_on=depends_on)

    async def execute(self) -> None:
        """Run all templates at once and leave their parsed replies for the score."""
        answer = self.execution_context.get("reference_answers")[0]
        replies = await asyncio.gather(
            *(self._reflect(template, answer) for template in self.templates), return_exceptions=True
        )
        parsed = [
            reply for reply in replies if isinstance(reply, Completion) and _score_of(reply) is not None
        ]
        self.execution_context.add("self_reflection_completions", [parsed])

    async def _reflect(
        self, template: type[ReflectionCompletionTemplate], answer: str
    ) -> Completion | CompletionFailure:
        return await generate_completion(
            template=template.create(reasoning_effort=self.effort),
            template_kwargs={
                "question": self.request,
                "answer": answer,
                "max_explanation_words": REASONING_EFFORT_TO_MAX_EXPLANATION_WORDS[self.effort],
            },
            temperature=0.0,
            response_format_model=template.construct_response_format(answer),
            reference_answer=answer,
        )


class RecallChecks(Component):  # type: ignore[misc]  # the library ships no types
    """Asks the bundled model the same question again and leaves its findings where reflections would be."""

    def __init__(self, question: str, count: int, calls: ModelCalls, depends_on: list[Component]) -> None:
        self.question, self.wordings, self.calls = question, WORDINGS[:count], calls
        self.findings: list[Recall] = []
        super().__init__(depends_on=depends_on)

    async def execute(self) -> None:
        """Run all checks at once; each becomes one reflection with a mapped score."""
        response = self.execution_context.get("reference_answers")[0]
        found = await asyncio.gather(*(self._recall(wording, response) for wording in self.wordings))
        self.findings = [finding for finding in found if finding is not None]
        self.execution_context.add(
            "self_reflection_completions", [[_as_reflection(f) for f in self.findings]]
        )

    async def _recall(self, wording: Wording, response: str) -> Recall | None:
        try:
            return read_recall(await self.calls.complete(recall_request(self.question, wording)), response)
        except ModelCallError:
            return None


class Samples(ObservedConsistencyCompletionGenerator):  # type: ignore[misc]  # the library ships no types
    """The library's consistency samples, without those that failed."""

    async def execute(self) -> None:
        """Sample, then drop failures so that the comparison sees texts only."""
        await super().execute()
        results = self.execution_context.results
        kept = [reply for reply in results["consistency_completions"] if isinstance(reply, Completion)]
        answers = [answer for answer in results["consistency_answers"] if answer is not None]
        results.update(consistency_completions=kept, consistency_answers=answers)


def _score_of(reply: Completion) -> float | None:
    score = reply.response_fields.get(ExtractedResponseField.MAPPED_SCORE)
    return None if score is None else float(score)


def _as_reflection(finding: Recall) -> Completion:
    reflection = Completion(message=finding.answer, original_response={}, template=None)
    reflection.add_response_field(ExtractedResponseField.MAPPED_SCORE, finding.score)
    return reflection
