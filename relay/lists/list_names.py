"""Names of columns as programs that keep lists write them, in the languages that lists come in. Pure.

Compared in one spelling (``list_words.plain``).
"""

# ruff: noqa: RUF001 - Turkish letters are meant here

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from relay.lists.list_root_table import Idea
from relay.lists.list_roots import bad_name, ideas_in
from relay.lists.list_words import plain


def _names(*lines: str) -> frozenset[str]:
    """In one spelling, and the same written together."""
    names = {plain(name) for line in lines for name in line.split(",")}
    return frozenset(names | {name.replace(" ", "") for name in names})


EMAIL: Final = _names(
    "邮箱,电子邮箱,电子邮件,邮件地址,電子郵件,電郵,信箱",
    "メール,メールアドレス,이메일,이메일 주소,البريد الإلكتروني,דוא״ל,אימייל",
    "email,e-mail,mail,email address,e-mail address,emails,address,subscriber,mail address,recipient,recipient email",
    "email id,e mails,to,user email,contact email,subscriber email,customer email,primary email,bounced address",
    "email recipient,recipient address,bounced recipient,destination,member,member email,rcpt,rcpt to",
    "user name email",
    "username,login email,work email,personal email,home email,billing email,e-mail 1 - value,email 1",
    "e-mail 1,mailbox",
    "e-mail-adresse,emailadresse,mailadresse,e-mailadresse,mail-adresse,empfänger,adresse",
    "courriel,adresse e-mail,adresse email,adresse mail,adresse électronique,adresse courriel,mél",
    "adresse de courriel",
    "correo,correo electrónico,dirección de correo,dirección de correo electrónico,email del contacto",
    "dirección,e-correo",
    "correo electronico,dirección email",
    "почта,эл. почта,электронная почта,адрес,e-mail адрес,адрес электронной почты,электронный адрес,имейл,емейл",
    "адрес email,почтовый адрес,эл адрес,email адрес",
    "пошта,ел. пошта,електронна пошта,адреса,адреса електронної пошти,електронна адреса,імейл,адреса email",
    "e-post,epost,e-posti aadress,meil,meiliaadress,e-maili aadress,aadress,e-mailiaadress,meili aadress",
    "epostiaadress",
    "e-mailadres,indirizzo email,indirizzo e-mail,endereço de e-mail,endereço de email,adres e-mail,sähköposti",
    "e-postadress,e-postadresse,email-cím",
)
_LIKE_EMAIL: Final = re.compile(
    r"\be ?mail(?: ?address(?:es)?)?(?: \d+)?(?: (?:value|address))?$|\b(?:email|e mail)s? \d+\b|\bemail address\b"
    r"|^(?:e mail|email) \d address$|(?:эл|ел|электрон\w*|електрон\w*)\w* (?:почта|пошта|адрес\w*)"
    r"|\be ?post\b|courriel|^correo\b"
)
_NOT_EMAIL: Final = re.compile(
    r"opt|consent|market|stat|type|label|display|accept|subscri|bounce|domain|provider|sent|стат|дата|date|time|count"
    r"|согл|подп|доступ|підп|hash|estado|etat|tuup|тип|\bid$|md5|verified|confirm|valid|block|black|disabled|allow"
    r"|newsletter|\bnot?\b|unsub|suppress|spam|complain|active|deleted|archiv|exclu|reject|left|валид|валід"
)
OWNERS: Final = _names(
    "from,sender,owner,contact owner,list owner,account owner,created by,updated by,added by,agent",
    "assigned to,reply to",
    "from email,from address,sender email,owner email,modified by,last modified by,user,source email,imported by",
    "record owner,lead owner,sales rep,account manager,referrer,referred by,referrer email,mail from,return path",
    "orig,originator,originating address,postmaster,campaign from,envelope from,invited by",
)
"""Columns with addresses of people who are not the person of the line."""

