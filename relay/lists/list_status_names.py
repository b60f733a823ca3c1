"""Names of columns that say of each person whether it may be written to, as senders and people write them. Pure.

Compared in one spelling (``list_words.plain``); see ``list_status``.
"""

# ruff: noqa: RUF001 - Turkish letters are meant here

from __future__ import annotations

import re
from typing import Final

from relay.lists.list_words import Said, plain


def _names(*lines: str) -> frozenset[str]:
    """In one spelling, and the same written together."""
    names = {plain(name) for line in lines for name in line.split(",")}
    return frozenset(names | {name.replace(" ", "") for name in names})


STATES: Final = _names(
    "状态,订阅状态,狀態,訂閱狀態,状態,配信状態,購読状態,ステータス,상태,구독상태,구독 상태,الحالة,סטטוס",
    "stav,tila,tilstand,stan,stato,situação",
    "būsena,statuss,állapot,stare,durum,statusas,tilan tila,stan subskrypcji",
    "status,email status,e-mail status,subscriber status,subscription status,subscription state,contact status",
    "list status,global status,member status,email marketing status,marketing status,email subscription status",
    "email marketing consent,email consent status,consent status,email subscriber status,optin status,opt-in status",
    "opt in status,newsletter status,mailing status,email permission status,permission status,email marketing",
    "subscriber state,subscription,delivery status,email list status,mail status,email availability",
    "email state,subscriber type,email sending status,marketing email status,lists status",
    "emailing status,email optin status",
    "email status code,user status,account status,email deliverability,deliverability,subscribe status,sub status",
    "anmeldestatus,abonnementstatus,newsletterstatus,e-mail-status,abo-status,abostatus,kontaktstatus",
    "empfängerstatus",
    "statut,statut email,statut d'abonnement,statut abonnement,statut du contact,statut de l'abonnement",
    "statut e-mail",
    "estado de suscripción,estado suscripción,estado del suscriptor,estado del contacto,estatus,estado del correo",
    "статус,статус email,статус e-mail,статус подписки,статус подписчика,статус контакта,доступность email",
    "статус почты,статус адреса,состояние подписки",
    "статус підписки,статус підписника,статус контакту,статус пошти,стан підписки,доступність email",
    "staatus,tellimuse staatus,tellija staatus,liitumise staatus,tellimuse olek,kontakti staatus,e-posti staatus",
)
MAYBE_STATES: Final = _names(
    "bounce typ,bounce art,bouncetyp,type de bounce,type de rebond,tipo de rebote,põrke tüüp",
    "motivo,причина,grund,raison,motif,põhjus,suppression type,bounce type,cause,bounce category,bounce class",
    "kind,severity,state,type,reason,zustand,état,etat,estado,состояние,стан,olek,seisund,source,origin",
    "suppression reason,suppression",
)
STATE_NAMES: Final = _names("state,type,zustand,état,etat,estado,состояние,стан,olek,seisund")
"""Of MAYBE_STATES those that are about the person, where its words are; it may be a part of a country too."""
ASKED: Final = re.compile(r"\b(?:status|statut|estatus|статус|staatus)\b")
OTHER_STATES: Final = re.compile(
    r"\b(?:sms|phone|mobile|whats ?app|push|tel\b|order|payment|financial|fulfil+ment|marital|lead|deal|"
    r"loyalty|plan|tax|"
    r"shipping|stock|paid\b|billing|employment|relationship|invoice|ticket|vip|familienstand|civil|"
    r"lifecycle|member ?ship|членств|mitgliedsch|adhesi|medlemskap|członkos|clenstv|jasenyys|liikmesus|"
    r"cotisation|beitrag|liikmemaks|внесок|взнос|"
    r"marketing contact|status label|stay\b|reserv(?!ert)|booking|visit|attend|rsvp|trip\b|score|rating|candidate"
    r"|applica(?:nt|tion)|bewerb|\bsync\b|synch?roni|заявк|заказа"
    r"|оплаты|замовлення|tellimuse nr|zahlung|bestell|commande|pedido)"
)
AGREEMENT: Final = re.compile(
    r"\b(?:consent|opt ?in|einwilligung|zustimmung|consentement|consentimiento|согласие|згода|nousolek|permission)\b"
)
AGREED_THEN: Final = re.compile(rf"(?:{AGREEMENT.pattern})\Z")
"""Names of columns that hold the time of an agreement, or nothing where there is none."""
YES_NAMES: Final = _names(
    "subscribed,is subscribed,opted in,opt in,optin,opt-in,double opt in,double optin,doi,email optin,email opt in",
    "accepts marketing,accepts email marketing,accepts e-mail marketing,accepts emails,email consent",
    "marketing consent",
    "gdpr consent,gdpr,gdpr marketing permission,marketing permission,marketing permissions,consent,consent given",
    "newsletter consent,newsletter opt in,newsletter optin,newsletter subscription,newsletter subscribed,newsletter",
    "confirmed,is confirmed,email confirmed,opt in confirmed,subscription confirmed,verified",
    "email verified,active,is active",
    "enabled,accepted,agreed,agrees to marketing,subscribed to emails,subscribed to newsletter,subscribed to email",
    "email marketing consent given,can send,can email,email allowed,allow email,allow marketing,marketing opt in",
    "marketing optin,wants newsletter,receive emails,receives emails,accepts newsletter,permission,consent email",
    "email marketing opt in,subscribe,subscribe to newsletter,marketing emails,mailing list,buyer accepts marketing",
    "einwilligung,einwilligung newsletter,newsletter einwilligung,zustimmung,angemeldet,bestätigt,abonniert,aktiv",
    "newsletter abonniert,newsletter empfänger,werbeeinwilligung,darf angeschrieben werden",
    "consentement,accepte,accepte les emails,abonné,inscrit,confirmé,abonné à la newsletter,accord",
    "inscrit newsletter",
    "accepte la newsletter,consentement marketing,actif",
    "consentimiento,acepta,acepta marketing,suscrito,confirmado,acepta publicidad,acepta correos,activo,suscripción",
    "acepta boletín,acepta newsletter,согласие,согласие на рассылку,подписан,подтвержден,подтверждение",
    "активен,подписка",
    "согласен на рассылку,рассылка,получать рассылку,подписан на рассылку",
    "згода,згода на розсилку,підписаний,підтверджено,підтвердження,активний,підписка,розсилка",
    "nõusolek,nõusolek uudiskirjaks,tellib,kinnitatud,liitunud,uudiskiri,uudiskirja nõusolek",
    "soovib uudiskirja,aktiivne",
    "turundusnõusolek,otseturundus",
)
BAD_NAMES: Final[dict[str, Said]] = {
    **{plain(name): Said.LEFT for name in ("unsub time", "deactivated", "opt out time", "expunged")},
    **{plain(name): Said.STOPPED for name in ("suppressed at", "blocked at", "suppressed on", "suppression date")},
    **{
        plain(name): Said.BOUNCED
        for name in ("invalid", "is invalid", "ungültig", "invalide", "inválido", "невалидный")
    },
    **{plain(name): Said.BOUNCED for name in ("clean time", "email quarantined", "bounced at", "bounce type")},
    **{
        plain(name): Said.REFUSED
        for name in (
            "deleted at",
            "is deleted",
            "marketing suspended",
            "last bounce",
            "last bounce date",
            "last bounced",
            "last bounced at",
            "stop time",
            "stop status",
            "inactive",
            "hidden",
            "deceased",
            "closed",
            "austritt",
            "austrittsdatum",
            "ausgetreten",
        )
    },
    **{
        plain(name): Said.LEFT for name in ("email suppressions", "email list suppressions", "исключен", "дата отписки")
    },
    **{plain(name): Said.LEFT for name in ("дата відписки", "abmeldedatum", "abgemeldet am", "date de désabonnement")},
    **{
        plain(name): Said.LEFT
        for name in ("date de désinscription", "fecha de baja", "loobumise kuupäev", "lahkumise aeg")
    },
    **{plain(name): Said.LEFT for name in ("no enviar", "ne pas contacter", "nicht kontaktieren", "mitte saata")},
    **{
        plain(name): Said.LEFT for name in ("is excluded from campaigns", "excluded from campaigns", "unsubscribe date")
    },
    **{
        plain(name): Said.LEFT
        for name in ("unsubscription date", "date unsubscribed", "unsubscribe time", "optout date")
    },
}
BASIS: Final = re.compile(
    r"\b(?:legal|lawful|processing) bas[ie]s|rechtsgrundlage|base (?:legal|juridique|legale)|правов\w+ (?:основ"
    r"|подстав)"
    r"|oiguslik alus|grondslag"
)
"""On what a program says that it may write to a person (GDPR article 6): nothing but a consent is one."""
LAWFUL_CONSENT: Final = re.compile(
    r"^(?:art\w* )?6 (?:(?:abs|para|par) )?1 (?:(?:s 1|uabs 1) )?(?:lit )?a\b|^(?:\w+ ){0,8}(?:consent"
    r"|einwillig|согласи|згод|nousolek|consenso|toestemming|samtyck|zgod)"
)
LAWFUL_ELSE: Final = re.compile(
    r"\b6 (?:(?:abs|para|par) )?1 (?:(?:s 1|uabs 1) )?(?:lit )?[b-f]\b|legitim|\binteret|\binteres|contract"
    r"|contrat|vertrag|законн|договор|договір"
    r"|\bleping|berechtig|oblig|zivil|vital"
)
BASES: Final = {
    **dict.fromkeys(_names("consent,consent obtained,obtained,einwilligung,consentement,consentimiento"), Said.AGREED),
    **dict.fromkeys(
        _names("freely given consent from contact,freely given consent,согласие,згода,nõusolek"), Said.AGREED
    ),
    **dict.fromkeys(
        _names("not applicable,legitimate interest,legitimate interests,contract,legal obligation"), Said.REFUSED
    ),
    **dict.fromkeys(
        _names("performance of a contract,berechtigtes interesse,intérêt légitime,interés legítimo,vertrag,contrat"),
        Said.REFUSED,
    ),
    **dict.fromkeys(_names("legitimate interest existing customer,legitimate interest prospect lead"), Said.REFUSED),
    **dict.fromkeys(_names("public interest,vital interests,законный интерес,законний інтерес,leping"), Said.REFUSED),
}
PREFIXED: Final = (("opted out of email", Said.LEFT), ("unsubscribed from", Said.LEFT), ("opt out ", Said.LEFT))
BAD_NAMES.update({name.replace(" ", ""): said for name, said in BAD_NAMES.items()})
ANSWERS: Final = _names(
    "yes,no,ja,nein,oui,non,sí,si,да,нет,так,ні,jah,ei,tak,nie,nee,sim,não,nej,nei,jo,kyllä,ano,áno,ne,igen,nem,da,nu"
    ",ναι,όχι,не,是,否,はい,いいえ,네,예,아니오,아니요,כן,לא,نعم,لا"
    ",evet,hayır,jā,nē,taip,không"
)
NOT_STATES: Final = _names("active subscription,source,last bounce reason,unsubscribe link,unsubscribe url,email type")
