"""How long a network check of 200 targets takes when a quarter of them lie in a network that swallows packets.

The unreachable ones are listeners of this machine whose queue is full: the kernel drops what arrives, as a dead network
does. Everything is on loopback.
"""

from __future__ import annotations

import resource
import socket
import sys
import threading
import time

from opsctl.adapters.probes import Target, probe_all

HOST = "127.0.0.1"
TARGETS, SILENT = 200, 50


def silent() -> tuple[socket.socket, list[socket.socket]]:
    """A listener that answers nobody any more, and the connections that fill its queue."""
    listener = socket.socket()
    listener.bind((HOST, 0))
    listener.listen(0)
    filling = []
    for _ in range(4):
        link = socket.socket()
        link.setblocking(False)
        link.connect_ex(listener.getsockname())
        filling.append(link)
    return listener, filling


def answering() -> socket.socket:
    """A listener that accepts and closes."""
    listener = socket.create_server((HOST, 0), backlog=512)

    def accept() -> None:
        while True:
            link, _ = listener.accept()
            link.close()

    threading.Thread(target=accept, daemon=True).start()
    return listener


def main() -> None:
    """Print one line: targets, seconds, CPU seconds, what was found."""
    dead, live = [silent() for _ in range(SILENT)], answering()
    time.sleep(0.2)
    ports = [one.getsockname()[1] for one, _ in dead] + [live.getsockname()[1]] * (TARGETS - SILENT)
    before, started = time.process_time(), time.perf_counter()
    found = probe_all([Target(str(number), HOST, port) for number, port in enumerate(ports)])
    seconds, cpu = time.perf_counter() - started, time.process_time() - before
    down = sum(bool(one.problem) for one in found.values())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{len(found)} targets, {down} unreachable: {seconds:.2f} s, {cpu:.2f} s of CPU, "
                     f"{memory:.0f} MB\n")


if __name__ == "__main__":
    main()
