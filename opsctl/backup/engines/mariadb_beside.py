"""What stands between a dump of mariadb-dump and a server that the original runs on too: nothing reaches the original.

Runs on the host as a stage of its own (`stage`), Python 3.9 and its standard library. A dump holds
`CREATE EVENT ... ENABLE`: loaded where the event scheduler is on, the copy's events would start at once, and what
they name may be the original. Each one comes back as DISABLE; every other byte passes as it is.

Only what the client itself would take for the beginning of a statement is looked at: mariadb-dump writes events
between DELIMITER lines, with a delimiter that none of their bodies holds. An event whose head cannot be read ends the
load, for it might run.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import BinaryIO

PIECE_BYTES = 1 << 20
_DELIMITER = re.compile(rb"DELIMITER (\S+)\r?\n")
_BEGINNING = b"/*!50106 CREATE"
# Up to the event's state there are only its definer, its name and its schedule: quoted words, and no others in between.
_HEAD = re.compile(rb"""/\*!50106\ CREATE(?:`[^`]*`|'(?:[^'\\]|\\.)*'|[^`'])*?
                        \ ON\ COMPLETION\ (?:NOT\ )?PRESERVE\ (?=(?P<state>ENABLE|DISABLE)\b)""",
                   re.VERBOSE | re.DOTALL)
_ALTER = re.compile(rb"ALTER DATABASE (?:`[^`]*`)+ (?=CHARACTER SET \w+ COLLATE \w+ )")
_IGNORED = (b"\n", b"-- ", b"--\n")


class Unreadable(Exception):
    """An event is not written as mariadb-dump writes it."""


class Passing:
    """The dump on its way from `source` to `target`."""

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self._source, self._target = source, target
        self._delimiter, self._begins = b";", True

    def run(self) -> None:
        """To the end; Unreadable, with nothing of that event passed on, when one cannot be held back."""
        whole = True
        while piece := self._source.readline(PIECE_BYTES):
            if whole and self._begins:
                piece = self._changed(piece)
            self._target.write(piece)
            whole = piece.endswith(b"\n")
            self._follow(piece, whole)
        self._target.flush()

    def _changed(self, piece: bytes) -> bytes:
        """The beginning of a statement, as it may be loaded."""
        if self._delimiter != b";" and piece.startswith(_BEGINNING):
            return self._held(piece)
        found = _ALTER.match(piece)
        return b"ALTER DATABASE " + piece[found.end():] if found and self._ends(piece) else piece

    def _held(self, event: bytes) -> bytes:
        """The lines of an event's head, its state DISABLE."""
        while not (head := _HEAD.match(event)):
            more = b"" if self._ends(event) else self._source.readline(PIECE_BYTES)
            if not more:
                raise Unreadable(event[:200].decode("utf-8", "replace"))
            event += more
        return event if head["state"] == b"DISABLE" else event[:head.end()] + b"DISABLE" + event[head.end() + 6:]

    def _ends(self, piece: bytes) -> bool:
        return piece.rstrip().endswith(self._delimiter)

    def _follow(self, piece: bytes, whole: bool) -> None:
        """Whether the next line begins a statement, and which delimiter ends it."""
        found = _DELIMITER.fullmatch(piece) if self._begins or self._delimiter == b";" else None
        if found:
            self._delimiter, self._begins = found[1], True
        elif not (self._begins and piece.startswith(_IGNORED)):
            self._begins = whole and self._ends(piece)


def stage() -> tuple[str, ...]:
    """The arguments that run this file on the host."""
    return ("/usr/bin/python3", "-I", "-c", Path(__file__).read_text(encoding="utf-8"))


def main() -> int:
    """From standard input to standard output; 1 when an event cannot be held back."""
    try:
        with open(0, "rb", PIECE_BYTES) as source, open(1, "wb", PIECE_BYTES) as target:
            Passing(source, target).run()
    except Unreadable as event:
        sys.stderr.write(f"error: an event of the dump cannot be kept from running: {event}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
