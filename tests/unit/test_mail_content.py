"""What policies see of a message, hostile ones too: texts as readers see them, links with their words, attachments."""

from __future__ import annotations

import base64
import quopri
import random
from email.message import EmailMessage

import pytest

from relay.mail.content import DEEPEST, MOST_LINKS, MOST_TEXT, Content
from relay.mail.content_links import MOST_URL, MOST_WORDS, address_of
from relay.mail.content_style import Sheet, colour_of, hides, plain
from relay.mail.scan import ScanLimits, scan

HEAD = b"From: a@b.example\r\nMIME-Version: 1.0\r\n"


def of(raw: bytes) -> Content:
    return Content(scan(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), ScanLimits()))


def part(body: bytes, content_type: str = "text/plain", encoding: str = "", more: str = "") -> bytes:
    if encoding == "base64":
        body = base64.encodebytes(body)
    elif encoding == "quoted-printable":
        body = quopri.encodestring(body)
    named = f"Content-Transfer-Encoding: {encoding}\r\n" if encoding else ""
    return f"Content-Type: {content_type}\r\n{named}{more}\r\n".encode() + body


def single(body: str | bytes, content_type: str = "text/html; charset=utf-8", encoding: str = "") -> Content:
    return of(HEAD + part(body.encode() if isinstance(body, str) else body, content_type, encoding))


def multipart(*parts: bytes, kind: str = "mixed", boundary: str = "b1") -> bytes:
    inner = b"".join(b"--" + boundary.encode() + b"\r\n" + one + b"\r\n" for one in parts)
    return (
        f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
        + inner
        + f"--{boundary}--\r\n".encode()
    )


def page(markup: str) -> tuple[str, str]:
    (text,) = single(markup).texts
    return text.text, text.hidden


# --- texts: charsets and encodings ------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "expected"),
    [
        ("Привет".encode("koi8-r"), "text/plain; charset=koi8-r", "base64", "Привет"),
        ("Grüße".encode("latin-1"), "text/plain; charset=iso-8859-1", "quoted-printable", "Grüße"),
        ("日本語".encode("iso2022_jp"), "text/plain; charset=iso-2022-jp", "", "日本語"),
        ("日本語".encode("shift_jis"), "text/plain; charset=x-sjis", "base64", "日本語"),
        ("中文".encode("gb18030"), "text/plain; charset=gb2312", "base64", "中文"),
        ("한국".encode("cp949"), "text/plain; charset=ks_c_5601-1987", "base64", "한국"),
        ("hi".encode("utf-16"), "text/plain; charset=utf-16", "base64", "hi"),
        (b"Hi +AGE-", "text/plain; charset=utf-7", "", "Hi a"),
        ("Żółć".encode("cp1250"), "text/plain; charset=windows-1250", "base64", "Żółć"),
        ("ü".encode(), "text/plain", "8bit", "ü"),
        (b"\xfc", "text/plain", "8bit", "ü"),
        (b"\x93quoted\x94", "text/plain", "8bit", "“quoted”"),
        ("ü".encode(), "text/plain; charset=us-ascii", "8bit", "ü"),
        ("ü".encode(), "text/plain; charset=no-such-thing", "8bit", "ü"),
        (b"a\xffb", "text/plain; charset=utf-8", "8bit", "a\ufffdb"),
        (b"\xef\xbb\xbfwith a mark", "text/plain; charset=iso-8859-1", "base64", "with a mark"),
        (b"abc", "text/plain; charset=zlib", "", "abc"),
        (b"a=ZZb=\r\nc", "text/plain", "quoted-printable-ish", "a=ZZb=\nc"),
        (b"x" * 10, 'text/plain; charset="utf-8', "", "x" * 10),
        (b"zero\xe2\x80\x8bwidth\xc2\xad", "text/plain; charset=utf-8", "8bit", "zerowidth"),
    ],
)
def test_texts_are_decoded(body: bytes, content_type: str, encoding: str, expected: str) -> None:
    (text,) = single(body, content_type, encoding).texts
    assert text.text.strip() == expected


def test_damaged_base64_is_read_as_programs_do() -> None:
    raw = HEAD + b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naGVs!!bG8\r\n"
    assert of(raw).texts[0].text == "hello"


