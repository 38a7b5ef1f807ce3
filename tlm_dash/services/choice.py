"""What is asked of several settings, and what follows: each with its answer, and the one to take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tlm_dash.errors import InvalidInputError
from tlm_dash.services.asking import AskedDecision, first_facts
from tlm_dash.services.asking_words import late_reason
from tlm_dash.services.choose_words import choice_sentence
from tlm_dash.services.compare_effort import Cost
from tlm_dash.services.decide import Question
from tlm_dash.services.labelled import LabelledRun

MOST = 1e9


@dataclass(frozen=True)
class ChooseRequest:
    """What is asked of which runs. `bases` name samples: each run takes the first of them that it has.

    `minutes_per_row` is what reading a row takes, `price_per_hour` what an hour of it costs. Raises
    InvalidInputError where it makes no sense.
    """

    run_ids: tuple[str, ...]
    question: Question
    bases: tuple[str, ...] = ()
    minutes_per_row: float | None = None
    price_per_hour: float | None = None

    def __post_init__(self) -> None:
        if not self.run_ids:
            raise InvalidInputError("No run is named.", hint="Name the settings to choose among.")
        if len(set(self.run_ids)) != len(self.run_ids):
            raise InvalidInputError("A run is named twice.", hint="Name each run once.")
        for name, value in (
            ("minutes of a row", self.minutes_per_row),
            ("price of an hour", self.price_per_hour),
        ):
            if value is not None and not 0 <= value <= MOST:
                raise InvalidInputError(f"The {name} cannot be {value:g}.", hint="A number from 0 on.")

    @property
    def price_per_review(self) -> float | None:
        """Give what it costs that a person reads one row; None where it is not said."""
        if self.minutes_per_row is None or self.price_per_hour is None:
            return None
        return self.minutes_per_row / 60 * self.price_per_hour


@dataclass(frozen=True)
class Setting:
    """A run among those compared: what it is called, its answer, what it costs.

    `is_named`: it was among the settings when they were stored. `price_per_1000` is requests and people's
    reading for 1,000 rows, None where either is not known or nothing is promised.
    """

    name: str
    asked: AskedDecision
    cost: Cost
    price_per_1000: float | None
    is_named: bool

    @property
    def is_certified(self) -> bool:
        """Tell whether something is promised of what this setting accepts; never of one that came late."""
        answer = self.asked.decision.answer
        return self.is_named and answer.point is not None and answer.bound is not None

    @property
    def review_share(self) -> float:
        """Give the share of rows that people read; all of them where nothing can be accepted."""
        point = self.asked.decision.answer.point
        return 1.0 if point is None else 1 - point.coverage

    @property
    def why_not(self) -> str | None:
        """Say why nothing is promised; None where something is."""
        decision = self.asked.decision
        if self.is_certified:
            return None
        if not self.is_named:
            return late_reason(self.asked.standing.late_to)
        if decision.answer.reason is not None and decision.basis.reason is None:
            return decision.answer.reason
        return decision.basis.reason or "fewer than 30 of the rows that pass are labelled"

    def facts(self) -> dict[str, Any]:
        """Give the figures under the names that scripts rely on."""
        record, told = self.asked.decision.record, self.asked.facts()
        point = self.asked.decision.answer.point
        return {
            "run_id": record.run_id, "name": record.name, "setting": self.name, "model": record.model,
            "quality_preset": record.quality_preset, "scorer_model": record.scorer_model,
            "is_certified": self.is_certified, "is_named": self.is_named,
            "review_share": self.review_share,
            "review_share_ci": None if point is None else [1 - point.coverage_high, 1 - point.coverage_low],
            "cost_per_1000": self.cost.per_1000, "price_per_1000": self.price_per_1000,
            **told, "reason": self.why_not,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Choice:
    """The settings as they were named, and which is taken: `taken` is its place, None where none can be.

    `n_settings` share the level. `is_answered`: the target was asked (or read as a look); else there is
    nothing to show yet. `is_by_price`: the cheapest is taken, else the one that sends fewest rows to people.
    """

    request: ChooseRequest
    runs: tuple[LabelledRun, ...]
    settings: tuple[Setting, ...]
    taken: int | None
    n_settings: int
    is_answered: bool
    is_look: bool
    is_by_price: bool

    @property
    def sentence(self) -> str:
        """Say the answer in a sentence."""
        return choice_sentence(self)

    @property
    def n_certified(self) -> int:
        """Count the settings of which something is promised."""
        return sum(setting.is_certified for setting in self.settings)

    def whose_labels(self) -> list[str]:
        """Say whose labels the answer stands on: once where all settings have the same, nothing of none."""
        told = {setting.name: setting.asked.decision.labels for setting in self.settings}
        sentences = {
            name: f"Right and wrong are told {labels.by}." for name, labels in told.items() if labels.counts
        }
        if len(sentences) == len(told) and len(set(sentences.values())) == 1:
            return list(dict.fromkeys(sentences.values()))
        return [f"{name}: {sentence}" for name, sentence in sentences.items()]

    def notes(self) -> list[str]:
        """Say what holds for all, then what was asked of each setting before."""
        found = []
        if not self.is_by_price and self.request.price_per_review is not None:
            found.append("The price of requests is not known for every setting: people's reading decides.")
        for setting in self.settings:
            found += [f"{setting.name}: {note}" for note in setting.asked.facts()["notes"]]
        return list(dict.fromkeys(found))

    def facts(self) -> dict[str, Any]:
        """Give the figures under the names that scripts rely on."""
        question, request = self.request.question, self.request
        settings = [setting.facts() for setting in self.settings]
        sources = [told["label_sources"] for told in settings]
        names = dict.fromkeys(name for told in sources for name in told)
        firsts = [setting.asked.first for setting in self.settings if setting.asked.first]
        asked = [s.asked for s in self.settings if s.is_named and s.asked.decision.n_labelled]
        return {
            "chosen": None if self.taken is None else settings[self.taken],
            "sentence": self.sentence, "n_settings_tried": self.n_settings, "n_certified": self.n_certified,
            "max_risk": question.max_risk, "review_budget": question.review_budget,
            "daily_volume": question.daily_volume, "review_share": question.review_share,
            "confidence": question.confidence, "minutes_per_row": request.minutes_per_row,
            "price_per_hour": request.price_per_hour,
            "first_target": first_facts(min(firsts, key=lambda q: q.asked_at) if firsts else None),
            "is_first": bool(asked) and all(one.is_first for one in asked),
            "label_sources": {name: max(told.get(name, 0) for told in sources) for name in names},
            "settings": settings, "best_set": None, "notes": self.notes(),
        }  # fmt: skip
