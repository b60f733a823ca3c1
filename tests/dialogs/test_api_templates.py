"""Messages with values in them through the running relay: by templates and by themselves."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.dialogs.conftest import House
from tests.dialogs.test_api_messages import SERVICE, nobody, read, send, sent


def put(house: House, **given: Any) -> Any:
    return house.http.post("/templates", json=given)


def test_each_copy_has_its_own_values(house: House) -> None:
    ann, bob = nobody(), nobody()
    to = [
        {"email": ann, "name": "Ann", "data": {"code": "A & <1>", "city": "Tartu"}},
        {"email": bob, "data": {"code": "Ü2", "city": "Kyiv", "name": "Bob"}},
    ]
    told = sent(
        house,
        to=to,
        subject="{{ name }}, your code is {{ code }}",
        text="Hi {{ name }},\n{{ code }} from {{ city | upcase }}\n",
        html='<p title="{{ code }}">Hi <b>{{ name }}</b>: {{ code }}</p>',
        data={"city": "nowhere"},
    )
    assert told["accepted"] == [ann, bob]
    first, second = read(house.sink.to(ann)), read(house.sink.to(bob))
    assert first["Subject"] == "Ann, your code is A & <1>" and second["Subject"] == "Bob, your code is Ü2"
    plain, markup = first.get_body(("plain",)), first.get_body(("html",))
    assert plain is not None and markup is not None
    assert plain.get_content().startswith("Hi Ann,") and "A & <1> from TARTU" in plain.get_content()
    assert '<p title="A &amp; &lt;1&gt;">Hi <b>Ann</b>: A &amp; &lt;1&gt;</p>' in markup.get_content()
    other = second.get_body(("plain",))
    assert other is not None and "Ü2 from KYIV" in other.get_content() and "Ann" not in str(second)


def test_a_template_is_kept_by_version_and_sent(house: House) -> None:
    assert put(house, name="welcome", subject="Hi {{ name }}", source="<p>Dear {{ name }}</p>").json()["version"] == 1
    made = put(house, name="welcome", subject="Hello {{ name }}", format="markdown", source="Dear **{{ name }}**")
    assert (made.status_code, made.json()["version"]) == (201, 2)
    assert "<strong>{{ name }}</strong>" in made.json()["html"] and made.json()["text"] == "Dear {{ name }}\n"
    assert [one["version"] for one in house.http.get("/templates").json()["templates"] if one["name"] == "welcome"] == [
        2
    ]
    shown = house.http.post("/templates/welcome/render", json={"data": {}}).json()
    assert shown["missing"] == ["name"]
    to, old = nobody(), nobody()
    given = {"from": SERVICE["from"], "stream": "transactional"}
    for who, template in ((to, "welcome"), (old, "welcome@1")):
        answer = house.http.post("/messages", json={**given, "to": who, "template": template, "data": {"name": "Ann"}})
        assert answer.status_code == 202, answer.text
    assert read(house.sink.to(to))["Subject"] == "Hello Ann"
    assert read(house.sink.to(old))["Subject"] == "Hi Ann"
    missing = house.http.post("/messages", json={**given, "to": to, "template": "welcome"})
    assert missing.status_code == 422 and missing.json()["errors"][0]["field"] == "data.name"
    for name in ("nobody", "welcome@9", "welcome@x"):
        assert house.http.post("/messages", json={**given, "to": to, "template": name}).status_code == 422
    assert house.http.delete("/templates/welcome").status_code == 204
    assert house.http.get("/templates/welcome").status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"name": "A B"},
        {"source": "{% if %}"},
        {"subject": "{{ a"},
        {"source": "{% include 'x' %}"},
        {"format": "mjml", "source": "<mjml>"},
        {"source": ""},
    ],
)
def test_a_template_that_is_wrong_is_not_kept(house: House, change: dict[str, str]) -> None:
    answer = put(house, **{"name": "wrong", "subject": "s", "source": "<p>x</p>", **change})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "template")
    assert house.http.get("/templates/wrong").status_code == 404


def test_missing_values_are_named_before_anything_is_sent(house: House) -> None:
    one, two = nobody(), nobody()
    to = [{"email": one, "data": {"a": "1"}}, {"email": two, "data": {}}]
    answer = send(house, to=to, text="{{ a }} {{ b.c }}")
    assert answer.status_code == 422
    fields = [found["field"] for found in answer.json()["errors"]]
    assert fields == ["to.0.data.b", "to.1.data.a", "to.1.data.b"]
    assert house.http.get("/messages", params={"recipient": one}).json()["messages"] == []


def test_conditions_are_for_one_recipient(house: House) -> None:
    to = nobody()
    text = "{% if vip %}Dear\nguest{% else %}Hi{% endif %} {{ long }}"
    sent(house, to=to, text=text, data={"vip": True, "long": "a\nb"})
    plain = read(house.sink.to(to)).get_body(("plain",))
    assert plain is not None and plain.get_content().replace("\r", "").startswith("Dear\nguest a\nb")
    assert send(house, to=[nobody(), nobody()], text=text, data={"vip": True, "long": "x"}).status_code == 422
    assert send(house, to=[nobody(), nobody()], text="{{ long }}", data={"long": "a\nb"}).status_code == 422


def test_without_values_braces_are_text(house: House) -> None:
    to = nobody()
    sent(house, to=to, text="{{ name }} {% if %}")
    plain = read(house.sink.to(to)).get_body(("plain",))
    assert plain is not None and plain.get_content().startswith("{{ name }} {% if %}")


def test_no_values_at_all_are_values_that_are_missing(house: House) -> None:
    """An empty map of a shop's own must not send braces to people."""
    for given in ({"data": {}, "to": nobody()}, {"to": {"email": nobody(), "data": {}}}):
        answer = send(house, text="Hi {{ first }}", **given)
        assert answer.status_code == 422 and "first" in answer.json()["detail"], answer.text


def test_a_file_goes_along_with_values(house: House) -> None:
    one, two = nobody(), nobody()
    files = [{"filename": "a.bin", "content": base64.b64encode(bytes(300)).decode()}]
    sent(
        house,
        to=[{"email": one, "data": {"n": "x" * 900}}, {"email": two, "data": {"n": ""}}],
        text="[{{ n }}]",
        attachments=files,
    )
    first, second = read(house.sink.to(one)), read(house.sink.to(two))
    for made, value in ((first, "x" * 900), (second, "")):
        plain = made.get_body(("plain",))
        assert plain is not None and plain.get_content().startswith(f"[{value}]")
        assert [part.get_filename() for part in made.iter_attachments()] == ["a.bin"]