CONFIRMED: Final = _names(
    "confirm_time,confirmed at,confirmed on,confirmation date,confirmation time,confirm date,confirmed date",
    "double opt-in date,double opt in at,double optin date,double opt-in time,doi date,confirmation timestamp",
    "opt in confirm date,optin confirmed at,date confirmed,confirmed time,double_opt-in_date,opt in confirmed date",
    "bestätigt am,bestätigungsdatum,date de confirmation,confirmé le,fecha de confirmación,дата подтверждения",
    "дата підтвердження,kinnitamise kuupäev,kinnitatud kell,doi datum,activated,activated at,activation date",
    "aktiviert",
    "email verified at,email confirmed at,aktiviert am,verified at,verified date,doi at,doi zeitpunkt",
    "дата активации,aktiveeritud",
)
_GIVEN: Final = _names(
    "given_at,given at,consent_at,consent date,consent time,consented at,consent given at,email consent date",
    "opt-in date,optin_time,opt in time,optin date,opt-in at,opted in at,opt in timestamp,optin timestamp,optin at",
    "consent timestamp,email marketing consent timestamp,email consent timestamp,email marketing consent updated at",
    "marketing consent date,gdpr consent date,accepts marketing updated at,email marketing consent date",
    "дата согласия,дата згоди,nõusoleku kuupäev,datum der einwilligung,einwilligungsdatum,einwilligung am",
    "date de consentement,date du consentement,fecha de consentimiento,nõusoleku aeg,время согласия,opted in date",
)
_SUBSCRIBED: Final = _names(
    "submit date,submitted at,submission date,submission time,date submitted,submitted on,submit time",
    "date de soumission,fecha de envío,eingereicht am,gesendet am,дата отправки,esitamise aeg,esitatud,completed at",
    "at,subscribed_at,subscribed at,subscribed on,subscribe date,subscribed date,subscription date,date subscribed",
    "subscription time,subscribe time,signup date,sign up date,sign-up date,signup time,signed up at",
    "signed up,signup at",
    "subscribed time,date,subscription created at,timestamp,time,datetime,date of subscription",
    "subscriptiondate",
    "отметка времени,позначка часу,zeitstempel,horodateur,marca temporal,ajatempel,tijdstempel,data iscrizione",
    "informazioni cronologiche,carimbo de data hora,carimbo de data/hora,sygnatura czasowa,tidstämpel,tidsstempel",
    "aikaleima,časová značka,časová pečiatka,időbélyeg,marcaj de timp,marcă temporală,marcă de timp,zaman damgası",
    "laikspiedols,laiko žyma,χρονική σήμανση,клеймо за време,vremenska oznaka,časovni žig,marca de temps",
    "data zapisu",
    "subscribed since,date time,signup timestamp,sign up time,date signed up,date of signup,subscribed datetime",
    "дата,дата подписки,время подписки,дата підписки,час підписки,kuupäev,liitumise kuupäev,liitumise aeg,liitus",
    "tellimise kuupäev,datum,anmeldedatum,angemeldet am,anmeldung am,eintragungsdatum,fecha,fecha de suscripción",
    "fecha de alta,suscrito el,date d'inscription,inscrit le,date d'abonnement,abonné le,date inscription",
)
_LISTED: Final = _names(
    "on_list_since",
    "created_at,created,created on,created date,create date,date created,creation date,date added,added,added at",
    "added on,add date,add time,added time,added date,contact created,customer since,member since",
    "registered,registered at",
    "registration date,date registered,user registered,date joined,joined,joined at,join date",
    "imported at,list join date",
    "contact creation date,createdat,first added,since,profile created on,created time,date d'ajout,date de création",
    "créé le,ajouté le,erstellt,erstellt am,hinzugefügt am,hinzugefügt,erstelldatum,fecha de creación",
    "creado,creado el",
    "fecha de registro,añadido,дата создания,создан,дата добавления,добавлен,дата регистрации",
    "дата створення,створено",
    "дата додавання,додано,дата реєстрації,lisatud,lisamise kuupäev,loodud,loomise kuupäev,registreerimise kuupäev",
    "registreeritud",
)
TIMES: Final = {
    **dict.fromkeys(_LISTED, 0),
    **dict.fromkeys(_SUBSCRIBED, 2),
    **dict.fromkeys(_GIVEN, 1),
    **dict.fromkeys(CONFIRMED, 0),
    **{plain("confirm_ip"): 0, plain("optin_ip"): 1},
}
"""Of several columns the one that proves best goes first: a confirmation before a consent before a sign-up."""

