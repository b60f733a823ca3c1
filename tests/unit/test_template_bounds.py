"""Templates within bounds: bombs end at once, nothing but values is reached, what is missing is named."""

from __future__ import annotations

import time
from typing import Any

import pytest

from relay.templates.filling import Filler, VariablePlace
from relay.templates.formats import from_markdown, from_mjml, text_of
from relay.templates.liquid_engine import TemplateFault

BOMBS = [
    "{% for i in (1..100000000) %}x{% endfor %}",
    "{% for i in (1..9000) %}{% for j in (1..9000) %}{% endfor %}{% endfor %}",
    '{{ (1..20000000) | join: "x" }}',
    "{{ (1..20000000) | sum }}",
    "{{ (1..20000000) | reverse | first }}",
    "{% assign r = (1..20000000) %}{{ r | size }}{{ r | last }}{{ r | concat: r | size }}",
    '{% assign a = "xxxxxxxxxx" %}{% for i in (1..40) %}{% assign a = a | append: a %}{% endfor %}{{ a }}',
    "{% assign a = 99 %}{% for i in (1..60) %}{% assign a = a | times: a %}{% endfor %}{{ a }}",
    "{% for i in (1..9999) %}" + "y" * 1_000 + "{% endfor %}",
    "{% capture c %}{% for i in (1..9999) %}" + "z" * 500 + "{% endfor %}{% endcapture %}{{ c | size }}",
    '{{ big | replace: "a", big }}',
    '{{ big | split: "" | join: big }}',
    "{% tablerow i in (1..100000000) cols:2 %}{% endtablerow %}",
]


@pytest.mark.parametrize("source", BOMBS)
def test_a_bomb_ends_at_once(source: str) -> None:
    begun = time.process_time()
    with pytest.raises(TemplateFault):
        Filler(source, escape=True).render({"big": "a" * 90_000})
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "source",
    [
        "{{ a",
        "{% if %}",
        "{% if a %}",
        "{% include 'x' %}",
        "{% render 'x' %}",
        "{{ a | nonsense }}",
        "{% nonsense %}",
        "x" * 500_001,
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(source: str) -> None:
    with pytest.raises(TemplateFault) as found:
        Filler(source, escape=False)
    assert str(found.value)


@pytest.mark.parametrize(
    "path", ["__class__", "a.__class__", "a.__init__.__globals__", "a['__class__']", "a.upper", "a.real"]
)
def test_nothing_but_values_is_reached(path: str) -> None:
    text, missing = Filler("[{{ " + path + " }}]", escape=False).render({"a": "x"})
    assert text == "[]" and len(missing) == 1


@pytest.mark.parametrize(
    ("source", "values", "text", "missing"),
    [
        ("Hi {{ name }}", {"name": "Ann"}, "Hi Ann", []),
        ("Hi {{ name }}", {}, "Hi ", ["name"]),
        ("{{ a.b }} {{ a.c }}", {"a": {"b": 1}}, "1 ", ["a.c"]),
        ("{{ name | default: 'friend' }}", {}, "friend", []),
        ("{% if vip %}yes{% else %}no{% endif %}", {}, "no", []),
        ("{{ name | upcase }}{{ name }}{{ other }}", {}, "", ["name", "other"]),
        ("{% for one in all %}{{ one }}{% endfor %}", {"all": [1, 2]}, "12", []),
        ("{{unsubscribe_url}} {{ relay_footer }}", {}, "{{unsubscribe_url}} {{ relay_footer }}", []),
        ("{{ n }} {{ t }} {{ z }}", {"n": 1.5, "t": True, "z": None}, "1.5 true ", []),
        ("{{ a }}", {"a": "<b>&"}, "&lt;b&gt;&amp;", []),
    ],
)
def test_values_are_filled_in_and_missing_ones_named(
    source: str, values: dict[str, Any], text: str, missing: list[str]
) -> None:
    assert Filler(source, escape=True).render(values) == (text, missing)


def test_only_variables_make_slots() -> None:
    pieces = Filler("Hi {{ a.b }}, {{ c | upcase }}!", escape=False).pieces
    assert pieces is not None
    assert [one.path if isinstance(one, VariablePlace) else one for one in pieces] == ["Hi ", ("a", "b"), ", ", (), "!"]
    assert Filler("{% if a %}x{% endif %}", escape=False).pieces is None


def test_mjml_and_markdown_become_html_with_variables_untouched() -> None:
    column = '<mj-section><mj-column><mj-text>Hi {{ name | default: "x" }}</mj-text></mj-column></mj-section>'
    markup = from_mjml(f"<mjml><mj-body>{column}</mj-body></mjml>")
    assert 'Hi {{ name | default: "x" }}' in markup and "<html" in markup
    for wrong in ("<mjml><mj-body>", "no mjml", '<mjml><mj-body><mj-include path="/etc/passwd" /></mj-body></mjml>'):
        with pytest.raises(TemplateFault):
            from_mjml(wrong)
    assert '<strong>{{ name | default: "x" }}</strong>' in from_markdown('# Hi\n\n**{{ name | default: "x" }}**\n')


def test_a_text_is_made_from_html() -> None:
    markup = (
        "<html><head><title>t</title><style>p{}</style></head><body><h1>News</h1><p>Dear {{ name }},<br>see"
        ' <a href="https://a.example/{{ id }}">this</a> &amp; that</p><ul><li>one</li><li>two</li></ul>'
        '<img src="x" alt="Logo"><a href="https://b.example">https://b.example</a></body></html>'
    )
    assert text_of(markup) == (
        "News\n\nDear {{ name }},\nsee this (https://a.example/{{ id }}) & that\n\n- one\n- two\n\n"
        "Logohttps://b.example\n"
    )
