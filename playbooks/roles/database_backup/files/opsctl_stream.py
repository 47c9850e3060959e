"""opsctl's program on a database host: runs commands and streams a pipeline to or from a backup store.

It arrives over standard input, needs Python 3.9 and nothing else, and lives only as long as the control side:
end of input, silence of 160 seconds or "abort" end it and everything it started. Secrets (part addresses, the
decryption identity) come over standard input, stay in memory and never reach an argument list or a message.

Dialogue: one JSON object per line both ways. `op` names what the control side wants, `event` what happened here;
`bytes: N` says that N raw bytes follow the line.
  which, run, hold, release, end   -> found, ran, held, released, bye     commands of preflight and engine
  stream                           -> need*, part*, streamed              pipeline -> parts -> store
  receive                          -> need*, received                     parts -> pipeline
  relay                            -> need*, part*, relayed               parts of one store -> another
  urls, stored, part, abort, alive                                        answers to `need` and `part`; heartbeat
A command that cannot be carried out is answered with `failed` and a text for people.
"""

import os
import platform
import shutil
import subprocess
import tempfile
import threading
import time

from opsctl_link import ENVIRONMENT, Failed, Link, Session
from opsctl_moves import Download, Relay, Upload


class Program:
    """Carries out one command after the other."""

    def __init__(self):
        self.link, self.held, self.transfer = Link(), [], None
        given = os.environ.get("RUNTIME_DIRECTORY")
        self.scratch = given or tempfile.mkdtemp(prefix="opsctl-")

    def which(self, order):
        return {"event": "found", "paths": {name: shutil.which(name, path=ENVIRONMENT["PATH"])
                                            for name in order["names"]}}

    def run(self, order):
        child = self.link.spawn(order, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = child.communicate(order.get("input", "").encode(), timeout=order["seconds"])
        except subprocess.TimeoutExpired:
            child.kill()
            raise Failed(f"{order['argv'][0]} took longer than {order['seconds']} seconds") from None
        return {"event": "ran", "code": child.returncode, "out": out.decode("utf-8", "replace")[:1000000],
                "err": err.decode("utf-8", "replace")[-20000:]}

    def hold(self, order):
        """Start a session that stays open until `release`; it is ready when it prints the marker."""
        session = Session(self.link.spawn(order, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                          stderr=subprocess.STDOUT))
        ready, said = session.begin(order["input"], order["marker"])
        self.held += [session] if ready else []
        return {"event": "held", "ok": ready, "out": said[-20000:]}

    def release(self, order):
        ended = [session.finish(order.get("seconds", 30)) for session in self.held]
        self.held = []
        return {"event": "released", "ok": all(whole for whole, _ in ended),
                "out": "".join(said for _, said in ended)[-1000000:]}

    def stream(self, order):
        self.transfer = Upload(self.link, order)
        result = self.transfer.run()
        if any(session.child.poll() is not None for session in self.held):
            result["error"] = result["error"] or "the session that keeps write-ahead log or snapshot ended early"
        return dict(result, event="streamed")

    def receive(self, order):
        self.transfer = Download(self.link, order)
        return dict(self.transfer.run(), event="received")

    def relay(self, order):
        self.transfer = Relay(self.link, order)
        return dict(self.transfer.run(), event="relayed")

    def main(self):
        threading.Thread(target=self.link.listen, daemon=True).start()
        beat = threading.Thread(target=self.link.beat, daemon=True,
                                args=(lambda: self.transfer.total if self.transfer else 0,))
        beat.start()
        self.link.send("hello", python=platform.python_version(), host=platform.node(), machine=platform.machine(),
                       time=time.time(), user=os.geteuid(), scratch=self.scratch)
        while True:
            order = self.link.commands.get()
            if order["op"] == "end":
                self.release(order)
                if not os.environ.get("RUNTIME_DIRECTORY"):
                    shutil.rmtree(self.scratch, ignore_errors=True)
                self.link.send("bye")
                self.link.end(0)
            self.link.forget()
            try:
                answer = getattr(self, order["op"])(order)
            except Failed as error:
                answer = {"event": "failed", "error": str(error)}
            except OSError as error:
                answer = {"event": "failed", "error": f"{type(error).__name__}: {error.strerror}"}
            self.link.send(answer.pop("event"), **answer)


if __name__ == "__main__":
    os.umask(0o077)
    Program().main()
