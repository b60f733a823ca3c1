"""Whatever a list looks like: who has a word of leaving, bouncing or no consent never agrees unasked (R4)."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Final, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.lists.list_file import Entry, ListError, open_list
from relay.lists.list_words import Said
from tests.unit.test_list_roots import states

_BAD: Final = [words for _, words, meant in states() if meant not in ("agreed", "nothing")]
_GOOD: Final = [words for _, words, meant in states() if meant == "agreed"]
_HEADERS: Final = (
    (
        "Status,status,State,Statut,Estado,Stav,Stan,Olek,Статус,Стан,Состояние,Tila,Állapot,Durum,Stare,"
        "Būsena,Staatus,Info,Zustand,Campo_7,x,Grund,Newsletter,Opt-in,Consent,Einwilligung,Bemerkung,Notes,"
        "Tags,Groups,Группа,Marketing,subscription.state,Uudiskiri,Rassylka,Подписка,Źródło,Extra,Kommentar,"
        "Remarks,Label,Kategorie,Bounce,Unsubscribed,Aktiv,Mailing,Preferences,"
    )
    .rstrip(",")
    .split(",")
)
_BESIDE: Final = ("Name", "City", "Created", "Language", "Total", "Comment", "")
_NAMES: Final = ("Ann", "Bo Lee", "Müller", "Анна", "")


@st.composite
def lists(draw: st.DrawFn) -> tuple[bytes, str]:
    """A list file's octets, and how it may be called; ``gone…@`` have a bad word in one column."""
    columns = ["Email", draw(st.sampled_from(_HEADERS)), *draw(st.lists(st.sampled_from(_BESIDE), max_size=4))]
    order = draw(st.permutations(range(len(columns))))
    good = draw(st.sampled_from(_GOOD))
    people = draw(st.integers(0, 6))
    at = draw(st.integers(0, people))
    rows = []
    for number in range(people + 2):
        gone = number in (at, people + 1)
        word = draw(st.sampled_from(_BAD)) if gone else draw(st.sampled_from((good, "")))
        rest = [draw(st.sampled_from(_NAMES)) for _ in columns[2:]]
        rows.append([f"{'gone' if gone else 'p'}{number}@people.example", word, *rest])
    out = io.StringIO()
    quoting: Literal[0, 1] = csv.QUOTE_ALL if draw(st.booleans()) else csv.QUOTE_MINIMAL
    separator = draw(st.sampled_from(",;\t|"))
    writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator="\r\n")
    if draw(st.integers(0, 9)):
        writer.writerow([columns[i] for i in order])
    writer.writerows([row[i] for i in order] for row in rows)
    text = out.getvalue()
    encoding = draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp1252", "cp1251")))
    try:
        octets = text.encode(encoding)
    except UnicodeEncodeError:
        octets = text.encode("utf-8")
    return octets, draw(st.sampled_from(("list.csv", "export.txt", "members.tsv")))


@given(lists())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_word_of_leaving_never_becomes_a_consent_unasked(made: tuple[bytes, str]) -> None:
    octets, name = made
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(octets)
        try:
            read = list(open_list(path, now=1_700_000_000.0).read())
        except ListError:
            return
    agreed = [
        one
        for one in read
        if isinstance(one, Entry)
        and one.address.canonical.startswith("gone")
        and one.said in (Said.NOTHING, Said.AGREED)
    ]
    assert agreed == []