@pytest.mark.parametrize(
    ("parameters", "body", "expected"),
    [
        ("format=flowed", "A line \nthat goes on.\n\n  quoted\n-- \nSig", "A line that goes on.\n\n quoted\n-- \nSig"),
        ("format=flowed; delsp=yes", "https://a.exam \nple/path", "https://a.example/path"),
        ("format=fixed", "A line \nstays", "A line \nstays"),
    ],
)  # fmt: skip
def test_soft_line_ends_are_none(parameters: str, body: str, expected: str) -> None:
    assert single(body, f"text/plain; {parameters}").texts[0].text.strip() == expected


# --- texts: HTML -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("a &amp; b &lt;c&gt; &#x41;&#66; &euro; &nbsp;x", "a & b <c> AB € x"),
        ("Via<b></b>gra V&#8203;ia&shy;gra", "Viagra Viagra"),
        ("<title>No</title><style>p{}</style><script>no</script>yes<!-- no -->", "yes"),
        ("<head><meta x></head>seen", "seen"),
        ("<head>seen though the head was not ended", "seen though the head was not ended"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("<pre>a\n  b</pre>", "a\nb"),
        ("<img src=x alt='A picture'> here", "A picture here"),
        ("a<noscript>b</noscript>", "ab"),
        ("<textarea>t</textarea><iframe>no</iframe>", "t"),
        ("<![CDATA[no]]>yes", "yes"),
        ("x < y <3 &bogus; & <>", "x < y <3 &bogus; & <>"),
        ("<p title='>'>in</p>", "in"),
        ("<div/>text", "text"),
        ("unfinished <b", "unfinished"),
        ("", ""),
        ("<P>UPPER</P>", "UPPER"),
    ],
)
def test_html_as_it_is_read(markup: str, text: str) -> None:
    assert page(markup) == (text, "")


HIDDEN = [
    "<div style='display:none'>H</div>",
    "<div style='DISPLAY : none !important'>H</div>",
    "<div style='display:/* x */none'>H</div>",
    "<div hidden>H</div>",
    "<span style='visibility:hidden'>H</span>",
    "<span style='font-size:0'>H</span>",
    "<span style='font-size:0px;x:y'>H</span>",
    "<span style='font-size:1px'>H</span>",
    "<span style='opacity:0'>H</span>",
    "<span style='opacity:0.0;'>H</span>",
    "<div style='max-height:0;overflow:hidden'>H</div>",
    "<div style='height:0px; overflow:hidden'>H</div>",
    "<div style='text-indent:-9999px'>H</div>",
    "<div style='position:absolute;left:-9999px'>H</div>",
    "<font color=white>H</font>",
    "<font color='#fefefe'>H</font>",
    "<span style='color:#FFF'>H</span>",
    "<div style='background:#123456'><span style='color:rgb(18, 52, 86)'>H</span></div>",
    "<table bgcolor=black><tr><td><font color=#000>H</font></td></tr></table>",
    "<span style='color:transparent'>H</span>",
    "<style>.x{color:red;display:none}</style><p class='a x'>H</p>",
    "<style>#pre , b{display:none}</style><p id=pre>H</p>",
    "<style>div.x{display:none}</style><div class=x>H</div>",
    "<style>/* {} */ .x { display : none }</style><i class=x>H</i>",
    "<template>H</template>",
    "<div style='display&#58;none'>H</div>",
    "<!--[if mso]>H<![endif]-->",
]


