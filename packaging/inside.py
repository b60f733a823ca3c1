"""The package's story, told inside of a clean Debian that runs systemd: each line is a promise of the documents.

Installed, set up by one command, a message that arrives; restarted and upgraded under load, with mail in the queue;
removed, and purged without and with the word for the data.
"""

from __future__ import annotations

import time
from pathlib import Path

from story import Application, Outside, Sender, active, arrived, owners, relay, restarted, run, say, wait

SETTINGS = Path("/etc/relay/relay.toml")
SOCKET = Path("/usr/lib/systemd/system/relay.socket")
WORDING = (
    "Yes, Shop Ltd may keep my address in its database and send me its news by automated e-mail. I can unsubscribe at"
    " any time; my rights are explained at shop.example/privacy."
)


def set_up() -> None:
    if "--system" in run("relay", "init", "--help"):
        answers = ("--hostname", "relay.example.com", "--contact", "ops@example.com")
        said = run("relay", "init", "--system", *answers, "--no-start")
        assert "Publish in DNS:" in said and "relay check dns" in said, said
    else:  # a release before that command, as its documents said
        run("relay", "init", "--dir", "/var/lib/relay", "--hostname", "relay.example.com")
        run("sh", "-c", "mv /var/lib/relay/relay.toml /var/lib/relay/tls /etc/relay/")
        run("sed", "-i", 's|^data_dir = .*|data_dir = "/var/lib/relay/data"|', str(SETTINGS))
        run("chown", "-R", "relay:relay", "/var/lib/relay")
        run("sh", "-c", "chown -R root:relay /etc/relay && chown relay /etc/relay/tls/key.pem")
    with SETTINGS.open("a") as file:
        file.write('\n[delivery]\nsmart_host = "127.0.0.1:10026"\nretry = ["1s", "2s"]\n')
    say("set up")


def customer() -> Application:
    relay("tenant", "add", "shop", "--contact", "owner@shop.example")
    relay("domain", "add", "shop", "shop.example")
    relay("domain", "verify", "shop", "shop.example", "--vouch", "the package's test")
    proof = ("--topic", "news", "--source", "form on shop.example", "--wording", WORDING)
    relay("consent", "add", "shop", "ann@people.example", *proof)
    # Hundreds of messages to one person: how often somebody is mailed is not what is tried here.
    relay("tenant", "establish", "shop", "--reason", "the package's test")
    return Application(relay("credential", "add", "shop", "--stream", "bulk", "--json"))


def first_message(application: Application, outside: Outside) -> None:
    refused = application.send("first", "ann@people.example", "bob@people.example")
    assert list(refused) == ["bob@people.example"] and b"no-consent" in refused["bob@people.example"][1], refused
    wait("the first message arrives", lambda: outside.subjects() == ["first"])
    outside.expect_signed()
    say("a message that was agreed to arrives, signed and with its unsubscribe; another is refused")


def upgraded(application: Application, outside: Outside) -> None:
    kept_open = SOCKET.exists()
    outside.close()
    waiting = [f"waiting-{number}" for number in range(20)]
    for subject in waiting:
        application.send(subject, "ann@people.example")
    sender = Sender(application, "upgrade")
    sender.start()
    began = time.monotonic()
    run("dpkg", "--install", "/package-test/second.deb")
    say(f"upgraded in {time.monotonic() - began:.0f} s")
    wait("the service runs", active)
    sender.goes_on()
    sender.stop()
    outside.open()
    wait("what waited arrives", lambda: set(waiting) <= set(outside.subjects()))
    arrived(sender, outside, "upgraded with mail in the queue", kept_open=kept_open)
    said = run("relay", "init", "--system")
    assert "made: /etc/relay/relay.toml" not in said, said
    run("systemctl", "is-active", "relay.socket", "relay.service", "relay-backup.timer")
    assert "WatchdogUSec=5min" in run("systemctl", "show", "relay.service", "-p", "WatchdogUSec")
    say("init --system said again after the upgrade: ports, service and timer are up")


def kept() -> None:
    run("systemctl", "start", "relay-backup.service")
    found = list(Path("/var/backups/relay").iterdir())
    assert found, "no backup"
    say(f"a backup by the timer's service: {found[0].name}")
    found_owners = owners("/etc/relay", "/etc/relay/relay.toml", "/etc/relay/tls/key.pem", "/var/lib/relay")
    assert found_owners["/var/lib/relay"] == "relay:relay 700", found_owners
    assert found_owners["/etc/relay/tls/key.pem"] == "relay:relay 600", found_owners
    assert found_owners["/etc/relay"] == "root:relay 750", found_owners
    relay("check")


def handed_over(application: Application, outside: Outside) -> None:
    """The secrets sealed, the key in the clear, both by systemd; the relay's own copy is away meanwhile."""
    own, settings = Path("/var/lib/relay/data/secrets"), SETTINGS.read_text()
    run("systemd-creds", "encrypt", "--name=secrets", str(own), "/etc/relay/secrets.cred")
    drop_in = Path("/etc/systemd/system/relay.service.d/keys.conf")
    drop_in.parent.mkdir(exist_ok=True)
    sealed, plain = "secrets:/etc/relay/secrets.cred", "tls-key:/etc/relay/tls/key.pem"
    drop_in.write_text(f"[Service]\nLoadCredentialEncrypted={sealed}\nLoadCredential={plain}\n")
    changed = settings.replace("[server]\n", '[server]\nsecrets = "credential:secrets"\n', 1)
    SETTINGS.write_text(changed.replace('key = "tls/key.pem"', 'key = "credential:tls-key"'))
    own.rename("/package-test/secrets")
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "relay.service")
    application.send("handed-over", "ann@people.example")
    wait("it arrives", lambda: "handed-over" in outside.subjects())
    relay("check")
    say("secrets and key handed over by systemd: a message arrives, and commands beside the service work")
    SETTINGS.write_text(settings)
    drop_in.unlink()
    run("mv", "/package-test/secrets", str(own))
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "relay.service")


def removed() -> None:
    run("dpkg", "--remove", "relay-smtp")
    assert not active()
    assert Path("/var/lib/relay/data/relay.db").exists() and SETTINGS.exists()
    said = run("dpkg", "--purge", "relay-smtp")
    assert "stay in /var/lib/relay" in said, said
    assert Path("/var/lib/relay/data/relay.db").exists() and SETTINGS.exists()
    say("removed, and purged without a word for the data: all data are there")
    run("dpkg", "--install", "/package-test/second.deb")
    relay("consent", "show", "shop", "ann@people.example")
    say("installed again: the data are in use again")
    run("sh", "-c", "echo 'relay-smtp relay-smtp/purge-data boolean true' | debconf-set-selections")
    run("dpkg", "--purge", "relay-smtp")
    places = ("/var/lib/relay", "/etc/relay", "/var/backups/relay", "/opt/relay")
    left = [path for path in places if Path(path).exists()]
    assert left == [], left
    say("purged with the word for it: nothing is left")


def main() -> None:
    say(run("dpkg", "--install", "/package-test/first.deb").splitlines()[-1])
    set_up()
    outside = Outside()
    outside.open()
    run("systemctl", "enable", "--now", "relay.service")  # and with it relay.socket, where there is one
    application = customer()
    first_message(application, outside)
    upgraded(application, outside)
    restarted(application, outside)
    kept()
    handed_over(application, outside)
    removed()
    Path("/package-test/passed").touch()


main()
