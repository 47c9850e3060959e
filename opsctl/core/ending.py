"""How Ctrl-C ends work in threads, which no signal reaches: they ask, and end themselves once."""

from __future__ import annotations

import threading


class Ending:
    """Whether one piece of work is to end. Told once: what it does then, such as a way back, goes on undisturbed."""

    def __init__(self, event: threading.Event | None = None) -> None:
        self._event = event
        self._told = False

    @property
    def wanted(self) -> bool:
        """True once everything is to end, until this work was told."""
        return self._event is not None and self._event.is_set() and not self._told

    def check(self) -> None:
        """Raise KeyboardInterrupt, once, when this work is to end."""
        if self.wanted:
            self._told = True
            raise KeyboardInterrupt
