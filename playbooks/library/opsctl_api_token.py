#!/usr/bin/python
"""Ansible module: add a key to those that READY's API accepts, or remove one, in one step."""

from __future__ import annotations

DOCUMENTATION = r"""
module: opsctl_api_token
short_description: Which keys READY's API accepts
description:
  - Replaces the file in one step and keeps owner and rights. READY reads it again by itself. The last key stays.
options:
  add:
    description: Key to accept from now on; empty for none.
    type: str
    no_log: true
    default: ""
  remove:
    description: Key to accept no longer; empty for none.
    type: str
    no_log: true
    default: ""
  file:
    description: The file that READY reads, one key per line.
    type: path
    required: true
author:
  - opsctl
"""

EXAMPLES = r"""
- name: Accept one more key
  opsctl_api_token:
    add: "{{ new_key }}"
    file: /etc/ready/api-token
  no_log: true
"""

RETURN = r"""
accepted:
  description: The first 12 hexadecimal digits of the SHA-256 of each key that is accepted now.
  type: list
  returned: always
"""

import hashlib
import os
import tempfile

from ansible.module_utils.basic import AnsibleModule


def changed_keys(keys, add, remove):
    """The keys without `remove` and with `add`, in their order."""
    kept = [key for key in keys if key != remove]
    return kept + ([add] if add and add not in kept else [])


def replace(path, keys):
    """Write the keys beside `path` and put them in its place; owner and rights stay."""
    status = os.stat(path)
    handle, beside = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".api-token-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("".join(f"{key}\n" for key in keys))
            file.flush()
            os.fchown(file.fileno(), status.st_uid, status.st_gid)
            os.fchmod(file.fileno(), status.st_mode & 0o777)
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def main():
    """Change and return."""
    module = AnsibleModule(argument_spec={"add": {"type": "str", "default": "", "no_log": True},
                                          "remove": {"type": "str", "default": "", "no_log": True},
                                          "file": {"type": "path", "required": True}}, supports_check_mode=True)
    path = module.params["file"]
    try:
        with open(path, encoding="utf-8") as file:
            keys = [line.strip() for line in file if line.strip()]
        wanted = changed_keys(keys, module.params["add"], module.params["remove"])
        if not wanted:
            module.fail_json(msg=f"{path} would hold no key any more; add another one first")
        if wanted != keys and not module.check_mode:
            replace(path, wanted)
    except OSError as error:
        module.fail_json(msg=f"{path} cannot be changed: {error.strerror}")
    module.exit_json(changed=wanted != keys,
                     accepted=[hashlib.sha256(key.encode()).hexdigest()[:12] for key in wanted])


if __name__ == "__main__":
    main()
