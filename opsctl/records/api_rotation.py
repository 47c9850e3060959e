"""Replacing the customer's API key without a gap: first both are accepted, then the old one is proven dead.

rotate: make a new key, let every host accept it beside the old one, see it accepted, put it in use.
withdraw: take the old key from every host, and see it refused.

Each step can be repeated: the files of `api_keys` tell how far a run that was cut off had come, and the next one goes
on from there. Ledger: `api-key.rotated` and `api-key.withdrawn`, with fingerprints only.
"""

from __future__ import annotations

from opsctl.adapters.ready_api import Endpoint, ask
from opsctl.adapters.secrets import resolve
from opsctl.core.errors import OperationFailed
from opsctl.core.outcome import Outcome, Status
from opsctl.core.secret import Secret
from opsctl.profiles.hosted import HostRole
from opsctl.profiles.model import KamstrupProfile
from opsctl.records.api_check import GUARDED_PATH, REQUEST, endpoints, settings_of
from opsctl.records.api_keys import KeyFiles, Stage, fingerprint, key_files
from opsctl.runs.playbook import play, targets_of
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace

ROTATED, WITHDRAWN = "api-key.rotated", "api-key.withdrawn"


def rotate(workplace: Workplace, profile: KamstrupProfile, *, at_once: bool = False) -> Outcome:
    """Put a new key in use beside the old one; at_once: withdraw the old one in the same run.

    NotCovered (exit 4) where API Access was not bought; UNCHANGED while the last rotation is not withdrawn.
    """
    def act(run: Run) -> Outcome:
        access = settings_of(profile)
        keys = key_files(access.credentials)
        if keys.stage() is Stage.OVERLAPPING:
            if at_once:
                return _withdraw(run, profile, keys)
            return _outcome(run, Status.UNCHANGED, "the new key is in use already, and the old one still accepted",
                            f"run `opsctl api withdraw {run.customer}` once the customer's systems use the new key")
        old = _accepted_now(keys, endpoints(profile, access))
        new = keys.prepare()
        run.say("every host accepts the new key beside the old one")
        _change(run, profile, {"api_token_add": new.reveal()})
        for endpoint in endpoints(profile, access):
            _require_accepted(endpoint, new)
        keys.switch()
        run.record(ROTATED, {"new": fingerprint(new), "old": fingerprint(old), "endpoints": _names(profile)})
        if at_once:
            return _withdraw(run, profile, keys)
        return _outcome(run, Status.DONE, f"key {fingerprint(new)} is in use; {fingerprint(old)} is still accepted",
                        f"give the customer the new key from {keys.current}, then `opsctl api withdraw {run.customer}`")

    return perform(workplace, profile, REQUEST, "api rotate", act)


def withdraw(workplace: Workplace, profile: KamstrupProfile) -> Outcome:
    """Let no host accept the key that was replaced, and prove it; UNCHANGED when there is none."""
    def act(run: Run) -> Outcome:
        keys = key_files(settings_of(profile).credentials)
        if keys.stage() is Stage.PREPARED:
            raise OperationFailed("a rotation was begun and not ended, so which key is in use is not settled",
                                  f"run `opsctl api rotate {run.customer}` again first")
        if keys.stage() is Stage.SETTLED:
            return _outcome(run, Status.UNCHANGED, "no old key is accepted; nothing to withdraw")
        return _withdraw(run, profile, keys)

    return perform(workplace, profile, REQUEST, "api withdraw", act)


def _withdraw(run: Run, profile: KamstrupProfile, keys: KeyFiles) -> Outcome:
    access = settings_of(profile)
    old, new = resolve(f"file:{keys.previous}"), resolve(access.credentials)
    if old == new:
        raise OperationFailed(f"{keys.previous} and {keys.current} hold the same key, so withdrawing it would cut the "
                              "customer off", "see who changed them; remove the .previous file and rotate again")
    for endpoint in endpoints(profile, access):
        _require_accepted(endpoint, new)
    _change(run, profile, {"api_token_remove": old.reveal()})
    for endpoint in endpoints(profile, access):
        _require_accepted(endpoint, new)
        answer = ask(endpoint, GUARDED_PATH, old)
        if answer.status != 401:
            raise OperationFailed(f"{endpoint.name} answers {answer.status} to the old key, which was taken from it",
                                  "look at /etc/ready/api-token on the host, and whether ready-server reads it again")
    run.record(WITHDRAWN, {"old": fingerprint(old), "new": fingerprint(new), "refused_by": _names(profile)})
    keys.forget_previous()
    return _outcome(run, Status.DONE, f"key {fingerprint(old)} is refused everywhere, {fingerprint(new)} accepted")


def _accepted_now(keys: KeyFiles, asked: tuple[Endpoint, ...]) -> Secret:
    """The key in use; when it is not accepted, no overlap is possible and nothing is changed."""
    current = resolve(f"file:{keys.current}")
    for endpoint in asked:
        _require_accepted(endpoint, current)
    return current


def _require_accepted(endpoint: Endpoint, key: Secret) -> None:
    answer = ask(endpoint, GUARDED_PATH, key)
    if answer.status != 200:
        raise OperationFailed(f"{endpoint.name} answers {answer.status} to the key {fingerprint(key)}",
                              "see `opsctl api check`; once it is mended run this again, it goes on where it stopped")


def _change(run: Run, profile: KamstrupProfile, variables: dict[str, str]) -> None:
    from opsctl.adapters.ansible_catalogue import API_TOKEN

    hosts = [host.name for host in profile.hosts if HostRole.APPLICATION in host.roles]
    play(run, targets_of(run.workplace, profile, only=hosts), API_TOKEN, variables, deadline_seconds=600)


def _names(profile: KamstrupProfile) -> list[str]:
    return [endpoint.name for endpoint in endpoints(profile, settings_of(profile))]


def _outcome(run: Run, status: Status, summary: str, resolution: str = "") -> Outcome:
    return Outcome(run.customer, REQUEST.service, status, summary, resolution)
