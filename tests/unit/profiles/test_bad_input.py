"""Every way to write a profile wrong gives a clear error with its place, all at once, and never the value."""

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from opsctl.core.errors import ConfigurationError, ExitCode
from opsctl.profiles.index import summaries
from opsctl.profiles.loader import load_profile, load_profiles

Write = Callable[..., Path]
SECRET = "hunter2-not-an-address"

# name: (text to replace, replacement, line:column and path expected, words expected)
CASES = {
    "unknown key": ("  reference: SMA", "  refrence: SMA", "agreement.refrence", "did you mean reference"),
    "missing key": ("  reference: SMA-SAMPLE-001\n", "", "agreement.reference", "is missing; add it"),
    "Norway boolean": ("language: da", "language: no", "language", "in quotes"),
    "time as a number": ('start: "00:00"', "start: 22:30", "windows[0].start", "in quotes"),
    "octal number": ("schema_version: 1", "schema_version: 01", "schema_version", "decimal"),
    "hosting of no kind": ("hosting: kamstrup", "hosting: cloud", "hosting", "'kamstrup', 'customer'"),
    "hosting with a space": ("hosting: kamstrup", "hosting: 'kamstrup '", "hosting", "'kamstrup', 'customer'"),
    "hosting of both": ("hosting: kamstrup", "hosting: both", "hosting", "'kamstrup', 'customer'"),
    "no hosting": ("hosting: kamstrup\n", "", "hosting", "'kamstrup'"),
    "unknown zone": ("zone: Europe/Copenhagen", "zone: Europe/Kopenhagen", "zone", "IANA"),
    "contact without an address": ("    email: operations@aalund.example\n", "", "contacts[0].email", "is missing"),
    "contact without a role": ("    roles: [contract]\n", "", "contacts[1].roles", "is missing; add it"),
    "contact with no role in the list": ("roles: [contract]", "roles: []", "contacts[1].roles", "at least one entry"),
    "contact with an unknown role": ("roles: [contract]", "roles: [boss]", "contacts[1].roles[0]", "must be one of"),
    "not an address": ("operations@aalund.example", SECRET, "contacts[0].email", "e-mail address"),
    "an address that stands twice": ("email: contracts@", "email: Operations@", "contacts",
                                     "contacts[0] and contacts[1] have the same address; make one entry of them"),
    "no date": ("valid_to: 2029-12-31", "valid_to: soon", "agreement.valid_to", "2026-11-23"),
    "no such day": ("valid_to: 2029-12-31", "valid_to: 2029-02-30", "agreement.valid_to", "2026-11-23"),
    "agreement ends before it begins": ("valid_to: 2029-12-31", "valid_to: 2019-12-31", "agreement", "before"),
    "backup kept too short": ("  recipients:", "  keep_days: 29\n  recipients:", "backup.keep_days", "30"),
    "no offline recipient": ("kept: offline", "kept: online", "backup", "offline"),
    "recipient outside the folder": ("file:keys/online.pub", "file:../../etc/x", "backup.recipients[0].key", "age"),
    "store of no kind": ("kind: s3", "kind: ftp", "backup.store.kind", "'s3', 'directory'"),
    "store without TLS": ("https://198", "http://198", "backup.store.endpoint", "https"),
    "secret instead of its place": ("file:/var/lib/opsctl-lab/secrets/object-store.json", SECRET,
                                    "backup.store.credentials", "never the secret"),
    "unknown add-on": ("api-access", "moon-access", "addons[0].name", "must be one of"),
    "add-on without order": (", order: ORDER-SAMPLE-17", "", "addons[0].order", "is missing"),
    "database on no host": ("host: aalund-1}", "host: nowhere}", "databases", "must name one of"),
    "date as a number": ("valid_to: 2029-12-31", "valid_to: 1893456000", "agreement.valid_to", "2026-11-23"),
    "date with a time": ("valid_to: 2029-12-31", "valid_to: 2029-12-31T00:00:00", "agreement.valid_to", "2026-11-23"),
    "number in quotes": ("quantity: 5000", 'quantity: "5000"', "licences[0].quantity", "whole number"),
    "truth as a number": ("sample: true", "sample: 1", "sample", "true or false"),
    "truth as a word": ("sample: true", 'sample: "yes"', "sample", "true or false"),
    "escape sequence": ("name: Aalund Water (sample)", 'name: "A\\e[31m"', "name", "does not print"),
    "text that turns its direction": ("name: Aalund Water (sample)", 'name: "A\\u202eB"', "name", "does not print"),
    "two lines in a name": ("name: Operations Aalund (sample)", 'name: "A\\nBcc: x"', "contacts[0].name", "one line"),
    "two lines in an order": ("order: ORDER-SAMPLE-17", 'order: "A\\nB"', "addons[0].order", "one line"),
    "address that looks like an option": ("address: 198.51.100.11, roles", "address: a.-b, roles", "hosts[0].address",
                                          "neither an IP address"),
    "address of other digits": ("address: 198.51.100.11, roles", "address: \uff11, roles", "hosts[0].address",
                                "neither an IP address"),
    "two engines on one host": ("  - {name: ready, engine: postgresql, host: aalund-1}",
                                "  - {name: ready, engine: postgresql, host: aalund-1}\n"
                                "  - {name: more, engine: mariadb, host: aalund-1}", "databases", "one engine"),
    "duplicate key": ("language: da\n", "language: da\nlanguage: en\n", "language", "stands twice"),
    "tag": ("name: Aalund Water (sample)", "name: !!python/name:os.system x", "name", "tags are not read"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_one_mistake(case: tuple[str, str, str, str], aalund: str, write: Write) -> None:
    old, new, path, words = case
    assert old in aalund
    with pytest.raises(ConfigurationError) as error:
        load_profile(write(aalund.replace(old, new, 1)), "sample-aalund")
    assert error.value.exit_code is ExitCode.CONFIGURATION
    line = next(line for line in error.value.details if f" {path}: " in line)
    assert re.match(r"^.+/sample-aalund/profile\.yml:\d+:\d+ ", line)
    assert words in line
    assert SECRET not in "\n".join((error.value.message, *error.value.details))


def test_all_mistakes_are_told_at_once_in_the_files_order(aalund: str, write: Write) -> None:
    text = aalund
    for old, new in (("language: da", "language: no"), ("valid_to: 2029-12-31", "valid_to: soon"),
                     ("roles: [application, database]", "roles: [cook]"), ("kind: s3", "kind: ftp"),
                     ("  reference:", "  refrence:")):
        text = text.replace(old, new, 1)
    with pytest.raises(ConfigurationError) as error:
        load_profile(write(text), "sample-aalund")
    numbers = [int(line.split(".yml:")[1].split(":")[0]) for line in error.value.details]
    assert len(numbers) == 6
    assert numbers == sorted(numbers)


def test_position_points_at_the_key(aalund: str, write: Write) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_profile(write(aalund.replace("valid_to: 2029-12-31", "valid_to: soon")), "sample-aalund")
    line = 1 + aalund.split("valid_to: 2029-12-31", maxsplit=1)[0].count("\n")
    assert f"profile.yml:{line}:3 agreement.valid_to: " in error.value.details[0]


def test_a_profile_in_which_nobody_is_told_of_releases(aalund: str, write: Write) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_profile(write(aalund.replace("[notices, technical", "[technical")), "sample-aalund")
    assert "no contact has the role notices; give it to the one who is told about releases" in error.value.details[0]


@pytest.mark.parametrize(("content", "words"), [
    (b"", "is empty"),
    (b"just words", "must be a mapping"),
    (b"a: [1, 2", "is not valid YAML"),
    (b"a:\n\tb: 1\n", "a tab indents"),
    (b"name: \xc5lund\n", "is not UTF-8"),
    ("name: Ålund".encode("utf-16"), "is not UTF-8"),
    (b"a: &x [1]\nb: *x\n", "anchors and aliases"),
    (b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", "anchors and aliases"),
    (b"a: " + b"[" * 5000 + b"]" * 5000, "nests deeper"),
    (b"a: 1\n---\nb: 2\n", "is not valid YAML"),
    (b"x" * 600_000, "larger than"),
])
def test_files_that_are_no_profile_at_all(content: bytes, words: str, write: Write) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_profile(write(content), "sample-aalund")
    assert words in "\n".join((error.value.message, *error.value.details))


@pytest.mark.parametrize("name", ["..", "../x", "/etc", "a/b", "", "A", "a--b", "a\nb", "é", "-a"])
def test_customer_names_that_lead_elsewhere(name: str, aalund: str, write: Write) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_profile(write(aalund), name)
    assert error.value.resolution


def test_symbolic_links_must_not_lead_out_of_the_folder(aalund: str, write: Write, tmp_path: Path) -> None:
    inventories = write(aalund)
    outside = tmp_path / "outside.yml"
    outside.write_text(aalund, encoding="utf-8")
    profile = inventories / "sample-aalund" / "profile.yml"
    profile.unlink()
    profile.symlink_to(outside)
    with pytest.raises(ConfigurationError, match="symbolic link"):
        load_profile(inventories, "sample-aalund")


def test_a_loop_of_links_and_a_pipe_do_not_hang(aalund: str, write: Write) -> None:
    inventories = write(aalund)
    profile = inventories / "sample-aalund" / "profile.yml"
    profile.unlink()
    os.mkfifo(profile)
    with pytest.raises(ConfigurationError, match="not a regular file"):
        load_profile(inventories, "sample-aalund")


def test_folder_and_name_must_agree(aalund: str, write: Write) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_profile(write(aalund, "sample-other"), "sample-other")
    assert "must be the folder's name" in error.value.details[0]


def test_no_customer_has_the_name_of_the_operator_s_own_chain(aalund: str, write: Write) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_profile(write(aalund.replace("customer: sample-aalund", "customer: operator"), "operator"), "operator")
    assert "choose another name" in error.value.details[0]


def test_a_customer_hosted_profile_has_no_hosts_or_store_by_type(aalund: str, write: Write) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_profile(write(aalund.replace("hosting: kamstrup", "hosting: customer")), "sample-aalund")
    text = "\n".join(error.value.details)
    assert all(f" {key}: does not belong here" in text for key in ("hosts", "databases", "backup", "components"))


def test_thousands_of_mistakes_are_told_within_seconds(aalund: str, write: Write) -> None:
    text = aalund + "".join(f"unknown_key_{number}: 1\n" for number in range(5000))
    began = time.monotonic()
    with pytest.raises(ConfigurationError) as error:
        load_profile(write(text), "sample-aalund")
    assert len(error.value.details) == 5000
    assert time.monotonic() - began < 10


def test_a_key_that_does_not_print_is_shown_as_such(aalund: str, write: Write) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_profile(write(aalund + '"\\e[31mkey": 1\n'), "sample-aalund")
    assert all(line.isprintable() for line in error.value.details)


@pytest.mark.parametrize("make", [
    lambda folder: (folder / "profile.yml").symlink_to("/nowhere/at/all"),
    lambda folder: (folder / "profile.yml").symlink_to("profile.yml"),
    lambda folder: (folder / "profile.yml").mkdir(),
], ids=["link to nothing", "link to itself", "a folder"])
def test_a_profile_that_cannot_be_read_is_a_broken_one_never_left_out(
        make: Callable[[Path], None], aalund: str, write: Write, monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path) -> None:
    inventories = write(aalund)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (inventories / "sample-lost").mkdir()
    make(inventories / "sample-lost")
    profiles, broken = load_profiles(inventories)
    assert [profile.customer for profile in profiles] == ["sample-aalund"]
    assert list(broken) == ["sample-lost"]
    assert {found.customer: bool(found.error) for found in summaries(inventories)} == {
        "sample-aalund": False, "sample-lost": True}


def test_a_folder_that_cannot_be_entered_is_a_broken_profile(aalund: str, write: Write) -> None:
    inventories = write(aalund)
    (inventories / "sample-loop").symlink_to("sample-loop")
    (inventories / "sample-gone").symlink_to("/nowhere/at/all")
    (inventories / "notes").mkdir()
    (inventories / "README").write_text("no customer", encoding="utf-8")
    _, broken = load_profiles(inventories)
    assert list(broken) == ["sample-gone", "sample-loop"]


def test_names_of_folders_that_do_not_print_are_shown_as_such(aalund: str, write: Write) -> None:
    inventories = write(aalund, os.fsdecode(b"sample-\x1b[31m\xff"))
    _, broken = load_profiles(inventories)
    assert list(broken) == ["sample-?[31m?"]


def test_a_damaged_cache_is_only_slower(aalund: str, write: Write, monkeypatch: pytest.MonkeyPatch,
                                        tmp_path: Path) -> None:
    inventories = write(aalund)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = summaries(inventories)
    cache = tmp_path / "cache" / "opsctl" / "profiles.json"
    for entry in (5, {"customer": "x"}, {"other": 1}):
        cache.write_text(json.dumps(dict.fromkeys(json.loads(cache.read_bytes()), entry)), encoding="utf-8")
        assert summaries(inventories) == before
