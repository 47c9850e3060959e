"""The words of one language; dates, numbers and plurals by CLDR (Babel)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_day_names
from babel.numbers import format_decimal

from opsctl.contract.services import PRODUCT
from opsctl.core.clock import day_bounds
from opsctl.core.errors import ConfigurationError
from opsctl.notices.model import DANISH_TIME
from opsctl.profiles.parts import Language

PATTERNS = "format"
"""The part of the words that holds CLDR patterns instead."""

# All customers are told of the same days and numbers, and reading a pattern takes Babel a while.
_date = lru_cache(maxsize=4096)(lambda day, pattern, locale: format_date(day, pattern, locale=locale))
_time = lru_cache(maxsize=2048)(lambda wall, pattern, locale: format_time(wall, pattern, locale=locale))
_number = lru_cache(maxsize=4096, typed=True)(lambda number, locale: format_decimal(number, locale=locale))


@dataclass(frozen=True)
class Wording:
    """The words of `language`, by dotted key; plural forms lie under `key.0`, `key.1` and so on; `plural` chooses."""

    language: Language
    locale: Locale
    words: Mapping[str, str]
    file: str
    plural: Callable[[int], int]

    def say(self, key: str, **values: object) -> str:
        """The words of `key` with `values` put in; the product's name is always at hand."""
        if key not in self.words:
            raise ConfigurationError(f"{self.file}: {key} is missing", "add it, translated from messages.pot")
        try:
            return self.words[key].format_map({"product": PRODUCT, **values})
        except KeyError as error:
            raise ConfigurationError(f"{self.file}: {key} asks for {error}, which it does not get",
                                     "use the placeholders of messages.pot") from None

    def count(self, key: str, number: int, **values: object) -> str:
        """The words of `key` in the plural form that `number` asks for."""
        return self.say(f"{key}.{self.plural(number)}", count=self.number(number), **values)

    def number(self, number: int | float) -> str:
        """A number with the language's separators."""
        return _number(number, self.locale)

    def day(self, day: date) -> str:
        """A day with weekday and the month's name."""
        return _date(day, self.words[f"{PATTERNS}.day"], self.locale)

    def short_day(self, day: date) -> str:
        """A day for a subject line: with the month's name, without the weekday."""
        return _date(day, self.words[f"{PATTERNS}.short_day"], self.locale)

    def weekday(self, number: int) -> str:
        """The name of a weekday, 0 for Monday."""
        return str(get_day_names("wide", locale=self.locale)[number])

    def clock(self, hour: int, minute: int) -> str:
        """A time of day."""
        return _time(time(hour, minute), self.words[f"{PATTERNS}.time"], self.locale)

    def moment(self, instant: datetime) -> str:
        """An instant in Danish time and in UTC."""
        local = instant.astimezone(ZoneInfo(DANISH_TIME))
        utc = instant.astimezone(UTC)
        clock = self.clock(utc.hour, utc.minute)
        return self.say("moment", day=self.day(local.date()), time=self.clock(local.hour, local.minute),
                        zone=self.say(f"zone.{local.tzname()}"),
                        utc=clock if utc.date() == local.date() else f"{self.day(utc.date())} {clock}")

    def end_of_day(self, day: date) -> str:
        """The end of a Danish day, in Danish time and in UTC."""
        # Danish midnight is 22:00 or 23:00 UTC of the day that ends, so that one date serves both.
        utc = day_bounds(day, DANISH_TIME)[1]
        zone = utc.astimezone(ZoneInfo(DANISH_TIME)).tzname()
        return self.say("end_of_day", day=self.day(day), zone=self.say(f"zone.{zone}"),
                        utc=self.clock(utc.hour, utc.minute))

    def period(self, start: datetime, end: datetime) -> str:
        """From `start` to `end`, in Danish time and in UTC; on one day in short."""
        zone = ZoneInfo(DANISH_TIME)
        first, last = start.astimezone(zone), end.astimezone(zone)
        utc_first, utc_last = start.astimezone(UTC), end.astimezone(UTC)
        if len({first.date(), last.date(), utc_first.date(), utc_last.date()}) > 1 or first.tzname() != last.tzname():
            return self.say("from_to", start=self.moment(start), end=self.moment(end))
        return self.say("period", day=self.day(first.date()), start=self.clock(first.hour, first.minute),
                        end=self.clock(last.hour, last.minute), zone=self.say(f"zone.{first.tzname()}"),
                        utc_start=self.clock(utc_first.hour, utc_first.minute),
                        utc_end=self.clock(utc_last.hour, utc_last.minute))

    def local_short_day(self, instant: datetime) -> str:
        """The Danish day of `instant` for a subject line."""
        return self.short_day(instant.astimezone(ZoneInfo(DANISH_TIME)).date())

    def duration(self, minutes: int) -> str:
        """Hours and minutes."""
        hours, rest = divmod(minutes, 60)
        parts = [self.count(key, number) for key, number in (("whole_hours", hours), ("minutes", rest)) if number]
        return self.all_of(parts or [self.count("minutes", 0)])

    def any_of(self, parts: Sequence[str]) -> str:
        """`a`, `a or b`, `a, b or c`."""
        return self._listed("list.any", parts)

    def all_of(self, parts: Sequence[str]) -> str:
        """`a`, `a and b`, `a, b and c`."""
        return self._listed("list.two", parts)

    def _listed(self, key: str, parts: Sequence[str]) -> str:
        if len(parts) < 2:
            return "".join(parts)
        return self.say(key, first=", ".join(parts[:-1]), last=parts[-1])