_OTHER_TIMES: Final = re.compile(
    r"\b(?:last|latest|recent|updat|modif|chang|edit|open|click|visit|seen|log ?in|order|purchas|buy|paid|pay"
    r"|birth|born"
    r"|expir|until|unsub|bounc|delet|remov|cancel|sent|send|next|event|start|end|due|activity|renew|trial)|\bout\b"
    r"|geburt|letzt|geandert|aktualis|bestell|kauf|versand|austritt|abmeld|gesperrt|loschung|dernier|mise a jour"
    r"|naissance|commande|achat|envoi|desinscri|desabonn|ultim|actualiz|nacim|compra|pedido|baja|enviado|послед"
    r"|измен|обновл|рожд|заказ|покуп|отпис|удал|останн|змін|оновл|народ|замовл|відпис|видал|viimane|viimati"
    r"|muudet|muutmis|uuendat|sunn|\bost|lahku|loobu|kustut|saadet|event|reminder|appointment|termin\b|booking"
)
_SIGNED: Final = re.compile(
    r"opted in|inschrij|ingeschr|aanmeld|tilmeld|pameld|anmal|zapis|iscriz|prenum|feliratk|prihlas"
    r"|\babo\b|fertigstell|abgeschlossen|completion|завершен|lopeta|submi|entry|respon|complet|sign|subscri"
    r"|opt ?in|consent|agree|permission|enrol|anmeld|eingetrag|eintrag"
    r"|einwillig|zustimm|abonn|inscri|suscri|consenti|acept|подпис|подач|заполн|согла|ответ|відповід|заповн|підпис"
    r"|згод|tellimi|liitu|nous|vastami|esita|taitmi|answer|antwort|reponse|respuesta"
)
_PUT: Final = re.compile(
    r"aangemaakt|toegevoegd|skapad|oprett|opprett|lisatty|luotu|utworz|vytvor|izveid|creat|add|regist|join"
    r"|import|creation|создан|добавл|регистр|створ|додан|реестр|lisa|lood|loomi|erstell|angelegt"
    r"|hinzugef|erfass|\bcree?|ajout|enregist|\bcrea|anad|\balta|registro|member since|customer since|seit"
)


_MAILED: Final = re.compile(
    r"newsletter (?:date|datum|since|seit|from|ab|am|on|time)\Z|(?:date|datum|дата) (?:de |der "
    r"|du )?(?:newsletter|рассыл|розсил)"
)
"""Whoever has a date there gets it since then."""
_MAILING: Final = re.compile("newsletter|mailing|рассыл|розсил|uudiskir|infolettre|boletin|nieuwsbrief|nyhetsbrev")


def time_of(name: str) -> str:
    """What a column of nothing but times (``plain``) is, by a part of its name; empty: of something else."""
    if _OTHER_TIMES.search(name) is not None or bad_name(name):
        return ""
    if (
        Idea.ON in ideas_in(name)
        or _MAILED.match(name)
        or (_MAILING.search(name) is not None and _PUT.search(name) is not None)
    ):
        return "at"
    return "at" if _SIGNED.search(name) is not None else "listed" if _PUT.search(name) is not None else ""


_FORM: Final = frozenset(
    _names(
        "form name,form id,form,form title,submission id,response id,respondent id,network id,response type,entry id",
        "tranid,approval status,registration source,formular,formulaire,formulario",
        "форма,название формы,назва форми,vorm",
    )
)
_ASKED: Final = re.compile(
    r"\?\s*\Z|\A(?:i|we|yes|may|would|do you|can|ja|ich|wir|oui|je|j|quiero|deseo|acepto|autorizo|да|хочу|я|согласен"
    r"|согласна|так|бажаю|погоджуюс\w*|jah|soovin|noustun|voglio|desidero|acconsento|sim|quero|ik|tak|chce|wyrazam)\b"
)