@pytest.mark.parametrize("markup", HIDDEN)
def test_what_is_hidden_is_told_apart(markup: str) -> None:
    assert page(f"before {markup} after") in (
        ("before after", "H"), ("before\n\nafter", "H"), ("before\nafter", "H"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "markup",
    [
        "<div style='display:block'>S</div>",
        "<div style='max-height:0'>S</div>",
        "<div style='overflow:hidden;height:10px'>S</div>",
        "<span style='font-size:10px'>S</span>",
        "<span style='font-size:0.9em'>S</span>",
        "<span style='opacity:0.5'>S</span>",
        "<table bgcolor=black><tr><td><font color=white>S</font></td></tr></table>",
        "<div style='background:url(x.png)'><font color=white>S</font></div>",
        "<div style='background-image:url(x)'><font color=white>S</font></div>",
        "<style>.dark{background:#000}</style><div class=dark><font color=white>S</font></div>",
        "<style>@media (max-width:600px){.x{display:none}}</style><p class=x>S</p>",
        "<style>.x p{display:none}</style><p class=y>S</p>",
        "<p hidden>",  # a paragraph ends where the next begins
        "<ul><li hidden><li>S</ul>",
        "<table><tr><td hidden><td>S</table>",
        "<div hidden></div>",
        "<br hidden>",
        "<mso-hide style='mso-hide:all'>S</mso-hide>",
    ],
)
def test_what_is_seen_is_not_called_hidden(markup: str) -> None:
    text, hidden = page(f"{markup}<p>S</p>")
    assert "S" in text and "S" not in hidden


@pytest.mark.parametrize(
    ("style", "expected"),
    [("display:none", True), ("x-display:none", False), ("width:0;overflow:hidden", True), ("font-size:01px", True),
     ("font-size:10", False), ("opacity:.0", True), ("opacity:0.01", False), ("display:none!important", True)],
)  # fmt: skip
def test_styles(style: str, expected: bool) -> None:
    assert hides(plain(style)) is expected


def test_colours_and_sheets() -> None:
    assert [colour_of(text) for text in ("#abc", "RGB(1,2,3)".lower(), "White", "blueish")] == [
        (170, 187, 204), (1, 2, 3), (255, 255, 255), None,
    ]  # fmt: skip
    sheet = Sheet()
    sheet.read("@import x; .a,p.b{display:none} @media x{.c{display:none}} .d{display:none")
    assert [sheet.hides("p", "", name) for name in "abcd"] == [True, True, False, False]
    assert not sheet.hides("i", "", "b")


# --- links -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("https://a.example/x", "https://a.example/x"),
        ("HTTPS://A.example", "https://A.example"),
        ("  \x01https://a.example\n", "https://a.example"),
        ("ht\ntps://a.ex\tample/", "https://a.example/"),
        ("https:\\\\a.example\\x", "https://a.example/x"),
        ("http:a.example", "http://a.example"),
        ("https:/a.example", "https://a.example"),
        ("https:////a.example/", "https://a.example/"),
        ("//a.example/x", "https://a.example/x"),
        ("\\/a.example/x", "https://a.example/x"),
        ("https://user@a.example:8443/?q=\\#f", "https://user@a.example:8443/?q=\\#f"),
        ("mailto:a@b.example?subject=x", "mailto:a@b.example?subject=x"),
        ("MAILTO:a@b.example", "mailto:a@b.example"),
        ("mailto:", ""),
        ("https://", ""),
        ("https:///", ""),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("cid:x@y", ""),
        ("tel:+1", ""),
        ("/relative", ""),
        ("#top", ""),
        ("", ""),
        ("{{unsubscribe_url}}", ""),
        ("https://" + "a" * 9000, ("https://" + "a" * 9000)[:MOST_URL]),
    ],
)
def test_where_an_address_leads(value: str, url: str) -> None:
    assert address_of(value) == url


def test_relative_ones_have_the_page_s_base() -> None:
    content = single("<base href='https://a.example/dir/'><a href='x?y=1&amp;z'>one</a><a href='//b.example'>two</a>")
    assert [link.url for link in content.links] == ["https://a.example/dir/x?y=1&z", "https://b.example"]
    assert address_of("x", "https://[bad") == ""


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<a href=https://a.example/>Click <b>here</b> <img alt=now></a>", [("https://a.example/", "Click here now")]),
        ("<A HREF='https://a.example/?a=1&amp;b=2'>x</A>", [("https://a.example/?a=1&b=2", "x")]),
        ("<a href='&#104;ttps&colon;//a.example'>x</a>", [("https://a.example", "x")]),
        ("<a href=http://a.example>one<a href=http://b.example>two",
         [("http://a.example", "one"), ("http://b.example", "two")]),
        ("<a href='https://a.example' href='https://b.example'>x</a>", [("https://a.example", "x")]),
        ("<a href=https://a.example><div>on\n two <br>lines</div></a>", [("https://a.example", "on two lines")]),
        ("<a href=https://evil.example>https://bank.example/</a>", [("https://evil.example", "https://bank.example/")]),
        ("<a name=x>https://a.example/seen</a>", [("https://a.example/seen", "https://a.example/seen")]),
        ("text www.a.example. And (http://b.example/x).",
         [("http://www.a.example", "www.a.example"), ("http://b.example/x", "http://b.example/x")]),
        ("<map><area href=https://a.example alt=Area></map>", [("https://a.example", "Area")]),
        ("<svg><a xlink:href=https://a.example>s</a></svg>", [("https://a.example", "s")]),
        ("<!-- <a href=https://a.example>no</a> -->", []),
        ("<script>'<a href=https://a.example>no</a>'</script>", []),
        ("<p title='<a href=https://a.example>'>no</p>", []),
        ("<a href=mailto:x@y.example>write</a>", [("mailto:x@y.example", "write")]),
    ],
)  # fmt: skip
def test_links_have_their_words(markup: str, expected: list[tuple[str, str]]) -> None:
    assert [(link.url, link.words) for link in single(markup).links] == expected


