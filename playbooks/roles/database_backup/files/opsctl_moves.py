"""What moves a backup's bytes on a host: a pipeline to a store, a store to a pipeline, one store to another.

Sent together with `opsctl_stream.py`, whose text tells the dialogue. Python 3.9, standard library only.
"""

import hashlib
import os
import queue
import subprocess
import threading

from opsctl_link import PIPE_BYTES, Failed, Stages
from opsctl_web import Limit, Web


class Upload:
    """Cuts a pipeline's output into parts and hands them to two threads; holds at most three parts in memory."""

    def __init__(self, link, order):
        self.link, self.order, self.limit = link, order, Limit(order.get("bandwidth"))
        threads = order["threads"]
        # Over the channel parts go in order; the next one is hashed while one is on its way.
        self.turn, self.next = threading.Condition(), 0
        self.free, self.full = queue.Queue(), queue.Queue()
        for _ in range(threads + 1):
            self.free.put(bytearray(order["part_bytes"]))
        self.error, self.total, self.whole = "", 0, hashlib.sha256()
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        self.stages = None

    def _work(self):
        web = None
        while True:
            item = self.full.get()
            if item is None:
                return
            index, buffer, size = item
            try:
                if not self.error:
                    # Made where its failure is told: a thread that dies unheard keeps the pipeline waiting.
                    if web is None and self.order["sink"] == "urls":
                        web = Web(self.order.get("ca"), self.limit)
                    self._one(web, index, memoryview(buffer)[:size])
            except Exception as error:
                self.error = str(error) if isinstance(error, Failed) else f"{type(error).__name__} while storing"
                self.stages.kill()
                with self.turn:
                    self.turn.notify_all()
            self.free.put(buffer)

    def _one(self, web, index, view):
        volume, number = index // self.order["parts_per_volume"] + 1, index % self.order["parts_per_volume"] + 1
        if web is not None:
            self.link.send("part", **web.put_part(self.link, f"{self.order['name']}/{volume}/{number}", view))
            return
        md5, sha256 = hashlib.md5(view), hashlib.sha256(view)  # noqa: S324 (Content-MD5, RFC 1864; no signature)
        with self.turn:
            self.turn.wait_for(lambda: self.error or self.next == index)
            if self.error:
                return
            self.limit.take(len(view))
            self.link.send("part", body=view, name=self.order["name"], volume=volume, number=number, size=len(view),
                           md5=md5.hexdigest(), sha256=sha256.hexdigest())
            self.link.answer()
            self.next += 1
            self.turn.notify_all()

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
        web = None
        while True:
            self.room.acquire()
            try:
                index = self.todo.get_nowait()
            except queue.Empty:
                return
            try:
                if web is None and self.order["source"] == "urls":
                    web = Web(self.order.get("ca"), self.limit)
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
            body = web.get_part(self.link, part)
        return _checked(part, body)

    def run(self):
        """Feed the pipeline to its end; returns the error, if any, and every stage's exit code."""
        identity = _identity(self.order.pop("identity", None), self.order["stages"])
        stages = Stages(self.link, self.order["stages"], subprocess.PIPE, subprocess.DEVNULL, wide=True)
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


class Relay:
    """Brings the parts of a backup from one store to another, each checked on its way; two are in memory."""

    def __init__(self, link, order):
        self.link, self.order, self.todo, self.error, self.total = link, order, queue.Queue(), "", 0
        for part in order["parts"]:
            self.todo.put(part)

    def _work(self, limit, counted):
        source = target = None
        while not self.error:
            try:
                part = self.todo.get_nowait()
            except queue.Empty:
                return
            try:
                source = source or Web(self.order.get("source_ca"), Limit(None))
                target = target or Web(self.order.get("ca"), limit)
                body = _checked(part, source.get_part(self.link, part))
                self.link.send("part", **target.put_part(self.link, part["put"], memoryview(body)))
                with counted:
                    self.total += len(body)
            except Exception as error:
                self.error = str(error) if isinstance(error, Failed) else f"{type(error).__name__} while copying"

    def run(self):
        """Copy until all is there or one part fails; returns the error, if any, and the bytes that went over."""
        given = (Limit(self.order.get("bandwidth")), threading.Lock())
        threads = [threading.Thread(target=self._work, args=given, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {"error": self.error, "stages": [], "size": self.total}


def _checked(part, body):
    if hashlib.sha256(body).hexdigest() != part["sha256"]:
        raise Failed(f"{part['key']} at byte {part['offset']} is not what the manifest says: its hash differs")
    return body


def _identity(text, stages):
    """Put the identity into memory that only the stage with `{identity}` in its arguments can open.

    That stage stays this program's user: what runs as the database's own could be read by all that does.
    """
    if text is None:
        return ()
    wanted = [stage for stage in stages if any("{identity}" in word for word in stage["argv"])]
    if any(stage.get("user") for stage in wanted):
        raise Failed("the stage that decrypts would run as another user")
    number = os.memfd_create("identity")
    os.fchmod(number, 0o400)
    os.write(number, text.encode())
    os.lseek(number, 0, os.SEEK_SET)
    for stage in wanted:
        stage["argv"] = [word.replace("{identity}", f"/proc/self/fd/{number}") for word in stage["argv"]]
        stage["fds"] = [number]
    return (number,)
