"""The doctor says what is unfit, whatever else is: each host's key, a ledger that is away."""

from pathlib import Path

from tests import forked

ROOT = Path(__file__).resolve().parents[3]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS"


def doctor(tmp_path: Path, *arguments: str, ledger: str = "", known: str | None = None) -> forked.Ended:
    """Ask the doctor about a copy of a customer of two hosts."""
    folder = tmp_path / "inventories" / "sample-birkeby"
    folder.mkdir(parents=True)
    (folder / "profile.yml").write_bytes((ROOT / "inventories" / "sample-birkeby" / "profile.yml").read_bytes())
    if known is not None:
        (folder / "known_hosts").write_text(known, encoding="utf-8")
    config = tmp_path / "opsctl.yml"
    config.write_text(f"ledger: {{url: '{ledger or f'sqlite:///{tmp_path}/ledger.db'}'}}\ninventories: inventories\n"
                      f"releases: {ROOT}/releases\ntemplates: {ROOT}/templates\nplaybooks: {ROOT}/playbooks\n"
                      f"runs: runs\ndrafts: drafts\n", encoding="utf-8")
    return forked.run(("doctor", "--offline", *arguments), {
        "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "OPSCTL_CONFIG": str(config)})


def line(ended: forked.Ended, what: str) -> str:
    [found] = [line for line in ended.stdout.splitlines() if f" {what} " in line]
    return found


def test_a_host_whose_key_is_not_known_is_named(tmp_path: Path) -> None:
    ended = doctor(tmp_path, known=f"198.51.100.21 {KEY}\n")
    assert ended.returncode == 8
    assert "fail" in line(ended, "known_hosts")
    assert "birkeby-db (198.51.100.22 port 22)" in line(ended, "known_hosts")
    assert "birkeby-app" not in line(ended, "known_hosts")
    assert "read on the host itself" in ended.stdout


def test_each_host_s_key_is_known(tmp_path: Path) -> None:
    ended = doctor(tmp_path, known=f"198.51.100.21,198.51.100.22 {KEY}\n")
    assert "pass" in line(ended, "known_hosts")
    assert "2 hosts" in line(ended, "known_hosts")


def test_a_file_that_is_not_there_or_no_list_of_keys_is_a_finding(tmp_path: Path) -> None:
    assert "fail" in line(doctor(tmp_path / "none"), "known_hosts")
    assert "fail" in line(doctor(tmp_path / "odd", known="not a key\n"), "known_hosts")
    assert "holds no host key: 198.51" in line(doctor(tmp_path / "bad", known="198.51.100.21 ssh-ed25519 AA\n"),
                                              "known_hosts")


def test_a_ledger_that_is_away_is_a_finding_among_others(tmp_path: Path) -> None:
    ended = doctor(tmp_path, ledger="postgresql://opsctl@127.0.0.1:9/opsctl", known="")
    assert ended.returncode == 8
    assert "fail" in line(ended, "ledger")
    assert "pass" in line(ended, "python")
    assert "ansible-playbook" in ended.stdout