def test_hidden_links_forms_and_those_for_some_programs() -> None:
    content = single(
        "<div hidden><a href=https://a.example>hid</a></div><form action=https://f.example></form>"
        "<!--[if mso]><a href=https://m.example>for some</a><![endif]-->"
    )
    assert [(link.url, link.words, link.hidden, link.form) for link in content.links] == [
        ("https://a.example", "hid", True, False),
        ("https://f.example", "", False, True),
        ("https://m.example", "for some", True, False),
    ]


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("See https://a.example/x, or http://b.example.", ["https://a.example/x", "http://b.example"]),
        ("<https://a.example/x>", ["https://a.example/x"]),
        ("(https://a.example/w_(x))", ["https://a.example/w_(x)"]),
        ("HTTPS://A.EXAMPLE/X!", ["https://A.EXAMPLE/X"]),
        ("write to mailto:a@b.example now", ["mailto:a@b.example"]),
        ("www.a.example and user@www.b.example", ["http://www.a.example"]),
        ("xhttps://a.example", []),
        ("https:// nothing", []),
        ("“https://a.example/”", ["https://a.example/"]),
        ("https://a.example/" + ")" * 2000, ["https://a.example/"]),
        ("nothing here", []),
    ],
)
def test_links_of_plain_text(text: str, urls: list[str]) -> None:
    assert [link.url for link in single(text, "text/plain; charset=utf-8").links] == urls


# --- parts -------------------------------------------------------------------------------


def test_each_branch_and_each_attachment_is_found() -> None:
    raw = HEAD + multipart(
        multipart(
            part(b"plain https://a.example"),
            part(b"<a href=https://b.example>b</a>", "text/html"),
            kind="alternative",
            boundary="b2",
        ),
        part(b"\x89PNG", "image/png", "base64", "Content-ID: <x@y>\r\nContent-Disposition: inline\r\n"),
        part(
            b"PK..",
            'application/zip; name="=?utf-8?Q?=C3=BCber=2Ezip?="',
            "base64",
            "Content-Disposition: attachment\r\n",
        ),
        part(b"attached text", "text/plain", "", 'Content-Disposition: attachment; filename="a.txt"\r\n'),
    )
    content = of(raw)
    assert [text.content_type for text in content.texts] == ["text/plain", "text/html"]
    assert [link.url for link in content.links] == ["https://a.example", "https://b.example"]
    assert [(a.content_type, a.name, a.inline, a.size_octets) for a in content.attachments] == [
        ("image/png", "", True, 4),
        ("application/zip", "über.zip", False, 4),
        ("text/plain", "a.txt", False, 13),
    ]
    assert content.attachments[1].octets() == b"PK.." and content.attachments[1].octets(2) == b"PK"
    assert content.complete and not content.sealed


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="invoice.pdf.exe"', "invoice.pdf.exe"),
        ("attachment; filename*=utf-8''%e2%82%ac.txt", "€.txt"),
        ("attachment; filename*0*=utf-8''%e2%82; filename*1*=%ac.txt", "€.txt"),
        ("attachment; filename*=koi8-r''%f0%d2%c9.txt", "При.txt"),
        ('attachment; filename="=?utf-8?B?4oKsLnR4dA==?="', "€.txt"),
        ('attachment; filename="a\\"b.txt"', 'a"b.txt'),
        ("attachment; filename=../../etc/passwd", "../../etc/passwd"),
        ('attachment; filename="gpj.\u202eexe"', "gpj.\u202eexe"),
        ("attachment", ""),
    ],
)
def test_names_of_attachments(disposition: str, name: str) -> None:
    raw = HEAD + multipart(part(b"t"), part(b"x", "application/x-y", "", f"Content-Disposition: {disposition}\r\n"))
    (attachment,) = of(raw).attachments
    assert attachment.name == name


