#!/usr/bin/python
"""Ansible module: a new key with its signing request, the pair put in use, or the previous one put back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: opsctl_certificate
short_description: A service's certificate and key, renewed in steps
description:
  - The key is made on the host and stays there. Files are replaced by renaming and keep owner and rights.
options:
  step:
    description: request, install or restore; answer and clear for the challenges of an ACME server.
    type: str
    choices: [request, answer, clear, install, restore]
    required: true
  certificate:
    description: The file of the certificate in use.
    type: path
    required: true
  key:
    description: The file of its key.
    type: path
    required: true
    no_log: false
  pem:
    description: For install and restore, the new certificate with its chain.
    type: str
    default: ""
  names:
    description: For request, what it asks for; empty leaves that to the authority.
    type: list
    elements: str
    default: []
  webroot:
    description: For answer and clear, the folder that is shown on port 80.
    type: path
    default: ""
  answers:
    description: For answer and clear, the text of each token.
    type: dict
    default: {}
    no_log: false
author:
  - opsctl
"""

EXAMPLES = r"""
- name: Make a key and a request
  opsctl_certificate:
    step: request
    certificate: /etc/ready/tls/server.pem
    key: /etc/ready/tls/server.key
"""

RETURN = r"""
request:
  description: The signing request in PEM, for the step request.
  type: str
  returned: always
names:
  description: The names in the certificate in use, as openssl prints them, for the step request.
  type: str
  returned: always
"""

import errno
import ipaddress
import os
import re
import stat
import subprocess
import tempfile

from ansible.module_utils.basic import AnsibleModule

NEW, PREVIOUS = ".opsctl-new", ".opsctl-previous"
CHALLENGES = (".well-known", "acme-challenge")
TOKEN, NAME = re.compile(r"[A-Za-z0-9_-]{22,200}"), re.compile(r"[A-Za-z0-9.:-]{1,253}")


class Refused(Exception):
    """Nothing was changed; the text says why."""


