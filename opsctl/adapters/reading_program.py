"""Runs one of our Ansible modules on a host without Ansible: this text is sent there, and is no part of opsctl itself.

`GIVEN` stands before it: the module's source, those of our own module_utils, and the module's arguments.
What it offers in place of Ansible's library is what our modules use of it, and no more.
"""

import json
import os
import subprocess
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

GIVEN: dict[str, Any] = globals().get("GIVEN", {})


class AnsibleModule:
    """Arguments in, one JSON object out."""

    check_mode = False

    def __init__(self, argument_spec: Mapping[str, Any], supports_check_mode: bool = False) -> None:
        given = GIVEN["arguments"]
        unknown = sorted(set(given) - set(argument_spec))
        if unknown:
            self.fail_json(msg="unsupported parameters: {}".format(", ".join(unknown)))
        self.params = {name: given.get(name, spec.get("default")) for name, spec in argument_spec.items()}

    def run_command(self, args: Sequence[str], environ_update: Mapping[str, str] | None = None,
                    cwd: str | None = None, check_rc: bool = False, data: str | None = None) -> tuple[int, str, str]:
        """(exit code, standard output, standard error) of a command that is a list; check_rc: a failure ends all.

        data: its standard input, as a line.
        """
        environment = {**os.environ, **(environ_update or {})}
        try:
            done = subprocess.run(args, cwd=cwd, env=environment, check=False, capture_output=True,
                                  input=b"" if data is None else data.encode() + b"\n")
        except OSError as error:
            self.fail_json(msg=f"Error executing command: {error}", rc=error.errno)
        out, error_text = (text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
        if check_rc and done.returncode != 0:
            self.fail_json(msg=error_text.rstrip() or out.rstrip(), rc=done.returncode)
        return done.returncode, out, error_text

    def exit_json(self, **result: Any) -> NoReturn:
        """End well."""
        self._end(result, 0)

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        """End with a failure."""
        self._end({**result, "failed": True, "msg": msg}, 1)

    def _end(self, result: Mapping[str, Any], code: int) -> NoReturn:
        sys.stdout.write("\n" + json.dumps(result) + "\n")
        sys.stdout.flush()
        # Threads of a module that still wait for something must not keep it.
        os._exit(code)


def offer(name: str, **content: Any) -> types.ModuleType:
    """Make a module that can be imported."""
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = []
    module.__dict__.update(content)
    return module


def main() -> None:
    """Lay out what the module imports, and run it."""
    offer("ansible")
    offer("ansible.module_utils")
    offer("ansible.module_utils.basic", AnsibleModule=AnsibleModule)
    for name, source in GIVEN["utilities"].items():
        full = "ansible.module_utils." + name
        exec(compile(source, name + ".py", "exec"), offer(full).__dict__)  # noqa: S102 - our own text, sent with this
    module: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(GIVEN["module"], GIVEN["name"] + ".py", "exec"), module)  # noqa: S102 - as above


if GIVEN:
    main()