def test_a_message_inside_is_read_and_is_an_attachment_too() -> None:
    inner = b"Subject: in\r\n" + multipart(
        part(b"inside https://a.example"), part(b"x", "application/pdf", "base64"), boundary="b9"
    )
    content = of(HEAD + multipart(part(b"outside"), part(inner, "message/rfc822")))
    assert [text.text.strip() for text in content.texts] == ["outside", "inside https://a.example"]
    assert [a.content_type for a in content.attachments] == ["message/rfc822", "application/pdf"]
    assert content.attachments[0].octets().startswith(b"Subject: in")
    encoded = of(HEAD + multipart(part(b"outside"), part(inner, "message/rfc822", "base64")))
    assert [link.url for link in encoded.links] == ["https://a.example"]


def test_signed_parts_are_read_and_encrypted_ones_told() -> None:
    signed = HEAD + multipart(part(b"signed"), part(b"sig", "application/pgp-signature"), kind="signed")
    assert [text.text.strip() for text in of(signed).texts] == ["signed"] and not of(signed).sealed
    encrypted = HEAD + multipart(
        part(b"Version: 1", "application/pgp-encrypted"), part(b"...", "application/octet-stream"), kind="encrypted"
    )
    assert of(encrypted).sealed and of(encrypted).texts == ()
    assert single(b"MII", "application/pkcs7-mime", "base64").sealed
    assert single(b"-----BEGIN PGP MESSAGE-----\n\nhQ\n", "text/plain").sealed


@pytest.mark.parametrize("kind", ["mixed", "alternative", "related", "report", "x-unknown"])
def test_nothing_is_overlooked_in_odd_multiparts(kind: str) -> None:
    content = of(HEAD + multipart(part(b"one"), part(b"<p>two", "text/html"), part(b"three", "image/gif"), kind=kind))
    assert len(content.texts) + len(content.attachments) == 3


def test_a_multipart_without_a_boundary_is_an_attachment() -> None:
    content = single(b"--x\r\n\r\nhello\r\n", "multipart/mixed")
    assert (content.texts, [a.content_type for a in content.attachments]) == ((), ["multipart/mixed"])


# --- limits ------------------------------------------------------------------------------


