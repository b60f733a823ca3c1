"""Documents that no author would write: tags in any order, and tags that mostly nest."""

from __future__ import annotations

import random
import re

# ruff: noqa: E501 - lists are easier to read on few lines
_ALL_NAMES = re.findall(
    r"\S+",
    "a b i font nobr p div span table tbody tr td th caption colgroup col select option optgroup button form ul li dl dd dt"
    " h1 h2 svg math g mi foreignObject desc title mtext object marquee template head body html style textarea noscript"
    " iframe xmp frameset br hr input img details dialog fieldset ruby rp rt pre center article em strong video custom-el",
)
_BITS = [
    *(
        "<!--",
        "-->",
        "<!-->",
        "--!>",
        "<![CDATA[",
        "]]>",
        "<!x",
        "<?x",
        "</",
        "<",
        ">",
        "'",
        '"',
        "&lt",
        "</p>",
        "</br>",
    ),
    *(
        "<b hidden>",
        '<i style="opacity:0">',
        "<a href='>'>",
        '<p title=">',
        "</body>",
        "</html>",
        "<mi/>",
        "<svg/>",
        "<path/>",
    ),
]
_NAMES = re.findall(
    r"\S+",
    "p div table tr td th tbody ul ol li b i a span font h1 h2 center br img hr dl dt dd caption map section form svg"
    " select noscript template html body meta link",
)
TAGS = [
    *(
        "<div class=x>",
        '<p style="margin:-1px">',
        "<td hidden>",
        "<b title='a>b'>",
        '<img src="x" onerror=y>',
        "<a href=x>",
    ),
    *("<i style='width:1px'>", "<body style=display:none>", "<html id=a>", "<p a", "</p", "<LI>", "</UL >", "</br>"),
]
SCRAPS = [
    *(
        "x",
        " ",
        "<",
        "<>",
        "< b",
        "</>",
        "<!--",
        "-->",
        "<!-->",
        "<!x>",
        "<![CDATA[",
        "<?",
        "{{relay_footer}}",
        "{{reason}}",
    ),
    *("<!-- <p> -->", "<style>p{x:y}</style>", "<style>body{opacity:0}", "<title>a<b</title>", "</style>", "</body>"),
]


def soup(chance: random.Random) -> str:
    """Tags in any order, from a few names so that they meet."""
    names = chance.sample(_ALL_NAMES, chance.randint(2, 9))
    pieces = []
    for _ in range(chance.choice([4, 8, 15, 40, 80])):
        name, kind = chance.choice(names), chance.random()
        if kind < 0.5:
            pieces.append(f"<{name}>" if chance.random() < 0.8 else f"<{name} hidden>")
        elif kind < 0.85:
            pieces.append(f"</{name}>")
        else:
            pieces.append(chance.choice(["x", " ", "text", chance.choice(_BITS)]))
    return "".join(pieces)


def nested(chance: random.Random) -> str:
    """Elements that mostly nest, from a few names so that they meet."""
    names, open_names = chance.sample(_NAMES, chance.randint(2, 8)), []
    pieces = []
    for _ in range(chance.choice([4, 10, 25])):
        kind = chance.random()
        if kind < 0.4:
            open_names.append(chance.choice(names))
            pieces.append(f"<{open_names[-1]}>")
        elif kind < 0.75 and open_names:
            pieces.append(f"</{open_names.pop()}>")
        elif kind < 0.8:
            pieces.append(f"</{chance.choice(names)}>")
        else:
            pieces.append(chance.choice([*SCRAPS, *TAGS, "x", "x", "x", "x"] if kind > 0.9 else ["x", " "]))
    return "".join(pieces)
