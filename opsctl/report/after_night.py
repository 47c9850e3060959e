"""What follows a nightly run: others are told. A message that was not taken is a row; the rest still go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from opsctl.core.errors import ExitCode, OpsctlError
from opsctl.core.outcome import OPERATOR, Outcome, Status
from opsctl.fleet.checkpoints import write_checkpoint
from opsctl.fleet.failures import failed, guarded
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.report.outputs import beat, measured, write_metrics
from opsctl.report.telling import Told, tell
from opsctl.runs.workplace import Workplace


def tell_others(workplace: Workplace, profiles: Sequence[Profile], releases: Catalogue | OpsctlError, *,
                everyone: bool) -> Iterator[Outcome]:
    """Metrics, webhook, Apprise and the ledger's checkpoint; last, for a night of all customers, the heartbeat.

    It says that the night came to its end, whatever it found. Metrics are of all customers or not written.
    """
    if everyone:
        yield from _tried("metrics", partial(_figures, workplace, profiles, releases))
    yield from _others(workplace, profiles, releases)
    yield from _tried("checkpoint", partial(write_checkpoint, workplace))
    if everyone:
        yield from _tried("heartbeat", partial(beat, workplace))


def _others(workplace: Workplace, profiles: Sequence[Profile], releases: Catalogue | OpsctlError) -> Iterator[Outcome]:
    found: list[Told] = []
    yield from _tried("notification", lambda: found.extend(tell(workplace, profiles, releases)))
    for one in found:
        if one.error is not None:
            yield failed(OPERATOR, one.receiver, one.error)


def _tried(name: str, step: Callable[[], object]) -> Iterator[Outcome]:
    outcome = guarded(OPERATOR, name, partial(_done, step, name))
    if outcome.code is not ExitCode.OK:
        yield outcome


def _figures(workplace: Workplace, profiles: Sequence[Profile], releases: Catalogue | OpsctlError) -> None:
    path = workplace.settings.outputs.metrics
    if path is not None:
        write_metrics(path, measured(workplace, profiles, releases))


def _done(step: Callable[[], object], name: str) -> Outcome:
    step()
    return Outcome(OPERATOR, name, Status.DONE, "told")
