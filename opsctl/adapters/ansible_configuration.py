"""What ansible-runner is given for one run: files of mode 0600 in a private folder, and a listed environment."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.adapters.ansible_catalogue import Operation, playbook_file
from opsctl.adapters.ansible_inventory import Target, data_yaml, inventory_text, write_private
from opsctl.adapters.ansible_process import MARK
from opsctl.core.secret import Secret

if TYPE_CHECKING:
    from ansible_runner import RunnerConfig

_RUNNER_KEYS = ("ANSIBLE_CALLBACK_PLUGINS", "ANSIBLE_STDOUT_CALLBACK", "AWX_ISOLATED_DATA_DIR",
                "ANSIBLE_CACHE_PLUGIN", "ANSIBLE_CACHE_PLUGIN_CONNECTION", "RUNNER_OMIT_EVENTS",
                "RUNNER_ONLY_FAILED_EVENTS")
"""What runner itself adds to the environment and needs."""


@dataclass(frozen=True)
class Order:
    """What to run. `folder` is the run's own (0700); `run` names the units on the hosts.

    variables hold for every host; secret_variables too, and only in a 0600 file. cancelled is asked
    about once a second, for runs in threads, which Ctrl-C does not reach.
    """

    operation: Operation
    targets: Sequence[Target]
    playbooks: Path
    identity: Path
    folder: Path
    run: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    secret_variables: Mapping[str, Secret] = field(default_factory=dict)
    check: bool = False
    forks: int = 10
    deadline_seconds: float = 3600
    on_task: Callable[[Target, str], None] | None = None
    on_data: Callable[[Target, Mapping[str, Any]], None] | None = None
    cancelled: Callable[[], bool] = lambda: False


def configuration(order: Order, private: Path, sockets: Path) -> RunnerConfig:
    """Runner's configuration; writes inventory and variables into `private`. sockets: for SSH's control sockets."""
    from ansible_runner import RunnerConfig

    inventory = write_private(private / "hosts.yml", inventory_text(order.targets, order.identity))
    variables = write_private(private / "variables.yml", data_yaml(
        {"opsctl_run": order.run, **order.variables, **order.secret_variables}))
    # No --diff: it would show the contents of files, and so perhaps a secret, in the log.
    arguments = ["-e", f"@{shlex.quote(str(variables))}", *(["--check"] if order.check else [])]
    own = _environment(order, private, sockets)
    config = RunnerConfig(
        private_data_dir=str(private), playbook=str(playbook_file(order.playbooks, order.operation.playbook)),
        inventory=str(inventory), cmdline=" ".join(arguments), forks=order.forks, envvars=own,
        quiet=True, settings={"pexpect_timeout": 1})
    config.prepare()
    # Runner starts from the operator's whole environment and writes it to disk: keep only what is listed.
    config.env = {**{key: config.env[key] for key in _RUNNER_KEYS if key in config.env}, **own,
                  "ANSIBLE_CALLBACK_PLUGINS": config.env["ANSIBLE_CALLBACK_PLUGINS"]}
    return config


def _environment(order: Order, private: Path, sockets: Path) -> dict[str, str]:
    binaries = Path(sys.executable).parent
    return {
        "PATH": f"{binaries}:{os.defpath}", "HOME": str(private), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC",
        "TERM": "dumb", "PYTHONDONTWRITEBYTECODE": "1", MARK: str(private),
        "ANSIBLE_CONFIG": str(order.playbooks / "ansible.cfg"), "ANSIBLE_HOME": str(private / "home"),
        "ANSIBLE_LOCAL_TEMP": str(private / "temporary"), "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
        "ANSIBLE_HOST_KEY_CHECKING": "True", "ANSIBLE_PIPELINING": "True", "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "False", "ANSIBLE_CALLBACK_PLUGINS": "", "AWX_LIB_DIRECTORY": "",
    }
