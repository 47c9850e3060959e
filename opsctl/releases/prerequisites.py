"""The strictest prerequisites of several releases that are installed one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opsctl.core.errors import ConfigurationError
from opsctl.releases.model import DatabaseEngine, Middleware, OperatingSystem, Requirements


def strictest(steps: Sequence[Requirements]) -> Requirements:
    """What holds for all of `steps`, the last of them the target.

    An operating system or engine must be supported by every step, at its highest minimum; middleware and
    licences are asked for when any step does; free space is the largest. Raises ConfigurationError when
    no operating system, or no engine, is supported by all.
    """
    systems = _common([{system.name: system.min for system in step.os} for step in steps], "operating system")
    engines = _common([{engine.engine: engine.min for engine in step.database} for step in steps], "database engine")
    middleware = _highest([{needed.name: needed.min for needed in step.middleware} for step in steps])
    return Requirements(
        os=tuple(OperatingSystem(name=name, min=minimum) for name, minimum in systems.items()),
        database=tuple(DatabaseEngine(engine=name, min=minimum) for name, minimum in engines.items()),
        middleware=tuple(Middleware(name=name, min=minimum) for name, minimum in middleware.items()),
        free_space_mb=max(step.free_space_mb for step in steps),
        third_party_licences=tuple(dict.fromkeys(name for step in reversed(steps)
                                                 for name in step.third_party_licences)),
    )


def at_least(version: str, minimum: str) -> bool:
    """True when `version` is `minimum` or above: numbers compared part by part, a missing part counts as 0."""
    left, right = _numbers(version), _numbers(minimum)
    width = max(len(left), len(right))
    return left + (0,) * (width - len(left)) >= right + (0,) * (width - len(right))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _common(steps: Sequence[Mapping[str, str]], what: str) -> dict[str, str]:
    highest = _highest(steps)
    common = {name: highest[name] for name in steps[-1] if all(name in step for step in steps)}
    if not common:
        raise ConfigurationError(f"no {what} is supported by every release on the path",
                                 "correct `requires` in the release files, or add a release between as a stop")
    return common


def _highest(steps: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The highest minimum by name; the target's names first, in its order."""
    found: dict[str, str] = {}
    for step in reversed(steps):
        for name, minimum in step.items():
            if name not in found or not at_least(found[name], minimum):
                found[name] = minimum
    return found
