"""Exports and people's own spreadsheets as they look: an address's name says what must become of its person (R4).

``yes``, ``left``, ``bounced``, ``complained``: so; ``no``: told and no consent; ``asked``: asked about; ``stopped``:
suppressed for any reason; ``out``: anything but a consent, and told. Column names and words are those of the senders'
documentation; the people are made up.
"""

# ruff: noqa: E501, RUF001 - a table; Cyrillic letters are meant here

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from tests.unit.list_fates import fates, new_tenant
from tests.unit.records import open_shop

_PERSON = re.compile(r"\b(yes|left|bounced|complained|no|asked|stopped|out)\d\w?@[a-z]+\.example", re.IGNORECASE)
_SUPPRESSED = {"left", "bounced", "complained", "hand"}
_TOLD = {"no", "asked"}
_ALLOWED = {"no": _TOLD, "stopped": _SUPPRESSED, "out": _TOLD | _SUPPRESSED}

# name of the file, which import, what stands in it, in which encoding, how it writes dates
CASES: list[tuple[str, str, str, str, str]] = [
    (
        "subscribed_email_audience_export_1f2e3d.csv",
        "consent",
        """\
Email Address,First Name,Last Name,Address,Phone Number,Birthday,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS
yes1@people.example,Rick,Hawkins,"1 Main St  Springfield, IL 62701 US",,04/12,2,,,"2015-03-16 14:40:47",203.0.113.7,,,,,,,,"2015-03-16 14:40:47",123,abcdef,,\"\"\"VIP"",""Blog\"\"\"
yes2@people.example,Jo,Lee,,,,4,"2020-02-03 04:05:06",192.0.2.1,"2020-02-03 04:06:00",192.0.2.1,40.7,-74,-5,-4,America/New_York,US,NY,"2021-01-01 00:00:00",124,abcdeg,"Called: unsubscribed from SMS only?",
""",
        "utf-8",
        "",
    ),
    (
        "klaviyo-suppressed.csv",
        "suppression",
        """\
Email,Suppression Reason,Suppression Date
bounced1@people.example,HARD_BOUNCE,2024-02-01
complained2@people.example,SPAM_COMPLAINT,2024-02-01
stopped3@people.example,USER_SUPPRESSED,2024-02-01
left4@people.example,UNSUBSCRIBE,2024-02-01
bounced5@people.example,INVALID_EMAIL,2024-02-01
""",
        "utf-8",
        "",
    ),
    (
        "campaign-monitor-all-subscribers.csv",
        "consent",
        """\
Email Address,Name,State,Date,Consent to Track,Permission to email
yes1@people.example,A,Active,2020-02-02 10:00:00,Yes,Yes
left2@people.example,B,Unsubscribed,2020-02-02 10:00:00,Yes,Yes
no3@people.example,C,Unconfirmed,2020-02-02 10:00:00,Unchanged,
bounced4@people.example,D,Bounced,2020-02-02 10:00:00,No,Yes
no5@people.example,E,Deleted,2020-02-02 10:00:00,,
yes6@people.example,F,Active,2020-02-02 10:00:00,No,Yes
""",
        "utf-8",
        "",
    ),
    (
        "cm-suppression-list.csv",
        "suppression",
        """\
EmailAddress,SuppressionReason,State,Date
left1@people.example,Unsubscribed,Suppressed,2020-02-02 10:00:00
bounced2@people.example,Bounced,Suppressed,2020-02-02 10:00:00
complained3@people.example,MarkedAsSpam,Suppressed,2020-02-02 10:00:00
stopped4@people.example,AddedManually,Suppressed,2020-02-02 10:00:00
""",
        "utf-8",
        "",
    ),
    (
        "mautic-contacts.csv",
        "consent",
        """\
id,email,firstname,points,stage,doNotContact_email,dnc_reason,dateIdentified,preferred_channel
1,yes1@people.example,A,10,Lead,0,,2024-02-03 04:05:06,email
2,left2@people.example,B,10,Lead,1,Unsubscribed,2024-02-03 04:05:06,email
3,bounced3@people.example,C,10,Lead,1,Bounced,2024-02-03 04:05:06,sms
4,out4@people.example,D,10,Lead,1,Manual,2024-02-03 04:05:06,sms
""",
        "utf-8",
        "",
    ),
    (
        "zoho-campaigns.csv",
        "consent",
        """\
Contact Email,First Name,Contact Status,Contact Type,Topic,Added Time,Source
yes1@people.example,A,Active,Marketing,News,"Feb 03, 2023 04:05 AM",Signup form
left2@people.example,B,Unsubscribed,Marketing,News,"Feb 03, 2023 04:05 AM",Signup form
bounced3@people.example,C,Bounce,Marketing,News,"Feb 03, 2023 04:05 AM",Signup form
complained4@people.example,D,Spam,Marketing,News,"Feb 03, 2023 04:05 AM",Signup form
left5@people.example,E,Do not mail,Marketing,News,"Feb 03, 2023 04:05 AM",Signup form
no6@people.example,F,Non-marketing,Non-Marketing,News,"Feb 03, 2023 04:05 AM",Signup form
""",
        "utf-8",
        "",
    ),
    (
        "unione-suppression.csv",
        "suppression",
        """\
email,cause,source,is_deletable,created
left1@people.example,unsubscribed,user,true,2023-10-06 22:59:56
bounced2@people.example,permanent_unavailable,system,false,2023-10-06 22:59:56
complained3@people.example,complained,system,false,2023-10-06 22:59:56
stopped4@people.example,blocked,system,false,2023-10-06 22:59:56
stopped5@people.example,temporary_unavailable,system,false,2023-10-06 22:59:56
""",
        "utf-8",
        "",
    ),
    (
        "sendpulse-ua.csv",
        "consent",
        """\
Email;Ім'я;Статус;Дата додавання;Телефон
yes1@people.example;Анна;Активний;03.02.2023 04:05;
left2@people.example;Богдан;Відписався;03.02.2023 04:05;
no3@people.example;Віра;Не підтверджено;03.02.2023 04:05;
bounced4@people.example;Гнат;Недійсна адреса;03.02.2023 04:05;
complained5@people.example;Дана;Поскаржився на спам;03.02.2023 04:05;
no6@people.example;Єва;Новий;03.02.2023 04:05;
""",
        "utf-8",
        "",
    ),
    (
        "rapidmail-recipients.csv",
        "consent",
        """\
email;firstname;lastname;gender;status;created;activated;foreign_id
yes1@people.example;A;A;m;active;2023-02-03 04:05:06;2023-02-03 04:06:06;
no2@people.example;B;B;f;new;2023-02-03 04:05:06;;
bounced3@people.example;C;C;f;bounced;2023-02-03 04:05:06;2023-02-03 04:06:06;
left4@people.example;D;D;f;deleted/unsubscribed;2023-02-03 04:05:06;2023-02-03 04:06:06;
complained5@people.example;E;E;f;abused;2023-02-03 04:05:06;2023-02-03 04:06:06;
""",
        "utf-8",
        "",
    ),
    (
        "brevo-fr.csv",
        "consent",
        """\
EMAIL;NOM;PRENOM;Blocklisté e-mail;Blocklisté SMS;Raison;Date d'ajout;Inscrit
yes1@people.example;É;A;Non;Oui;;03/02/2023;Oui
left2@people.example;B;B;Oui;Non;Désinscription par le contact;03/02/2023;Oui
bounced3@people.example;C;C;Oui;Non;Rebond définitif;03/02/2023;Oui
complained4@people.example;D;D;Oui;Non;Plainte pour spam;03/02/2023;Oui
no5@people.example;E;E;Non;Non;;03/02/2023;Non
""",
        "cp1252",
        "dmy",
    ),
    (
        "brevo-es.csv",
        "consent",
        """\
CORREO;NOMBRE;En lista negra;Motivo;Fecha de alta;Suscrito;Acepta SMS
yes1@people.example;Núñez;No;;13/02/2023;Sí;No
left2@people.example;B;Sí;Baja voluntaria;13/02/2023;No;Sí
bounced3@people.example;C;Sí;Rebote duro;13/02/2023;No;Sí
no4@people.example;D;No;;13/02/2023;No;Sí
""",
        "utf-8",
        "",
    ),
    (
        "eesti-staatus.csv",
        "consent",
        """\
Nimi,E-post,Staatus,Lisatud
Mari,yes1@people.example,aktiivne,2023-02-13
Jaan,left2@people.example,loobunud,2023-02-13
Tiit,no3@people.example,kinnitamata,2023-02-13
Anu,bounced4@people.example,põrkunud,2023-02-13
Peep,left5@people.example,uudiskirjast lahkunud,2023-02-13
""",
        "utf-8",
        "",
    ),
    (
        "contacts.csv",
        "consent",
        """\
First Name,Middle Name,Last Name,Nickname,Notes,Photo,Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value
A,,A,,,,* myContacts,* Home,yes1@people.example,Work,no1b@work.example,,
B,,B,,"two
lines",,* myContacts ::: newsletter,Home,yes2@people.example,,,,
C,,C,,,,* myContacts,Home,no3@people.example ::: no3b@people.example,,,,
D,,D,,,,* myContacts ::: unsubscribed,Home,left4@people.example,,,,
""",
        "utf-8",
        "",
    ),
    (
        "totals.csv",
        "consent",
        """\
Newsletter list March;;;
Exported 13.05.2024 by Anna;;;
;;;
Nr;Name;E-Mail;Newsletter ok?
1;A;yes1@people.example;x
2;B;no2@people.example;
3;C;yes3@people.example;X
Total;3;;2
""",
        "utf-8",
        "",
    ),
    (
        "own-sheet.csv",
        "consent",
        """\
Who,Contact,Since,Status,Remarks
Ann,no1@people.example,May 2023,ok,
Bob,asked2@people.example,May 2023,wants out,
Cy,bounced3@people.example,May 2023,dead address,
Di,left4@people.example,May 2023,left,
Ed,no5@people.example,May 2023,OK,
Fi,no6@people.example,May 2023,not yet asked,
Gus,asked7@people.example,May 2023,blue,
""",
        "utf-8",
        "",
    ),
    (
        "own-sheet-remarks.csv",
        "consent",
        """\
Name,Email,Remarks
Ann,yes1@people.example,nice lady
Bob,out2@people.example,UNSUBSCRIBED 12.5.
Cy,out3@people.example,please remove from list
Di,out4@people.example,bounced twice
Ed,yes5@people.example,
""",
        "utf-8",
        "",
    ),
    (
        "gdpr.csv",
        "consent",
        """\
Email,GDPR consent,GDPR consent date,Marketing emails,Telefonmarketing,Do Not Mail,Do Not Call
yes1@people.example,Yes,2023-02-13,Yes,No,No,Yes
no2@people.example,No,,Yes,Yes,No,No
no3@people.example,Yes,2023-02-13,No,Yes,No,No
left4@people.example,Yes,2023-02-13,Yes,No,Yes,No
yes5@people.example,Yes,2023-02-13,Yes,,,
""",
        "utf-8",
        "",
    ),
    (
        "doi.csv",
        "consent",
        """\
E-Mail;Anmeldung;DOI bestätigt;DOI-Zeitpunkt;DOI-IP;Status
yes1@people.example;13.02.2023;ja;13.02.2023 10:11;192.0.2.1;angemeldet
no2@people.example;13.02.2023;nein;;;angemeldet
left3@people.example;13.02.2023;ja;13.02.2023 10:11;192.0.2.1;ausgetragen
no4@people.example;13.02.2023;ausstehend;;;angemeldet
""",
        "utf-8",
        "",
    ),
    (
        "dynamics.csv",
        "consent",
        """\
(Do Not Modify) Contact,Full Name,Email,Do not allow Emails,Do not allow Bulk Emails,Do not allow Phone Calls,Status,Send Marketing Materials,Created On
g1,A,yes1@people.example,Allow,Allow,Do Not Allow,Active,Send,2/13/2023 4:05 PM
g2,B,left2@people.example,Do Not Allow,Allow,Allow,Active,Send,2/13/2023 4:05 PM
g3,C,left3@people.example,Allow,Do Not Allow,Allow,Active,Send,2/13/2023 4:05 PM
g4,D,out4@people.example,Allow,Allow,Allow,Active,Do Not Send,2/13/2023 4:05 PM
g5,E,no5@people.example,Allow,Allow,Allow,Inactive,Send,2/13/2023 4:05 PM
""",
        "utf-8",
        "",
    ),
    (
        "salesforce-report.csv",
        "consent",
        """\
"Contact ID","First Name","Email","Email Opt Out","Fax Opt Out","Do Not Call","Email Bounced Reason","Email Bounced Date","Lead Status"
"003","A","yes1@people.example","0","1","1","","","Open - Not Contacted"
"004","B","left2@people.example","1","0","0","","","Working - Contacted"
"005","C","bounced3@people.example","0","0","0","550 5.1.1 User unknown","2/13/2024","Closed - Not Converted"

"Grand Totals (3 records)"
"Confidential Information - Do Not Distribute"
"Copyright (c) 2000-2024 Example, inc. All rights reserved."
""",
        "utf-8",
        "",
    ),
    (
        "google-form.csv",
        "consent",
        """\
Timestamp,Email Address,Möchten Sie unseren Newsletter erhalten?,Dürfen wir Sie anrufen?
13/05/2024 10:11:12,yes1@people.example,"Ja, gern",Nein
13/05/2024 10:11:12,no2@people.example,"Nein, danke",Ja
13/05/2024 10:11:12,yes3@people.example,Ja,Ja
""",
        "utf-8",
        "",
    ),
    (
        "shopify_customers_export.csv",
        "consent",
        """\
Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tax Exempt,Tags
'1,A,A,yes1@people.example,yes,,,no,10.00,1,,no,newsletter
'2,B,B,no2@people.example,no,,'+372555,yes,10.00,1,,no,
'3,C,C,yes3@people.example,yes,,,no,10.00,1,,yes,"prospect, unsubscribed-sms"
""",
        "utf-8",
        "",
    ),
    (
        "nopcommerce.txt",
        "consent",
        """\
yes1@people.example,True,1
no2@people.example,False,1
yes3@people.example,true,1
""",
        "utf-8",
        "",
    ),
    (
        "french-own.csv",
        "consent",
        """\
Courriel;Nom;Consentement newsletter;Consentement SMS;Désinscrit le;RGPD
yes1@people.example;A;oui;non;;oui
no2@people.example;B;non;oui;;oui
left3@people.example;C;oui;oui;13/05/2024;oui
no4@people.example;D;oui;oui;;non
""",
        "utf-8",
        "",
    ),
    (
        "hubspot-crm-export.csv",
        "consent",
        """\
Record ID,First Name,Email,Marketing contact status,Unsubscribed from all email,Opted out of email: Newsletter,Email hard bounce reason,Lead Status,Lifecycle Stage,Legal basis for processing contact's data,Create Date
1,A,yes1@people.example,Marketing contact,No,No,,New,Subscriber,Freely given consent from contact,2023-02-13 04:05
2,B,left2@people.example,Marketing contact,Yes,No,,New,Lead,,2023-02-13 04:05
3,C,left3@people.example,Marketing contact,No,Yes,,New,Lead,,2023-02-13 04:05
4,D,bounced4@people.example,Marketing contact,No,No,UNKNOWN_USER,New,Lead,,2023-02-13 04:05
5,E,no5@people.example,Non-marketing contact,No,No,,Unqualified,Customer,,2023-02-13 04:05
""",
        "utf-8",
        "",
    ),
    (
        "gumroad-followers.csv",
        "consent",
        """\
Email,Followed at,Confirmed at
yes1@people.example,2023-02-13 04:05:06 UTC,2023-02-13 04:07:06 UTC
no2@people.example,2023-02-13 04:05:06 UTC,
""",
        "utf-8",
        "",
    ),
    (
        "acymailing.csv",
        "consent",
        """\
"email","name","active","confirmed","creation_date","listids","liststatus","unsubdate"
"yes1@people.example","A","1","1","2023-02-13 04:05:06","1","1",""
"no2@people.example","B","1","0","2023-02-13 04:05:06","1","1",""
"no3@people.example","C","0","1","2023-02-13 04:05:06","1","1",""
"left4@people.example","D","1","1","2023-02-13 04:05:06","1","-1","2024-02-13 04:05:06"
""",
        "utf-8",
        "",
    ),
    (
        "typo3-luxletter.csv",
        "consent",
        """\
uid;email;name;module_sys_dmail_newsletter;module_sys_dmail_html;hidden;deleted
1;yes1@people.example;A;1;1;0;0
2;no2@people.example;B;0;1;0;0
3;no3@people.example;C;1;1;1;0
4;no4@people.example;D;1;1;0;1
""",
        "utf-8",
        "",
    ),
    (
        "civicrm2.csv",
        "consent",
        """\
"Contact ID","Display Name","Email","On Hold","Hold Date","No Bulk Emails (User Opt Out)","Do Not Email","Do Not Phone","Do Not SMS","Deceased"
"1","A","yes1@people.example","No","","No","No","Yes","Yes","No"
"2","B","out2@people.example","On Hold Bounce","2024-02-13","No","No","No","No","No"
"3","C","left3@people.example","No","","Yes","No","No","No","No"
"4","D","left4@people.example","No","","No","Yes","No","No","No"
"5","E","no5@people.example","No","","No","No","No","No","Yes"
""",
        "utf-8",
        "",
    ),
    (
        "raisers-edge.csv",
        "consent",
        """\
Constituent ID,Name,Email Address,Requests no email,Has no valid addresses,Deceased,Do not call
1,A,yes1@people.example,No,No,No,Yes
2,B,left2@people.example,Yes,No,No,No
3,C,no3@people.example,No,No,Yes,No
""",
        "utf-8",
        "",
    ),
    (
        "smaily-et.csv",
        "consent",
        """\
e-post;nimi;tellimus aktiivne;liitumise aeg;lahkumise aeg;lahkumise põhjus
yes1@people.example;Mari;1;2023-02-13 04:05:06;;
left2@people.example;Jüri;0;2023-02-13 04:05:06;2024-02-13 04:05:06;ei huvita
no3@people.example;Ott;0;2023-02-13 04:05:06;;
""",
        "utf-8",
        "",
    ),
    (
        "verein.csv",
        "consent",
        """\
Mitgliedernummer;Name;E-Mail;Rundschreiben per E-Mail;Rundschreiben per Post;Eintritt;Austritt;Geburtsdatum
1;Änne;yes1@people.example;ja;nein;01.05.2001;;12.04.1960
2;Bernd;no2@people.example;nein;ja;01.05.2001;;
3;Cora;out3@people.example;ja;nein;01.05.2001;31.12.2023;
4;Dirk;yes4@people.example;ja;ja;01.05.2001;;24.12.
""",
        "cp1252",
        "",
    ),
    (
        "asso-fr.csv",
        "consent",
        """\
Nom;Prénom;Mél;Souhaite recevoir la lettre d'information;Accord SMS;Adhésion;Refus e-mail
A;A;yes1@people.example;Oui;Non;à jour;
B;B;no2@people.example;Non;Oui;à jour;
C;C;out3@people.example;Oui;Oui;à jour;X
D;D;no4@people.example;;Oui;expirée;
""",
        "cp1252",
        "",
    ),
    (
        "school.csv",
        "consent",
        """\
Child,Parent 1 email,Parent 1 name,Newsletter?,Photo consent,Text messages OK?
Kim,yes1@people.example,A,Y,N,N
Lee,no2@people.example,B,N,Y,Y
Max,yes3@people.example,C,Y,,Y
""",
        "utf-8",
        "",
    ),
    (
        "church.csv",
        "consent",
        """\
Household,Email,E-newsletter,Paper newsletter,Status,Notes
Smith,yes1@people.example,Yes,No,Member,
Jones,no2@people.example,No,Yes,Member,
Brown,asked3@people.example,Yes,No,Visitor,
Green,out4@people.example,Yes,No,Moved away,no longer wants emails
""",
        "utf-8",
        "",
    ),
    (
        "survey-monkey.csv",
        "consent",
        """\
Respondent ID,Collector ID,Start Date,Email Address,May we contact you by email?,May we contact you by phone?
Response,,,Open-Ended Response,Response,Response
1,9,05/13/2024 10:11:12 AM,yes1@people.example,Yes,No
2,9,05/13/2024 10:11:12 AM,no2@people.example,No,Yes
""",
        "utf-8",
        "",
    ),
    (
        "newsletter2go.csv",
        "consent",
        """\
"E-Mail";"Vorname";"DOI Datum";"Abmeldedatum";"Bounce-Typ";"Blacklist"
"yes1@people.example";"A";"13.02.2023 04:05";"";"";"0"
"left2@people.example";"B";"13.02.2023 04:05";"14.05.2024 04:05";"";"0"
"bounced3@people.example";"C";"13.02.2023 04:05";"";"hard";"0"
"left4@people.example";"D";"13.02.2023 04:05";"";"";"1"
""",
        "utf-8",
        "",
    ),
    (
        "acumbamail-es.csv",
        "consent",
        """\
Email;Nombre;Estado;Fecha de alta
yes1@people.example;A;Activo;13/02/2023
left2@people.example;B;Dado de baja;13/02/2023
bounced3@people.example;C;Hard bounce;13/02/2023
complained4@people.example;D;Queja;13/02/2023
no5@people.example;E;Sin verificar;13/02/2023
""",
        "utf-8",
        "",
    ),
    (
        "klient-ru.csv",
        "consent",
        """\
Клиент;Эл. почта;Рассылка;СМС;Комментарий
А;yes1@people.example;+;-;
Б;out2@people.example;-;+;
В;out3@people.example;+;;просил больше не писать, отписать
""",
        "utf-8",
        "",
    ),
    (
        "leadpages.csv",
        "consent",
        """\
Email Address,GDPR Consent: Marketing Emails,GDPR Consent: Direct Mail,GDPR Consent: Customized Online Advertising,Date Captured
yes1@people.example,Y,N,N,2023-02-13
no2@people.example,N,Y,Y,2023-02-13
""",
        "utf-8",
        "",
    ),
    (
        "ticks.csv",
        "consent",
        """\
Name,Mail,Send newsletter?
A,yes1@people.example,+
B,no2@people.example,-
C,yes3@people.example,✓
D,no4@people.example,
""",
        "utf-8",
        "",
    ),
]


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    return open_shop(tmp_path_factory.mktemp("exports") / "relay.db")


@pytest.mark.parametrize(("name", "kind", "text", "encoding", "dates"), CASES, ids=[case[0] for case in CASES])
def test_what_the_file_says_of_a_person_counts(
    conn: sqlite3.Connection, tmp_path: Path, name: str, kind: str, text: str, encoding: str, dates: str
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    found = fates(conn, path, kind, tenant=new_tenant(conn, name), dates=dates)
    people = {person[0].lower(): person[1].lower() for person in _PERSON.finditer(text)}
    assert len(people) > 1
    wrong = {
        person: (wanted, found.get(person, "lost"))
        for person, wanted in people.items()
        if found.get(person, "lost") not in _ALLOWED.get(wanted, {wanted})
    }
    assert wrong == {}
