"""opsctl's program on a database host: runs commands and streams a pipeline to or from a backup store.

It arrives over standard input, needs Python 3.9 and nothing else, and lives only as long as the control side:
end of input, silence of 160 seconds or "abort" end it and everything it started. Secrets (part addresses, the
decryption identity) come over standard input, stay in memory and never reach an argument list or a message.

Dialogue: one JSON object per line both ways. `op` names what the control side wants, `event` what happened here;
`bytes: N` says that N raw bytes follow the line.
  which, run, hold, release, end   -> found, ran, held, released, bye     commands of preflight and engine
  stream                           -> need*, part*, streamed              pipeline -> parts -> store
  receive                          -> need*, received                     parts -> pipeline
  urls, stored, part, abort, alive                                        answers to `need` and `part`; heartbeat
A command that cannot be carried out is answered with `failed` and a text for people.
"""

import base64
import hashlib
import os
import platform
import queue
import shutil
import subprocess
import tempfile
import threading
import time

from opsctl_link import ENVIRONMENT, PIPE_BYTES, Failed, Limit, Link, Refused, Session, Stages, Web


class Upload:
    """Cuts a pipeline's output into parts and hands them to two threads; holds at most three parts in memory."""

    def __init__(self, link, order):
        self.link, self.order, self.limit = link, order, Limit(order.get("bandwidth"))
        threads = order["threads"] if order["sink"] == "urls" else 1
        self.free, self.full = queue.Queue(), queue.Queue()
        for _ in range(threads + 1):
            self.free.put(bytearray(order["part_bytes"]))
        self.error, self.total, self.whole = "", 0, hashlib.sha256()
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        self.stages = None

    def _work(self):
        web = Web(self.order.get("ca"), self.limit) if self.order["sink"] == "urls" else None
        while True:
            item = self.full.get()
            if item is None:
                return
            index, buffer, size = item
            try:
                if not self.error:
                    self._one(web, index, memoryview(buffer)[:size])
            except Exception as error:
                self.error = str(error) if isinstance(error, Failed) else f"{type(error).__name__} while storing"
                self.stages.kill()
            self.free.put(buffer)

    def _one(self, web, index, view):
        volume, number = index // self.order["parts_per_volume"] + 1, index % self.order["parts_per_volume"] + 1
        md5 = hashlib.md5(view)  # noqa: S324 (Content-MD5 of RFC 1864, not a signature)
        fields = {"name": self.order["name"], "volume": volume, "number": number, "size": len(view),
                  "md5": md5.hexdigest(), "sha256": hashlib.sha256(view).hexdigest()}
        if web is None:
            self.limit.take(len(view))
            self.link.send("part", body=view, **fields)
            self.link.answer()
            return

        def put(url):
            headers = {"Content-Length": str(len(view)), "Content-MD5": base64.b64encode(md5.digest()).decode()}
            response = web.exchange("PUT", url, headers, view)
            text = response.read()
            if response.status != 200:
                raise Refused(response, text)
            etag = (response.getheader("ETag") or "").strip('"')
            own_key = "kms" in (response.getheader("x-amz-server-side-encryption") or "")
            if etag != md5.hexdigest() and not own_key:
                raise Failed(f"the store holds something else than what was sent as part {number}")
            return etag

        etag = web.patiently(self.link, "put", f"{self.order['name']}/{volume}/{number}", put)
        self.link.send("part", etag=etag, **fields)

    def run(self):
        """Stream until the pipeline ends; the caller decides by error and exit codes whether it counts."""
        self.stages = Stages(self.link, self.order["stages"], subprocess.DEVNULL, subprocess.PIPE)
        for thread in self.threads:
            thread.start()
        index, size = 0, self.order["part_bytes"]
        while size == self.order["part_bytes"] and not self.error:
            buffer = self.free.get()
            size = self._read(self.stages.children[-1].stdout, buffer)
            if size:
                self.full.put((index, buffer, size))
                index += 1
        for _ in self.threads:
            self.full.put(None)
        results = self.stages.results()
        for thread in self.threads:
            thread.join()
        return {"error": self.error, "stages": results, "size": self.total, "sha256": self.whole.hexdigest()}

    def _read(self, pipe, buffer):
        view, size = memoryview(buffer), 0
        while size < len(buffer):
            count = os.readv(pipe.fileno(), [view[size:size + PIPE_BYTES]])
            if not count:
                break
            self.whole.update(view[size:size + count])
            size += count
            self.total += count
        return size


