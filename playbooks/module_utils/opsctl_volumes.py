"""Volumes, disks and latency as the kernel tells them; bounded in time, so that a hung mount hangs nothing."""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time

# File systems without a store of their own. tmpfs is left out too, except where fstab lists it.
PSEUDO = frozenset({
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs",
    "fuse.lxcfs", "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "ramfs", "rpc_pipefs", "securityfs",
    "selinuxfs", "sysfs", "tmpfs", "tracefs"})
SECONDS_PER_VOLUME = 5


def parse_mountinfo(text):
    """All mounts of /proc/self/mountinfo: [{mount, type, device, root, source, read_only}]."""
    found = []
    for line in text.splitlines():
        left, _dash, right = line.partition(" - ")
        fields, (kind, source, options) = left.split(), right.split(" ", 2)
        found.append({"mount": _unescaped(fields[4]), "type": kind, "device": fields[2], "root": fields[3],
                      "source": _unescaped(source),
                      "read_only": "ro" in fields[5].split(",") or "ro" in options.split(",")})
    return found


def data_volumes(mounts):
    """The mounts that hold data, one per device: bind mounts of a part of a volume are that volume."""
    found = {}
    for mount in sorted(mounts, key=lambda one: (one["root"] != "/", len(one["mount"]))):
        if mount["type"] not in PSEUDO and not mount["mount"].startswith("/run/"):
            found.setdefault(mount["device"], mount)
    return sorted(found.values(), key=lambda volume: volume["mount"])


def parse_fstab(text):
    """The mount points that fstab wants mounted at boot: no swap, no `noauto`."""
    wanted = []
    for line in text.splitlines():
        fields = line.split("#", 1)[0].split()
        if len(fields) >= 4 and fields[1].startswith("/") and fields[2] != "swap" \
                and "noauto" not in fields[3].split(","):
            wanted.append(_unescaped(fields[1]))
    return wanted


def measure(volume):
    """`volume` with bytes and inodes, used and available for a user that is not root; `error` when unknown."""
    answer = {}

    def ask():
        try:
            answer["is"] = os.statvfs(volume["mount"])
        except OSError as error:
            answer["error"] = error.strerror

    # A mount whose server is gone blocks for ever: the thread is left behind, the module ends all the same.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(SECONDS_PER_VOLUME)
    if "is" not in answer:
        return {**volume, "error": answer.get("error", f"no answer within {SECONDS_PER_VOLUME} seconds")}
    now = answer["is"]
    return {**volume, "error": "", "bytes_total": now.f_blocks * now.f_frsize,
            "bytes_used": (now.f_blocks - now.f_bfree) * now.f_frsize, "bytes_available": now.f_bavail * now.f_frsize,
            "inodes_total": now.f_files, "inodes_used": now.f_files - now.f_ffree, "inodes_available": now.f_favail}


def parse_diskstats(text):
    """{device "major:minor": (operations, milliseconds spent on them)} of /proc/diskstats."""
    return {f"{fields[0]}:{fields[1]}": (int(fields[3]) + int(fields[7]), int(fields[6]) + int(fields[10]))
            for fields in (line.split() for line in text.splitlines()) if len(fields) >= 11}


def await_milliseconds(before, after, device):
    """Mean milliseconds per operation between two readings; None when the device or operations are missing."""
    if device not in before or device not in after:
        return None
    operations = after[device][0] - before[device][0]
    return round((after[device][1] - before[device][1]) / operations, 3) if operations > 0 else None


def device_rates(diskstats, uptime, device):
    """Mean bytes read and written per second and percent busy since the start of the host, of /proc/diskstats.

    diskstats, uptime: the texts of these files. Counts are of 512 bytes whatever the device's own size; milliseconds
    busy are field 13 (Documentation/admin-guide/iostats.rst). Empty without the device.
    """
    for fields in (line.split() for line in diskstats.splitlines()):
        if len(fields) >= 13 and f"{fields[0]}:{fields[1]}" == device and uptime.split():
            seconds = max(1.0, float(uptime.split()[0]))
            return {"read_bytes_per_second": round(int(fields[5]) * 512 / seconds),
                    "written_bytes_per_second": round(int(fields[9]) * 512 / seconds),
                    "busy_percent": min(100.0, round(int(fields[12]) / 10 / seconds, 2))}
    return {}


def throughput(folder, chunks=8, seconds=2.0):
    """Megabytes per second of one sequential synchronous write of at most `chunks` MiB; None where it failed."""
    block = os.urandom(1 << 20)
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            # A disk that is nearly full is not made fuller for the sake of a figure.
            if os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize < 64 * len(block) * chunks:
                return None
            started, done = time.monotonic(), 0
            while done < chunks and time.monotonic() - started < seconds:
                stream.write(block)
                stream.flush()
                os.fdatasync(stream.fileno())
                done += 1
            return round(done * len(block) / 1e6 / max(1e-6, time.monotonic() - started), 1)
    except OSError:
        return None


def probe(folder, writes=12, seconds=2.0):
    """Milliseconds of synchronous 4 KiB writes in `folder`: {median, worst, writes} or {error}.

    The file has no name, so nothing is left behind; it ends after `writes` writes or `seconds`.
    """
    took = []
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            end = time.monotonic() + seconds
            while len(took) < writes and time.monotonic() < end:
                started = time.monotonic()
                os.pwrite(stream.fileno(), os.urandom(4096), 4096 * len(took))
                os.fdatasync(stream.fileno())
                took.append((time.monotonic() - started) * 1000)
    except OSError as error:
        return {"error": f"writing in {folder}: {error.strerror}"}
    return {"error": "", "median": round(statistics.median(took), 3), "worst": round(max(took), 3), "writes": len(took)}


def volume_of(path, mounts, volumes):
    """The mount point in `volumes` of the volume that `path` lies on; "" when it is none of them."""
    below = [one for one in mounts if path == one["mount"] or path.startswith(one["mount"].rstrip("/") + "/")]
    device = max(below, key=lambda one: len(one["mount"]))["device"] if below else None
    return next((volume["mount"] for volume in volumes if volume["device"] == device), "")


def _unescaped(text):
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