def openssl(*words, text=None):
    """What openssl(1) prints."""
    done = subprocess.run(["openssl", *words], input=text, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise Refused(f"openssl {words[0]}: {(done.stderr.strip().splitlines() or ['failed'])[0]}")
    return done.stdout


def written(path, text, like):
    """Write `text` to `path`, whole or not at all, with the owner and rights of the file `like`."""
    with opened(like) as file:
        status = os.fstat(file.fileno())
    # A name that nobody can foresee: whoever may write to the folder could have put a link there.
    descriptor, aside = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            os.fchown(file.fileno(), status.st_uid, status.st_gid)
            os.fchmod(file.fileno(), status.st_mode & 0o777)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise


def opened(path):
    """A regular file, open for reading; Refused for a link or anything else."""
    try:
        # Not waiting: a pipe in the file's place would never answer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Refused(f"{path} is a link: name the file itself") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused(f"{path} is no regular file")
    return os.fdopen(descriptor)


def content(path):
    """The text of a file."""
    with opened(path) as file:
        return file.read()


def alternative(name):
    """One alternative name as openssl(1) takes it."""
    if not NAME.fullmatch(name):
        raise Refused("a name to ask for is no name")
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def request(key, asked=()):
    """Make a key beside the one in use; returns the signing request for it, for the names `asked` if there are any."""
    about = ["-subj", "/", "-addext", "subjectAltName=" + ",".join(alternative(name) for name in asked)] if asked \
        else ["-subj", "/CN=opsctl"]
    made = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    written(key + NEW, made, like=key)
    return openssl("req", "-new", "-key", "/dev/stdin", *about, text=made)


def challenges(webroot, make):
    """The folder of the answers, open; None when it is not there and not to be made. Links on the way are refused."""
    folder = os.open(webroot, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in CHALLENGES:
        above, made = folder, False
        try:
            if make:
                try:
                    os.mkdir(name, dir_fd=above)
                    made = True
                except FileExistsError:
                    pass
            folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise Refused(f"{name} in {webroot} is a link or no folder") from None
            raise
        finally:
            os.close(above)
        if made:
            os.fchmod(folder, 0o755)  # the web server is another user
    return folder


def clear(webroot, answers):
    """Remove the answers to these tokens; False when there are none."""
    folder, found = challenges(webroot, make=False), False
    if folder is None:
        return False
    try:
        for token in answers:
            if not TOKEN.fullmatch(token):
                raise Refused("a token is none (RFC 8555, 8.3)")
            try:
                os.unlink(token, dir_fd=folder)
                found = True
            except FileNotFoundError:
                pass
    finally:
        os.close(folder)
    return found


def answer(webroot, answers):
    """Show the text of each token to whoever asks the web server for it."""
    clear(webroot, answers)
    folder = challenges(webroot, make=True)
    try:
        for token, text in answers.items():
            made = os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644,
                           dir_fd=folder)
            with os.fdopen(made, "w") as file:
                os.fchmod(file.fileno(), 0o644)
                file.write(text)
    finally:
        os.close(folder)
    return True


def names(certificate):
    """The alternative names of a certificate; empty when it has none."""
    lines = openssl("x509", "-noout", "-ext", "subjectAltName", text=content(certificate)).splitlines()
    return lines[1].strip() if len(lines) > 1 else ""


def belongs(pem, key):
    """Whether the certificate is for the key in this file."""
    return openssl("x509", "-noout", "-pubkey", text=pem) == openssl("pkey", "-pubout", text=content(key))


def install(certificate, key, pem):
    """Put the new pair in use; False when it is already."""
    if content(certificate) == pem:
        return False
    if not os.path.lexists(key + NEW):
        raise Refused("there is no new key: ask for a request first")
    if not belongs(pem, key + NEW):
        raise Refused("the certificate does not belong to the key that was made for it")
    for path in (key, certificate):
        written(path + PREVIOUS, content(path), like=path)
    written(certificate + NEW, pem, like=certificate)
    os.replace(key + NEW, key)
    os.replace(certificate + NEW, certificate)
    return True


def restore(certificate, key, pem):
    """Put the previous pair back; False when neither `pem`, the new certificate, nor its key is in use."""
    # An installation that was cut short between its two renames has put the key alone in use.
    if content(certificate) != pem and not belongs(pem, key):
        return False
    if not (os.path.lexists(key + PREVIOUS) and os.path.lexists(certificate + PREVIOUS)):
        raise Refused("no previous certificate is kept")
    for path in (key, certificate):
        written(path, content(path + PREVIOUS), like=path)
    return True


STEPS = {"request": (request, ("key", "names")), "answer": (answer, ("webroot", "answers")),
         "clear": (clear, ("webroot", "answers")), "install": (install, ("certificate", "key", "pem")),
         "restore": (restore, ("certificate", "key", "pem"))}


def main():
    module = AnsibleModule(
        argument_spec={"step": {"type": "str", "required": True,
                                "choices": ["request", "answer", "clear", "install", "restore"]},
                       "certificate": {"type": "path", "required": True},
                       "key": {"type": "path", "required": True, "no_log": False},
                       "pem": {"type": "str", "default": ""},
                       "names": {"type": "list", "elements": "str", "default": []},
                       "webroot": {"type": "path", "default": ""},
                       "answers": {"type": "dict", "default": {}, "no_log": False}},
        supports_check_mode=True)
    given = module.params
    try:
        for path in (given["certificate"], given["key"]):
            if not os.path.lexists(path):
                raise Refused(f"{path} is not there")
            opened(path).close()
        if module.check_mode:
            module.exit_json(changed=True, request="", names="")
        if given["step"] == "request":
            module.exit_json(changed=True, request=request(given["key"], given["names"]),
                             names=names(given["certificate"]))
        does, words = STEPS[given["step"]]
        module.exit_json(changed=does(*(given[word] for word in words)), request="", names="")
    except (Refused, OSError, subprocess.SubprocessError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