class Download:
    """Fetches parts ahead, at most three in memory, checks each hash and feeds them in order to a pipeline."""

    def __init__(self, link, order):
        self.link, self.order, self.parts = link, order, order["parts"]
        self.limit = Limit(order.get("bandwidth"))
        self.room, self.ready, self.changed = threading.Semaphore(3), {}, threading.Condition()
        self.todo = queue.Queue()
        for index in range(len(self.parts)):
            self.todo.put(index)
        self.total = 0

    def _work(self):
        web = Web(self.order.get("ca"), self.limit) if self.order["source"] == "urls" else None
        while True:
            self.room.acquire()
            try:
                index = self.todo.get_nowait()
            except queue.Empty:
                return
            try:
                found = self._one(web, self.parts[index])
            except Exception as error:
                found = error if isinstance(error, Failed) else Failed(f"{type(error).__name__} while fetching")
            with self.changed:
                self.ready[index] = found
                self.changed.notify_all()
            if isinstance(found, Failed):
                return

    def _one(self, web, part):
        if web is None:
            self.link.send("need", way="part", key=part["key"], offset=part["offset"], size=part["size"])
            body = self.link.answer()[1]
        else:
            headers = {"Range": f"bytes={part['offset']}-{part['offset'] + part['size'] - 1}"}

            def get(url):
                response = web.exchange("GET", url, headers)
                if response.status not in (200, 206):
                    raise Refused(response, response.read(2000))
                body = bytearray(part["size"])
                view, size = memoryview(body), 0
                while size < len(body):
                    count = response.readinto(view[size:size + PIPE_BYTES])
                    if not count:
                        raise OSError("cut short")
                    self.limit.take(count)
                    size += count
                if response.read(1):
                    raise Failed("the store gave more than was asked for")
                return body

            body = web.patiently(self.link, "get", part["key"], get)
        if hashlib.sha256(body).hexdigest() != part["sha256"]:
            raise Failed(f"{part['key']} at byte {part['offset']} is not what the manifest says: its hash differs")
        return body

    def run(self):
        """Feed the pipeline to its end; returns the error, if any, and every stage's exit code."""
        identity = _identity(self.order.pop("identity", None), self.order["stages"])
        stages = Stages(self.link, self.order["stages"], subprocess.PIPE, subprocess.DEVNULL, pass_fds=identity)
        for number in identity:
            os.close(number)
        for _ in range(2 if self.order["source"] == "urls" else 1):
            threading.Thread(target=self._work, daemon=True).start()
        error = ""
        try:
            for index in range(len(self.parts)):
                with self.changed:
                    self.changed.wait_for(lambda index=index: index in self.ready)
                    found = self.ready.pop(index)
                if isinstance(found, Failed):
                    raise found
                stages.children[0].stdin.write(found)
                self.total += len(found)
                self.room.release()
            stages.children[0].stdin.close()
        except Failed as failure:
            error = str(failure)
            stages.kill()
        except BrokenPipeError:
            error = "the pipeline ended before it had everything"
        return {"error": error, "stages": stages.results(), "size": self.total}


def _identity(text, stages):
    """Put the identity into memory that only the stage with `{identity}` in its arguments can open."""
    if text is None:
        return ()
    number = os.memfd_create("identity")
    os.write(number, text.encode())
    os.lseek(number, 0, os.SEEK_SET)
    for stage in stages:
        stage["argv"] = [word.replace("{identity}", f"/proc/self/fd/{number}") for word in stage["argv"]]
    return (number,)


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
