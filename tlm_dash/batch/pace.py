"""How fast requests may leave: a rate that was told, or one that is found from the refusals (429)."""

from __future__ import annotations

import random
from typing import Literal

from tlm_dash.batch.admissions import Admissions, Outcome, Sent
from tlm_dash.batch.closure import LONGEST_WAIT_S, TROUBLE_EVERY_S, Closure, Waits, Why
from tlm_dash.batch.held_rate import SLOWEST_PER_S, HeldRate
from tlm_dash.batch.refusal_tests import (
    FEWEST_REFUSED,
    HARMLESS_SHARE,
    SMALL_SHARE,
    Trial,
    closed_test,
    is_clearly_more,
    limit_test,
    slower,
)

CREDIT_S = 0.25
"""What was not sent in time may be sent later, up to this much: a late wake-up must not lower the rate."""

TROUBLE_IN_A_ROW = 8
"""So many failures in a row close the endpoint: what is sent then only uses up the tries of its rows."""

FEWEST_TO_JUDGE, ENOUGH_TO_KNOW, ANSWERS_BEFORE_JUDGING = 40, 200, 10
"""The first requests leave in a burst, which tells nothing of the rate that can be held."""

MOST_AT_RANDOM = 0.45
"""No endpoint refuses more at random: where so many are, it is the limit."""

TRIED_ANEW_AFTER_S, TRIED_ANEW_REQUESTS, AFTER_TRIAL = 20.0, 1200, 0.95
"""A share that was taken for chance is tried anew after both: a trial takes some 60 slower requests."""

Mode = Literal["free", "trial", "held", "closed"]