def test_texts_are_bounded() -> None:
    raw = HEAD + multipart(part(b"a" * MOST_TEXT + b"!"), part(b"not reached"))
    content = of(raw)
    assert [len(text.source) for text in content.texts] == [MOST_TEXT] and not content.complete
    content = single(b"a" * (MOST_TEXT + 1), "text/plain", "base64")
    assert len(content.texts[0].text) == MOST_TEXT and not content.complete
    assert single(b"\xc3\xbc" * (MOST_TEXT // 2 + 1), "text/plain", "base64").texts[0].text.startswith("üü")


def test_links_and_their_words_are_bounded() -> None:
    content = single("<a href=http://a.example>x</a>" * (MOST_LINKS + 1))
    assert len(content.links) == MOST_LINKS and not content.complete
    (link,) = single("<a href=http://a.example>" + "word " * 1000).links
    assert len(link.words) == MOST_WORDS
    several = of(HEAD + multipart(*[part(b"www.a.example " * 1500)] * 2))
    assert len(several.links) == MOST_LINKS and not several.complete


def test_messages_inside_each_other_end() -> None:
    raw = part(b"the innermost")
    for _ in range(DEEPEST + 3):
        raw = b"Subject: x\r\n" + part(raw, "message/rfc822")
    content = of(HEAD + raw.removeprefix(b"Subject: x\r\n"))
    assert len(content.attachments) == DEEPEST + 1 and not content.complete
    many = of(HEAD + multipart(*[part(part(b"hi"), "message/rfc822")] * 50))
    assert len(many.texts) == 20 and len(many.attachments) == 50 and not many.complete


BOMBS = {
    "open elements": "<div>" * 50_000,
    "links in links": "<a href=http://x.example>" * 10_000,
    "blanks": " " * 250_000 + "\n",
    "brackets": "http://x.example/" + ")" * 250_000,
    "end tags": "</p>" * 60_000,
    "references": "&" * 250_000,
    "numbers": "&#x" * 80_000,
    "scopes": "<p><table><td>" + "<b>" * 400 + "<div></div>" * 20_000,
    "rules": "<style>" + ".a{display:none}" * 15_000 + "</style>" + ("<p class='" + "x " * 1000 + "'>") * 100,
    "conditions": "<!--[if x]>" * 20_000,
    "less than": "<" * 250_000,
    "attributes": "<a " + "a=b " * 60_000 + ">",
    "a long host": "http://" + "a" * 250_000,
    "addresses": "mailto:x " * 25_000,
    "line ends": "<pre>" + "\n \n" * 80_000,
    "misnested": "<b><i>" * 20_000 + "</b></i>" * 10_000,
    "quotes": '<a href="' * 25_000,
    "styles": "<p style='" + "display:" * 30_000 + "'>",
    "paragraphs": "<p><b>" * 40_000,
    "comments": "<!--" * 60_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_and_stay_in_their_limits(name: str) -> None:
    """Each takes less than a second: steps grow with the length alone, else the suite's time limit ends it."""
    for content_type in ("text/html", "text/plain"):
        content = single(BOMBS[name], content_type)
        content.read()
        assert sum(len(text.source) for text in content.texts) <= MOST_TEXT
        assert len(content.links) <= MOST_LINKS


def test_steps_grow_with_the_length() -> None:
    """Counted, not timed: how many tokens are looked at, and elements for one that a start tag ends."""
    from relay.mail import content_html

    reader = content_html._Reader("<p>" + "<b>" * 3000)
    reader.run()
    assert len(reader._open) <= content_html.MOST_DEPTH + 1


def test_soup_never_fails() -> None:
    rng = random.Random(5)
    words = "< > </ a b = \" ' & # ; style display:none <!-- --> p td <a_href= http://x mailto: \0 é { } <style> [if ]>"
    pieces = [word.replace("_", " ") for word in words.split()] + [" ", "\r\n", "base", "=?utf-8?"]
    charsets = ["utf-8", "utf-16", "iso-2022-jp", "hz", "utf-7", "koi8-r", "big5", "x", "idna", "utf-32", "cp037"]
    for _ in range(400):
        body = "".join(rng.choices(pieces, k=rng.randrange(120))).encode("utf-8", "replace")
        encoding = rng.choice(["", "base64", "quoted-printable", "x-uuencode", "binary"])
        kind = rng.choice(["text/html", "text/plain; format=flowed", "message/rfc822", "text/watch-html"])
        content = single(body, f"{kind}; charset={rng.choice(charsets)}", encoding if rng.random() < 0.5 else "")
        content.read()
        assert all(a.size_octets >= 0 for a in content.attachments) and isinstance(content.sealed, bool)


def test_a_real_library_s_messages_are_read() -> None:
    made = EmailMessage()
    made["From"] = "a@b.example"
    made.set_content("Text ü https://t.example\n")
    made.add_alternative("<p>HTML ü <a href='https://h.example'>go</a></p>", subtype="html")
    made.add_attachment(b"\0\1\2", maintype="application", subtype="octet-stream", filename="daten-ü.bin")
    content = of(made.as_bytes())
    assert [text.text.strip() for text in content.texts] == ["Text ü https://t.example", "HTML ü go"]
    assert [(a.name, a.octets()) for a in content.attachments] == [("daten-ü.bin", b"\0\1\2")]


# --- on demand ---------------------------------------------------------------------------


def test_nothing_is_worked_out_before_it_is_asked_for_and_each_fact_once() -> None:
    content = single("<p>x</p>")
    assert content._texts is None and content._leaves is None and content._attachments is None
    assert content.texts is content.texts and content.links is content.links
    assert content.attachments is content.attachments
    empty = Content()
    assert (empty.texts, empty.links, empty.attachments, empty.complete, empty.sealed) == ((), (), (), True, False)
