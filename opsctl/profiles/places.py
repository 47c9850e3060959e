"""Where things lie on this machine: settings, profiles, state and cache folders, and who acts. Loads no library."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from opsctl.core.errors import ConfigurationError

PROFILE = "profile.yml"


def customer_folders(inventories: Path) -> tuple[str, ...]:
    """The names of the folders that hold a profile, sorted; also where it cannot be reached, so that a wrong
    right or a dead link shows as a broken profile and never as one customer fewer.

    Raises ConfigurationError when `inventories` itself cannot be listed.
    """
    try:
        entries = sorted(inventories.iterdir())
    except OSError as error:
        what = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be listed: {error.strerror}"
        raise ConfigurationError(f"the inventories folder {inventories} {what}",
                                 "name it in opsctl.yml under `inventories`, or run opsctl where it is") from None
    return tuple(path.name for path in entries if _holds_profile(path))


def _holds_profile(folder: Path) -> bool:
    try:
        (folder / PROFILE).lstat()
    except NotADirectoryError:
        return False
    except FileNotFoundError:
        return folder.is_symlink() and not folder.exists()
    except OSError:
        return True
    return True


def settings_path(option: Path | None = None) -> Path | None:
    """The settings file: by option, OPSCTL_CONFIG, the XDG folder, /etc/xdg; None when there is none."""
    if option is not None:
        return option
    if os.environ.get("OPSCTL_CONFIG"):
        return Path(os.environ["OPSCTL_CONFIG"])
    home = _home()
    own = os.environ.get("XDG_CONFIG_HOME") or (home / ".config" if home else None)
    for folder in ([Path(own)] if own else []) + [Path("/etc/xdg")]:
        if (folder / "opsctl" / "opsctl.yml").is_file():
            return folder / "opsctl" / "opsctl.yml"
    return None


def state_folder() -> Path:
    """Where opsctl keeps its own state: systemd's STATE_DIRECTORY, else the XDG state folder."""
    given = os.environ.get("STATE_DIRECTORY")
    if given:
        return Path(given.split(":")[0])
    home = _home()
    base = os.environ.get("XDG_STATE_HOME") or (home / ".local" / "state" if home else None)
    if base is None:
        raise ConfigurationError("this account has no home folder to keep opsctl's state in",
                                 "set HOME, XDG_STATE_HOME or STATE_DIRECTORY")
    return Path(base) / "opsctl"


def cache_folder() -> Path:
    """What can be made again: systemd's CACHE_DIRECTORY, else the XDG cache folder."""
    given = os.environ.get("CACHE_DIRECTORY")
    if given:
        return Path(given.split(":")[0])
    home = _home()
    # Without a home nothing is kept: this folder cannot be made, and a cache that cannot be written is no error.
    return Path(os.environ.get("XDG_CACHE_HOME") or (home / ".cache" if home else os.devnull)) / "opsctl"


def actor() -> str:
    """Who acts, for the ledger: OPSCTL_ACTOR when set (a CI job's name), else the login name or the user's number."""
    try:
        return os.environ.get("OPSCTL_ACTOR") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def _home() -> Path | None:
    """The home folder; None for an account that has none, as in many containers."""
    try:
        return Path.home()
    except RuntimeError:
        return None
