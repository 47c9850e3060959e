"""What the real use cases write, and whether generated entries have the same shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FREE = frozenset({"before", "after", "parts", "facts", "answers", "hosts", "changes", "rows",
                  "checks"})
"""Mappings whose keys are names of the world: packages, parts of a notice, facts, questions asked, hosts, tables."""


def differences(real: Any, made: Any, where: str = "") -> list[str]:
    """How the shape of `made` differs from `real`: keys and types, not values. Empty where one of them has nothing."""
    if real is None or made is None:
        return []
    if isinstance(real, Mapping) and isinstance(made, Mapping):
        if where.rpartition(".")[2] in FREE:
            return []
        missing = [f"{where}.{key} is missing" for key in real if key not in made]
        new = [f"{where}.{key} is new" for key in made if key not in real]
        return [*missing, *new, *(line for key in real if key in made
                                  for line in differences(real[key], made[key], f"{where}.{key}"))]
    if isinstance(real, list | tuple) and isinstance(made, list | tuple):
        return differences(real[0], made[0], f"{where}[]") if real and made else []
    kinds = [float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
             for value in (real, made)]
    return [] if kinds[0] is kinds[1] else [f"{where} is {kinds[1].__name__}, not {kinds[0].__name__}"]
