"""Several things done one after the other within one run: one that fails keeps no other from its turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opsctl.core.errors import Locked, OpsctlError
from opsctl.core.outcome import Outcome, Status, combined_exit_code
from opsctl.runs.service import Run


def one_by_one(run: Run, acts: Sequence[tuple[str, Callable[[], str]]]) -> Outcome:
    """Do what `acts` has, each by its name, and each saying what it did; the outcome tells of every one.

    Nothing further begins once the run's lease is lost or it was interrupted. A single one's error is raised as it is.
    """
    done: list[tuple[str, str]] = []
    failed: list[tuple[str, OpsctlError]] = []
    for name, act in acts:
        run.workplace.ending.check()
        try:
            done.append((name, act()))
        except OpsctlError as error:
            if len(acts) == 1:
                raise
            failed.append((name, error))
            run.say(f"{name}: FAILED: {_said(name, error)}")
            if run.lease.lost or isinstance(error, Locked) or _interrupted(error):
                break
    return _told(run, done, failed, [name for name, _ in acts[len(done) + len(failed):]])


def _told(run: Run, done: Sequence[tuple[str, str]], failed: Sequence[tuple[str, OpsctlError]],
          left: Sequence[str]) -> Outcome:
    service = run.request.service
    if not failed:
        return Outcome(run.customer, service, Status.DONE, "; ".join(said for _, said in done))
    told = [*(said for _, said in done), *(f"{name}: FAILED: {_said(name, error)}" for name, error in failed),
            *(f"{name}: not tried" for name in left)]
    code = combined_exit_code(Outcome("", "", Status.FAILED, "", exit_code=error.exit_code)
                              for _, error in failed)
    return Outcome(
        run.customer, service, Status.PARTIAL if done else Status.FAILED, "; ".join(told),
        "; ".join(dict.fromkeys(error.resolution for _, error in failed if error.resolution)),
        exit_code=None if done else code,
        data={"done": [name for name, _ in done], "failed": [name for name, _ in failed], "not_tried": list(left),
              "details": [f"{name}: {line}" for name, error in failed for line in error.details]})


def _said(name: str, error: OpsctlError) -> str:
    """The name stands before it already."""
    return error.message.removeprefix(f"{name}: ")


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C lies behind it, such as when what it broke off could not be put back."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False
