"""The client within Django, and the Flask example, both by the running relay."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
import pytest
from django.conf import settings
from django.core import mail as django_mail
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection

from relay.client import ProblemAnswer
from tests.dialogs.conftest import House
from tests.dialogs.test_api_messages import read
from tests.dialogs.test_client import nobody
from tests.meta.tree import ROOT
from tests.support.peers import until

SENDER = "Acme <news@acme.example>"
BACKEND = "relay.client.django.EmailBackend"


@pytest.fixture
def site(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Django, set up as an application would have it."""
    if not settings.configured:
        settings.configure(EMAIL_BACKEND=BACKEND, DEFAULT_FROM_EMAIL=SENDER, USE_TZ=True)
        django.setup()
    given = {
        "EMAIL_BACKEND": BACKEND,
        "RELAY_URL": f"http://127.0.0.1:{house.relay.http}",
        "RELAY_TOKEN": house.token,
        "RELAY_STREAM": "bare",
    }
    for name, value in given.items():
        monkeypatch.setattr(settings, name, value, raising=False)
    return settings


@pytest.mark.usefixtures("site")
def test_django_sends_alternatives_files_and_copies(house: House) -> None:
    to, cc, bcc = nobody(), nobody(), nobody()
    message = EmailMultiAlternatives(
        "Grüße", "Plain.", SENDER, [f"Ann <{to}>"], cc=[cc], bcc=[bcc], reply_to=["desk@acme.example"],
        headers={"Relay-Tag": "welcome", "X-Own": "1"},
    )  # fmt: skip
    message.attach_alternative("<p>HTML</p>", "text/html")
    message.attach("a.pdf", b"%PDF", "application/pdf")
    assert message.send() == 1
    for one in (to, cc, bcc):
        made = read(house.sink.to(one))
        assert (made["Subject"], made["Cc"], made["Bcc"], made["X-Own"]) == ("Grüße", cc, None, "1")
        assert made["Relay-Tag"] is None and made["Reply-To"] == "desk@acme.example"
        html = made.get_body(("html",))
        assert html is not None and html.get_content().strip() == "<p>HTML</p>"
        assert [part.get_filename() for part in made.iter_attachments()] == ["a.pdf"]
    (taken,) = message.relay_taken
    assert sorted(taken.accepted) == sorted([to, cc, bcc]) and message.relay_refused == []
    assert house.http.get(f"/messages/{taken.id}").json()["tag"] == "welcome"


@pytest.mark.usefixtures("site")
def test_djangos_short_ways(house: House) -> None:
    people = [nobody() for _ in range(3)]
    assert django_mail.send_mail("One", "Text", None, [people[0]], html_message="<p>x</p>") == 1
    assert django_mail.send_mass_mail([("Two", "Text", SENDER, [one]) for one in people[1:]]) == 2
    assert [read(house.sink.to(one))["Subject"] for one in people] == ["One", "Two", "Two"]


def test_django_tells_who_is_refused(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "RELAY_STREAM", "news")
    message = EmailMessage("x", "x", SENDER, ["gone@rcpt.example"])
    with pytest.raises(ProblemAnswer) as raised:
        message.send()
    assert raised.value.word == "unsubscribed"
    assert EmailMessage("x", "x", SENDER, ["gone@rcpt.example"]).send(fail_silently=True) == 0
    some = EmailMessage("x", "x", SENDER, ["gone@rcpt.example", "a@rcpt.example"])
    assert some.send() == 1
    assert [(one.email, one.code) for one in some.relay_refused] == [("gone@rcpt.example", "unsubscribed")]


def test_djangos_connection_is_opened_and_closed(site: Any) -> None:
    connection = get_connection()
    assert connection.open() is True and connection.open() is False
    assert connection.send_messages([EmailMessage("x", "x", SENDER, [nobody()]) for _ in range(2)]) == 2
    assert connection._client is not None
    connection.close()
    connection.close()
    assert connection.send_messages([]) == 0
    assert connection.send_messages([EmailMessage("x", "x", SENDER, [])]) == 0
    assert connection._client is None


def test_django_says_what_is_missing(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "RELAY_TOKEN", "")
    monkeypatch.delenv("RELAY_TOKEN", raising=False)
    with pytest.raises(ValueError, match="RELAY_TOKEN"):
        django_mail.send_mail("x", "x", SENDER, [nobody()])


@pytest.mark.usefixtures("site")
def test_a_header_of_djangos_cant_be_broken() -> None:
    with pytest.raises(django_mail.BadHeaderError):
        django_mail.send_mail("a\nBcc: x@y.example", "x", SENDER, [nobody()])


# --- Flask -----------------------------------------------------------------------------


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def shop(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModuleType, str]]:
    """The example as it stands, served on a port of its own."""
    monkeypatch.setenv("RELAY_URL", f"http://127.0.0.1:{house.relay.http}")
    monkeypatch.setenv("RELAY_TOKEN", house.token)
    monkeypatch.setenv("SHOP_FROM", SENDER)
    monkeypatch.setenv("SHOP_STREAM", "bare")
    spec = importlib.util.spec_from_file_location("flask_example", ROOT / "examples" / "flask" / "app.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    server = make_server("127.0.0.1", 0, module.app, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield module, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(20)
    server.server_close()
    module.relay.close()


def test_the_flask_example_sends_and_hears(
    house: House, shop: tuple[ModuleType, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, url = shop
    made = house.http.post("/webhooks", json={"url": f"{url}/hooks/relay", "events": ["delivered"]}).json()
    monkeypatch.setenv("WEBHOOK_SECRET", made["secret"])
    browser, to = module.app.test_client(), nobody()
    answers = [browser.post("/orders", data={"email": to, "order": "17"}) for _ in range(2)]
    assert [one.status_code for one in answers] == [202, 202]
    assert answers[0].json == answers[1].json
    until(lambda: browser.get("/orders/17").json["state"] == "delivered", "the webhook told nothing")
    assert len([one for one in house.sink.messages if one.recipients == [to]]) == 1
    refused = browser.post("/orders", data={"email": "nobody", "order": "18"})
    assert (refused.status_code, refused.json["error"]) == (422, "invalid")
    assert browser.post("/hooks/relay", data=b"{}").status_code == 400
    house.http.delete(f"/webhooks/{made['id']}")
