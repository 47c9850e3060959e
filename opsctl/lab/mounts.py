"""Overlay mounts of the hosts: merged = a shared base below, the host's own writes above."""

from __future__ import annotations

from pathlib import Path

from opsctl.lab.command import TIED, run, succeeds


def mount_points(text: str | None = None) -> list[str]:
    """All mount points, oldest first; `text` is the content of /proc/self/mountinfo, read when None."""
    content = Path("/proc/self/mountinfo").read_text(encoding="utf-8") if text is None else text
    return [line.split()[4].replace("\\040", " ") for line in content.splitlines() if line.strip()]


def is_mounted(folder: Path) -> bool:
    """Whether something is mounted exactly at `folder`."""
    return str(folder) in mount_points()


def mount_overlay(lower: Path, upper: Path, work: Path, merged: Path) -> None:
    """Mount the overlay at `merged` unless it is mounted; creates the folders."""
    for folder in (upper, work, merged):
        folder.mkdir(parents=True, exist_ok=True)
    if not is_mounted(merged):
        options = f"lowerdir={lower},upperdir={upper},workdir={work}"
        run([*TIED, "mount", "-t", "overlay", "overlay", "-o", options, str(merged)])


def unmount_below(folder: Path) -> None:
    """Unmount whatever is mounted at or below `folder`, newest first; busy ones are detached."""
    points = [point for point in mount_points() if point == str(folder) or point.startswith(f"{folder}/")]
    for point in reversed(points):
        if not succeeds(["umount", point]):
            run(["umount", "--lazy", point])
