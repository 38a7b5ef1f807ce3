"""The benchmark's questions are what the benchmark says they are."""

from __future__ import annotations

from tests.benchmarks.questions import halves, load_questions, written_responses


def test_questions_are_many_distinct_and_well_formed() -> None:
    questions = load_questions()
    assert len(questions) >= 320
    assert len({question.question for question in questions}) == len(questions)
    assert len({question.id for question in questions}) == len(questions)
    assert {question.difficulty for question in questions} == {"easy", "medium", "hard"}


def test_references_are_right_and_wrong_answers_wrong() -> None:
    for question, response, right in written_responses(load_questions()):
        assert question.is_right(response) is right, (question.id, response)


def test_halves_are_fixed_disjoint_and_large() -> None:
    questions = load_questions()
    fitting, unseen = halves(questions)
    assert {q.id for q in fitting}.isdisjoint(q.id for q in unseen)
    assert min(len(fitting), len(unseen)) >= 150
    again, _ = halves(questions[::-1])
    assert {q.id for q in again} == {q.id for q in fitting}