class Pace:
    """The rate of requests to one endpoint. Times are monotonic seconds, given by the caller.

    free: no limit is known. held: one is, and is followed. trial: it is tried whether fewer are refused
    where requests leave slower, as a limit would have it; refusals that stay come at random, and slow down
    only what was refused. closed: everything is refused, or fails, and the endpoint is only tried. The law,
    its reasons and what it was compared with: `tlm_dash/docs/pace.md`.
    """

    def __init__(self, per_minute: float | None = None, chance: random.Random | None = None) -> None:
        self._told = None if per_minute is None else per_minute / 60.0
        self._mode: Mode = "free"
        self._admissions = Admissions()
        self._held = HeldRate(self._admissions)
        self._chance = chance or random.Random()
        self._waits = Waits(self._chance)
        self.closure: Closure | None = None
        self._mode_before_trouble: Mode = "free"
        self._trial: Trial | None = None
        self._next_at = self._tried_until = 0.0
        self._random_share: float | None = None
        self._patience = 1
        self._begin_stretch(0.0)

    @property
    def per_s(self) -> float | None:
        """Give the rate in requests a second; None while no limit is known."""
        return min((rate for rate in (self._told, self._held.per_s) if rate is not None), default=None)

    @property
    def is_closed(self) -> bool:
        """Tell whether the endpoint refuses or fails everything at present, and is only tried."""
        return self._mode == "closed"

    def wait_s(self, now: float) -> float:
        """Tell how long to wait until the next request may leave; 0 for now."""
        self._settle(now)
        if (paused_s := self._waits.paused_s(now)) > 0:
            return paused_s
        if self.closure is not None:
            if not self.closure.is_over(now):
                return self.closure.wait_s(now)
            self._open(now)
        return max(0.0, self._next_at - now) if self.per_s is not None else 0.0

    def paused_s(self, now: float) -> float:
        """Tell how long nothing at all may leave: the endpoint is to be left alone, also by a person."""
        return self._waits.paused_s(now)

    def take(self, now: float) -> Sent:
        """Note that a request leaves; what is given back goes to `ended` with its end."""
        if not self._held.has_begun:
            self._held.begin(now)
            self._admissions.begin_stretch(now)
        sent = self._admissions.take(now, is_try=self.closure is not None)
        if self.closure is not None:
            self.closure.take(sent)
        if self._mode == "held":
            self._held.grow(now)
        if (rate := self.per_s) is not None:
            self._next_at = max(self._next_at, now - CREDIT_S) + 1.0 / rate
        return sent

    def ended(self, now: float, sent: Sent, outcome: Outcome, retry_after_s: float | None = None) -> None:
        """Note how a request ended; `retry_after_s` is what the endpoint asked for with a refusal."""
        if retry_after_s is not None and outcome == "refused":
            self._heed(now, sent, min(max(0.0, retry_after_s), LONGEST_WAIT_S))
        is_late = self._admissions.end(sent, outcome, now)
        is_start_over = outcome == "admitted" and self._admissions.answered == ANSWERS_BEFORE_JUDGING
        if is_start_over and self._mode == "free":
            self._begin_stretch(now)
        is_of_now = sent.stretch is self._admissions.stretch
        if self.closure is not None:
            if sent.is_try and is_of_now:
                self._take_try(now, sent, outcome)
        elif is_late and is_of_now:
            self._judge(now, sent, refused=True)
        self._settle(now)
        if self._admissions.troubles_in_a_row >= TROUBLE_IN_A_ROW and self.closure is None:
            self._mode_before_trouble = self._mode
            self._close(now, "trouble", TROUBLE_EVERY_S)

    def forget(self, sent: Sent, now: float) -> None:
        """Take back a request of which nothing will be known: it never left, or it was cut off."""
        self._admissions.forget(sent)
        self._settle(now)

    def _heed(self, now: float, sent: Sent, asked_s: float) -> None:
        """Note what was asked for; obey it where it left before the limit was known to be hit, too."""
        sent.asked_s = asked_s
        is_older = sent.stretch is not self._admissions.stretch and self._mode in ("held", "closed")
        if is_older and not self._waits.are_needless and not self._waits.is_testing:
            self._waits.pause(now, asked_s)

    def _settle(self, now: float) -> None:
        for sent, refused in self._admissions.settle(now):
            if self.closure is None and sent.stretch is self._admissions.stretch:
                self._judge(now, sent, refused=refused)

    def _judge(self, now: float, sent: Sent, *, refused: bool) -> None:
        """Take what became of a request of the stretch under way, and what follows from it."""
        if self._change.alarm(refused=refused):
            if self._mode == "held" and self._held.n_since_hit >= 2:
                self._hit(now, sent)
            else:
                self._close(now, "refused", self._waits.after(sent.asked_s))
        elif self._mode == "free":
            self._look_for_reason(now)
        elif self._trial is not None:
            self._go_on_with_trial(now, self._trial, refused=refused)
        elif (usual := self._random_share or 0.0) >= SMALL_SHARE and now > self._tried_until:
            # What was taken for chance may have been the limit, met at a bad moment.
            rate, per_s = self._held.per_s or 0.0, self._admissions.stretch.admitted_per_s(now)
            self._try_slower(now, min(rate, per_s), usual, then=rate)

    def _look_for_reason(self, now: float) -> None:
        """Try whether refusals become fewer where requests leave slower, once there are enough of them."""
        stretch, usual = self._admissions.stretch, self._random_share or 0.0
        n, elapsed_s = stretch.settled, now - stretch.began_at
        if n < FEWEST_TO_JUDGE * self._patience or elapsed_s < max(1.0, 1.5 * self._admissions.latency_s):
            return
        if is_clearly_more(stretch.share, usual, n):
            if stretch.refused < FEWEST_REFUSED:
                return
            admitted_per_s = stretch.admitted_per_s(now)
            if slower(admitted_per_s) < 0.9 * stretch.sent / elapsed_s:
                self._try_slower(now, admitted_per_s, stretch.share, then=admitted_per_s)
                return
        if n >= ENOUGH_TO_KNOW * self._patience:
            self._random_share = stretch.share
            self._begin_stretch(now)

    def _try_slower(self, now: float, admitted_per_s: float, share: float, *, then: float) -> None:
        """Begin a trial after a share of refusals; where it does not help, `then` was not too fast."""
        admitted_per_s = max(admitted_per_s, SLOWEST_PER_S)
        knew_limit = self._mode == "held" and (self._random_share or 0.0) >= SMALL_SHARE
        if self._trial is not None:
            knew_limit = self._trial.knew_limit
        self._mode, self._trial = "trial", Trial(share, then, admitted_per_s, knew_limit)
        after_s = max(TRIED_ANEW_AFTER_S, TRIED_ANEW_REQUESTS / admitted_per_s)
        self._tried_until = now + after_s * self._chance.uniform(0.5, 1.5)
        self._held.hold(now, slower(admitted_per_s))
        self._next_at = now
        self._begin_stretch(now)

    def _go_on_with_trial(self, now: float, trial: Trial, *, refused: bool) -> None:
        trial.help.take(refused=refused)
        stretch, verdict = self._admissions.stretch, trial.help.verdict
        if verdict is None:
            return
        if verdict == "stays" and stretch.share - stretch.settled**-0.5 > MOST_AT_RANDOM:
            per_s = stretch.admitted_per_s(now)
            self._try_slower(now, per_s, stretch.share, then=per_s)
            return
        self._trial = None
        if verdict == "falls":
            # Clearly below a limit that was known, what is refused still comes at random.
            self._random_share = stretch.share if trial.knew_limit else 0.0
            self._hold(now, trial.admitted_per_s * AFTER_TRIAL / (1 - self._random_share))
            self._held.begin(now)
            return
        self._random_share = max(trial.help.share, stretch.share)
        self._patience *= 2
        if trial.knew_limit:
            self._hold(now, trial.then)
            self._held.end_calm()
        else:
            self._free(now)

    def _free(self, now: float) -> None:
        self._mode, self._held.per_s = "free", None
        self._begin_stretch(now)

    def _hold(self, now: float, rate: float) -> None:
        self._mode = "held"
        self._held.hold(now, rate)
        self._next_at = now
        self._begin_stretch(now)

    def _hit(self, now: float, sent: Sent) -> None:
        """Measure the limit, which has been hit again."""
        wait_s = self._waits.after(sent.asked_s)
        if sent.asked_s is not None and self._waits.is_long(wait_s):
            self._close(now, "refused", wait_s)
            return
        usual, per_s = self._random_share or 0.0, self._held.admitted_per_s(sent.at)
        rate = self._held.hit(sent.at, usual)
        pause_s = max(sent.asked_s or 0.0, self._held.room_s(rate))
        self._held.note_pause(pause_s)
        self._held.lengthen_calm(rate, dear=self._waits.are_needless)
        self._waits.pause(now, pause_s)
        self._waits.shorten()
        self._hold(now, rate)
        if (drifted := self._held.drifted_from()) is not None:
            self._random_share = min(max(drifted[1], SMALL_SHARE), MOST_AT_RANDOM)
            self._hold(now, drifted[0])
            self._tried_until = min(self._tried_until, now + TRIED_ANEW_AFTER_S)
        elif (share := self._held.share_in_early_hits(self._patience)) is not None:
            self._try_slower(now, min(per_s, rate), share, then=rate)

    def _close(self, now: float, why: Why, wait_s: float) -> None:
        stretch = self._admissions.stretch
        if why == "refused" and self._mode == "free" and self._random_share is None:
            known = stretch.settled - stretch.refused_last >= FEWEST_TO_JUDGE
            self._random_share = stretch.share_before_last if known else 0.0
        if why == "refused" and not self._held.has_new:
            # It was opened a moment ago, and too early, whatever was asked for.
            wait_s = max(wait_s, self._waits.own_wait_s())
            self._waits.lengthen()
        self._mode, self.closure = "closed", Closure(now, why, self._admissions)
        self._trial = None
        self._admissions.troubles_in_a_row = 0
        self._held.note_pause(wait_s)
        self._waits.pause(now, wait_s)
        self._begin_stretch(now)

    def _take_try(self, now: float, sent: Sent, outcome: Outcome) -> None:
        """Take the end of a request that was sent to see whether the endpoint is open again."""
        assert self.closure is not None
        if outcome == "trouble" and self.closure.why == "trouble":
            return
        if outcome != "refused":
            self._open(now)
            return
        self.closure.why = "refused"
        self._waits.note(refused=True)
        self._waits.lengthen()
        self._waits.pause(now, max(sent.asked_s or 0.0, self._waits.own_wait_s()))

    def _open(self, now: float) -> None:
        """Go on after what was admitted: as before after trouble, else at the rate that was measured."""
        closure, self.closure = self.closure, None
        assert closure is not None
        self._next_at = now
        if closure.why == "trouble":
            self._held.go_on(now)
            if self._mode_before_trouble != "held":
                return self._free(now)
            self._mode = "held"
            return self._begin_stretch(now)
        self._waits.note(refused=False)
        if self._held.has_new:
            self._waits.shorten()
        rate = self._held.opened(now, is_short=closure.is_short(now), was_needless=self._waits.are_needless)
        if rate is None:
            return self._free(now)
        self._hold(now, rate)
        # The try that was admitted was the first at this rate.
        self._next_at = now + 1.0 / (self._held.per_s or rate)
        if (share := self._random_share or 0.0) > HARMLESS_SHARE and self._patience == 1:
            # Whether so many are refused at any rate is not known yet.
            self._try_slower(now, rate, share, then=rate)

    def _begin_stretch(self, now: float) -> None:
        self._admissions.begin_stretch(now)
        if self._mode == "held":
            self._change = limit_test(self._random_share or 0.0)
        else:
            self._change = closed_test(self._random_share, self._trial.help.share if self._trial else 0.0)
