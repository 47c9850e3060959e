"""Lines and exact counts out of a source that gives bytes as they come."""

from __future__ import annotations

from abc import ABC, abstractmethod

from opsctl.core.errors import OperationFailed


class BufferedBytes(ABC):
    """What was received and not yet read. A subclass says where more comes from."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._buffer = bytearray()

    def read_line(self, seconds: float) -> bytes:
        """The next line without its end; b"" when the source has ended."""
        while (end := self._buffer.find(b"\n")) < 0:
            if not self._fill(seconds):
                return b""
        line = bytes(self._buffer[:end])
        del self._buffer[:end + 1]
        return line

    def read_exactly(self, count: int, seconds: float) -> bytes:
        """Exactly `count` bytes; OperationFailed when the source ends before."""
        while len(self._buffer) < count:
            if not self._fill(seconds):
                raise OperationFailed(f"{self._name}: the connection ended in the middle of a part", "run it again")
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        return found

    @abstractmethod
    def _fill(self, seconds: float) -> bool:
        """Add what comes next to the buffer; False at the end. OperationFailed after `seconds` of silence."""
