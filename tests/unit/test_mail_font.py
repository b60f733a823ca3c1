"""The footer's letters are the message's own, as far as that is safe (R7)."""

from __future__ import annotations

import re
import time

import pytest

from relay.mail.html import block, in_place, plan
from relay.mail.html_font import MOST_OCTETS

SANS, SERIF, MONO = "sans-serif", "serif", "monospace"


def font(document: str) -> str:
    found = plan(document)
    made = block(found, "x")
    (said,) = re.findall(r"font:14px/20px ([^;!]*)!important", made)
    assert said == found.font and in_place(found, "x").count(f"14px/20px {found.font}") == 1
    return str(said)


BODY: list[tuple[str, str]] = [
    ("font-family:Georgia,serif", "Georgia,serif"),
    ("font-family: Georgia , 'Times New Roman' , serif ;color:red", "Georgia,'Times New Roman',serif"),
    ("FONT-FAMILY:ARIAL", "ARIAL,sans-serif"),
    ("font-family:&quot;Segoe UI&quot;,Tahoma", "'Segoe UI',Tahoma,sans-serif"),
    ("font:16px/1.5 Verdana,sans-serif", "Verdana,sans-serif"),
    ("font:italic bold 12pt 'Courier New', monospace", "'Courier New',monospace"),
    ("font:small Georgia", "Georgia,serif"),
    ("font-family:Georgia;font-family:Arial", "Arial,sans-serif"),
    ("font-family:Arial!important", "Arial,sans-serif"),
    ("font-family:/* x */Arial", "Arial,sans-serif"),
    ("font-family:monospace", MONO),
    ("font-family:system-ui", SANS),
    ("font-family:Consolas", "Consolas,monospace"),
    ("font-family:Merriweather", "Merriweather,serif"),
    ("font-family:a,b,c,d,e,serif", "a,b,c,serif"),
    ("font-family:-apple-system,BlinkMacSystemFont,Roboto", "BlinkMacSystemFont,Roboto,sans-serif"),
    ("font-size:16px", SANS),
    ("font-weight:bold", SANS),
    # what can't be read, or would hide
    ("font-family:Wingdings", SANS),
    ("font-family:Webdings,Georgia,serif", "Georgia,serif"),
    ("font-family:'Adobe Blank',Arial", "Arial,sans-serif"),
    ("font-family:'Material Icons'", SANS),
    ("font-family:'Libre Barcode 39'", SANS),
    ("font-family:inherit", SANS),
    ("font-family:var(--x),Arial", "Arial,sans-serif"),
    ("font-family:url(x)", SANS),
    ("font-family:expression(alert(1))", SANS),
    ("font-family:\\41 rial", SANS),
    ("font-family:x}body{display:none", SANS),
    ("font-family:a&quot; onclick=&quot;b", SANS),
    ("font-family:Ariаl", SANS),  # noqa: RUF001 - a Cyrillic letter is meant
    ("font-family:" + "A" * 200, SANS),
    ("font-family:" + ",".join(f"Long family name number {n}" for n in range(5)), ""),
]


@pytest.mark.parametrize(("style", "expected"), BODY)
def test_body_says(style: str, expected: str) -> None:
    found = font(f'<html><body style="{style}"><p>Hello</p></body></html>')
    assert found == expected or (not expected and len(found) <= MOST_OCTETS)
    assert re.fullmatch(r"(?:(?:'[A-Za-z0-9 -]+'|[A-Za-z0-9-]+),)*(?:serif|sans-serif|monospace)", found)


DOCUMENTS: list[tuple[str, str]] = [
    ("Hello", SANS),
    ("<p>Hello</p>", SANS),
    ("<p style='font-family:Georgia'>Hello</p>", "Georgia,serif"),
    ("<font face='Georgia'>Hello</font>", "Georgia,serif"),
    ("<FONT FACE=Arial>Hello", "Arial,sans-serif"),
    ("<div style='font-family:Georgia'><p>Hello</p><p style='font-family:Arial'>x</p></div>", "Georgia,serif"),
    ("<div style='font-family:Georgia'><p style='font-family:Arial'>Hello</p></div>", "Arial,sans-serif"),
    ("<div style='font-family:Georgia'></div><p>Hello</p>", SANS),
    ("<div style='font-family:Georgia'>&nbsp; 1 </div><p style='font-family:Arial'>Hello</p>", "Arial,sans-serif"),
    (
        "<div style='display:none;font-family:Georgia'>preheader</div><p style='font-family:Arial'>Hello</p>",
        "Arial,sans-serif",
    ),
    ("<title>x</title><style>p{font-family:Georgia}</style><p style='font-family:Arial'>Hi</p>", "Arial,sans-serif"),
    ("<style>body{margin:0;font-family:Georgia,serif}</style><p style='font-family:Arial'>Hi</p>", "Georgia,serif"),
    ("<style>html body,td{font:14px Verdana}</style><p>Hi</p>", "Verdana,sans-serif"),
    ("<style>@media print{body{font-family:Georgia}}</style><p style='font-family:Arial'>Hi</p>", "Arial,sans-serif"),
    ("<style>body{font-family:Georgia}</style><body style='font-family:Arial'>Hi", "Arial,sans-serif"),
    ("<!-- <p style='font-family:Georgia'>x</p> --><p style='font-family:Arial'>Hi</p>", "Arial,sans-serif"),
    ("<img style='font-family:Georgia'><p>Hi</p>", SANS),
    ("</p></div><p style='font-family:Arial'>Hi</p>", "Arial,sans-serif"),
    # a document that brings fonts of its own may make any letters blank: only the kind is taken
    ("<style>@font-face{font-family:Arial;src:url(b.woff)}</style><body style='font-family:Arial'>Hi", SANS),
    ("<style>@FONT-FACE{font-family:Georgia}</style><body style='font-family:Georgia,serif'>Hi", SERIF),
    ("<style>@import url(x.css);</style><body style='font-family:Georgia,serif'>Hi", SERIF),
    ("<link rel=stylesheet href=https://f.example/x.css><body style='font-family:Courier New'>Hi", MONO),
    ("<style>@\\66ont-face{font-family:Georgia}</style><body style='font-family:Georgia'>Hi", SERIF),
    ("<svg><circle/></svg><p style='font-family:Georgia'>Hi", SERIF),
]


@pytest.mark.parametrize(("document", "expected"), DOCUMENTS)
def test_else_the_first_text_that_is_seen(document: str, expected: str) -> None:
    assert font(document) == expected


@pytest.mark.parametrize(
    "document",
    [
        "<p style='font-family:Arial'>" + "<b " * 100_000,
        "<p style='font-family:Arial'" * 30_000,
        "<style>body{" * 30_000 + "font-family:x",
        "font-family:" * 50_000,
        "<div style='font:1" + "1" * 200_000 + "'>x",
        "<div style='font:" + "12px " * 20_000 + "'>x",
        "/*" * 100_000 + "font-family",
        "<body style='font:1" + "1" * 60_000 + "'>x",
        "<body style='font:" + "1 " * 30_000 + "'>x",
    ],
)
def test_it_takes_no_time_whatever_there_is(document: str) -> None:
    """Linear: the clock is the processor's own, and the bound hundreds of times what it takes."""
    began = time.process_time()
    plan(document)
    assert time.process_time() - began < 20