def is_form(names: Sequence[str], questions: Sequence[str]) -> bool:
    """Do the columns (``plain``) and the questions (as they stand) say that these are answers to a form?

    Then the time of an answer is that of the consent in it.
    """
    return not _FORM.isdisjoint(names) or any(_ASKED.search(question.casefold()) for question in questions)


_SENT: Final = frozenset(
    _names(
        "end date,end time,ended at,ended,end date utc,sent,sent at,sent on,отправлено",
        "надіслано,gesendet,envoyé,enviado,saadetud",
    )
)


def is_sent(name: str) -> bool:
    """Is a column (``plain``) of a form's answers called the time when they were sent in?"""
    return name in _SENT


_CONFIRMING: Final = re.compile("confirm|bestatig|подтвержд|підтвердж|kinnit|activat|verif")


_CONSENTED: Final = re.compile(
    r"(?:\w+ )?opted ?in\Z|(?:(?:\w+ )*consent(?: given| granted)?|(?:\w+ )?opted ?in|consented|agreed)"
    r"(?: (?:at|on|date|time"
    r"|datetime|timestamp))+\Z"
)


def confirms(name: str) -> bool:
    """Would times in a column (``plain``) be those of confirmations?"""
    return name in CONFIRMED or _CONSENTED.match(name) is not None or _CONFIRMING.search(name) is not None


_AGREES: Final = re.compile(r"(?:subscribed|opted in|consented|signed up) (?:at|on)\Z")


def agrees(name: str) -> bool:
    """Would times in a column (``plain``) be those of sign-ups: ``subscribed_at``?"""
    return _AGREES.match(name) is not None


def time_rank(name: str) -> int:
    """Of several columns of times (``plain``) the lowest is the best evidence."""
    return TIMES.get(name, 0 if _CONFIRMING.search(name) else 1)


_NAMES: Final = {
    **dict.fromkeys(EMAIL, "email"),
    **dict.fromkeys(_LISTED, "listed"),
    **dict.fromkeys(CONFIRMED | _GIVEN | _SUBSCRIBED, "at"),
    **dict.fromkeys(
        _names(
            "ip,ip_address,ip address,optin_ip,opt-in ip,confirm_ip,signup ip,sign up ip,subscribe ip,consent ip",
            "ip-адрес,ip-адреса,ipaddress,subscription ip,signup ip address,opt in ip address,ip-adresse,adresse ip",
            "dirección ip,ip-aadress,subscribed ip,confirmed ip,confirm ip address,opted in ip,registration ip",
            "ip addr",
            "created from ip,user ip,ip aadress,confirmation ip",
        ),
        "ip",
    ),
    "topic": "topic",
    **dict.fromkeys(
        _names(
            "group,groups,segment,segments,группа,группы,група,групи,grupp,grupid,gruppe,gruppen,groupe,groupes",
            "grupo,grupos,group membership,labels",
        ),
        "groups",
    ),
    **dict.fromkeys(
        _names(
            "birthday,birth date,birthdate,date of birth,dob,born,bday,дата рождения,день рождения,дата народження",
            "день народження,sünniaeg,sünnipäev,sünnikuupäev,geburtsdatum,geburtstag,date de naissance,anniversaire",
            "fecha de nacimiento,cumpleaños",
        ),
        "born",
    ),
}
# Columns of our own exports that an import doesn't take again, and words that would be mistaken for them.
OURS: Final = frozenset(
    ("live", "grade", "source", "wording", "means", "page", "recorded_at", "since_at", "detail", "channel")
)


@lru_cache(maxsize=4096)
def role_of(name: str) -> str:
    """What a column is, by its name; empty where it is an attribute or a status."""
    return _NAMES.get(name) or _NAMES.get(_ZONE.sub("", name), "")


_ZONE: Final = re.compile(r" (?:utc|gmt|cet|eet|est|pst|msk|local|local time|time zone|gmt \d+)\Z")


@lru_cache(maxsize=4096)
def is_email(name: str) -> bool:
    """Does the name say that addresses stand there?"""
    if name in EMAIL:
        return True
    return _LIKE_EMAIL.search(name) is not None and _NOT_EMAIL.search(name) is None
