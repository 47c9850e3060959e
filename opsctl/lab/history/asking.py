"""What an invented customer reports: requests with their life, clocks and verdicts by the real calendar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from opsctl.contract.levels import LEVELS
from opsctl.core.calendar import used_up
from opsctl.core.clock import iso
from opsctl.lab.history.story import Story, after
from opsctl.ledger.model import GENESIS, Entry
from opsctl.support import fold, timing
from opsctl.support.coverage import READY
from opsctl.support.intake import Answer, Answers, propose
from opsctl.support.model import CalendarVersion
from opsctl.support.people import Person
from opsctl.support.request import Channel, Origin, Request

ANSWERS = {"A": Answers(Answer.YES, Answer.YES, Answer.YES), "D": Answers(Answer.NO),
           "B": Answers(Answer.YES, Answer.NO, None, Answer.YES, Answer.YES),
           "C": Answers(Answer.YES, Answer.NO, None, Answer.NO)}
SUBJECTS = ("readings are missing in an export", "a report shows the wrong unit", "how to add a user",
            "the import of meters stops", "an alarm is shown twice", "a certificate is asked for at every start")


class Asking:
    """One customer's requests over all days, told through to their end or to `now`."""

    def __init__(self, story: Story, versions: Sequence[CalendarVersion], now: datetime) -> None:
        self._story, self._versions, self._now = story, versions, now
        self._known: dict[str, Request] = {}

    def all(self, first: date, last: date) -> None:
        """About one in a month, more where there is trouble."""
        rng, day = self._story.rng("requests"), first
        while True:
            day += timedelta(days=rng.randint(3, int(60 / (1 + self._story.customer.trouble * 2))))
            if day > last:
                return
            received = datetime.combine(day, time(rng.randrange(24), rng.randrange(60)), UTC)
            if received < self._now:
                self._one(received, len(self._known) + 1)

    def _one(self, received: datetime, number: int) -> None:
        rng, id = self._story.rng("request", number), f"{self._story.customer.name}-{number}"
        letter = rng.choices("ABCD", (4, 20, 36, 40))[0]
        proposed, why = propose(ANSWERS[letter])
        clock = timing.first_clock(letter, received, self._versions)
        person = Person(f"Generated contact {self._story.customer.number}.1", rng.choice(SUBJECTS), "Invented.")
        self._say(received, fold.OPENED, {
            "id": id, "received": iso(received), "channel": rng.choice(list(Channel)).value,
            "origin": Origin.CUSTOMER.value, "system": "", "reference": f"GEN-{self._story.customer.number}-{number}",
            "about": READY, "not_covered": "", "answers": ANSWERS[letter].data(), "proposed": proposed,
            "level": letter, "level_reason": why, "duplicate_of": "", "late_reason": "", "clock": clock.payload(),
            "person": self._story.keep(received, person.stored())})
        late = rng.random() < 0.01 + 0.12 * self._story.customer.trouble
        share = rng.uniform(1.05, 1.8) if late else rng.uniform(0.02, 0.9)
        handled = self._after(received, timedelta(hours=LEVELS[letter].working_hours * share))
        for percent, at in ((50, clock.half), (75, clock.near), (100, clock.deadline)):
            if at < min(handled, self._now):
                self._say(after(at, 60), fold.REMINDED, fold.reminder(id, percent))
        if handled < self._now:
            self._handled(id, handled, rng.random())

    def _handled(self, id: str, handled: datetime, chance: float) -> None:
        request = self._known[id]
        found = timing.judged(request, handled, self._versions, handled)
        version = found.deadline.calendar
        self._say(handled, fold.STARTED, {
            "id": id, "at": iso(handled), "late_reason": "", "used_seconds": found.used.total_seconds(),
            "in_time": found.in_time, "calendar": version.working.name, "version": version.number,
            "digest": version.digest, "handler": self._story.keep(handled, "Generated handler")})
        waits, ends = chance < 0.2, self._after(handled, timedelta(hours=2 + 60 * chance))
        since = self._after(handled, timedelta(hours=1))
        if waits and since < self._now:
            self._say(since, fold.WAITING, {"id": id, "since": iso(since), "cause": "customer", "pauses": False,
                                            "late_reason": ""})
        if ends < self._now:
            if waits:
                self._say(after(ends, -60), fold.RESUMED, {"id": id, "at": iso(after(ends, -60)), "late_reason": ""})
            self._say(ends, fold.CLOSED, {"id": id, "at": iso(ends), "late_reason": "",
                                          "text": self._story.keep(ends, "Answered; invented.")})

    def _after(self, at: datetime, working: timedelta) -> datetime:
        """When so much working time has passed, to the second."""
        version = max((one for one in self._versions if one.effective_from <= at.date()), key=lambda one: one.number,
                      default=self._versions[0])
        return used_up(version.working, at, max(working, timedelta(minutes=5))).last.replace(microsecond=0)

    def _say(self, at: datetime, kind: str, payload: dict[str, object]) -> None:
        self._story.say(at, kind, payload)
        # The real reading keeps the request's state: what it cannot read, it refuses.
        fold.apply(self._known, Entry(self._story.customer.name, 1, kind, at, "generated", "", payload, GENESIS, ""))
