"""What other programs' words say of a person on a list: it left, it bounced, it never agreed, it agreed. Pure.

Words of the senders that lists come from, in the languages that they come in.
A word is compared in one spelling (``plain``): small letters, no accents, one
blank between words. ``STRONG`` words are said of mail alone and count in any
column; the others count where the column is about that.
"""

# ruff: noqa: RUF001 - Cyrillic letters are meant here

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache
from typing import Final


class Said(StrEnum):
    """What a list says of a person; the first three are reasons to suppress (``values.facts.Reason``)."""

    LEFT = "unsubscribed"
    BOUNCED = "hard-bounce"
    COMPLAINED = "complaint"
    REFUSED = "refuse"
    """Never agreed, or not yet, or is out of use: no consent, and no reason to suppress."""
    AGREED = "agreed"
    STOPPED = "stopped"
    """On somebody's stop list, which doesn't say why; ``settled`` makes it LEFT where nothing else does."""
    UNKNOWN = "unknown"
    """Words that nobody here knows: whoever gave the list is asked."""
    NOTHING = ""


WEIGHT: Final = {
    said: weight
    for weight, said in enumerate(
        (Said.NOTHING, Said.AGREED, Said.UNKNOWN, Said.REFUSED, Said.STOPPED, Said.BOUNCED, Said.LEFT, Said.COMPLAINED)
    )
}
"""Of several things that a line says the heaviest counts."""

OFFERS: Final = frozenset((Said.LEFT, Said.BOUNCED, Said.COMPLAINED))
"""What is a reason to suppress."""


def settled(said: Said) -> Said:
    """What counts when all of a line was read: a stop list without a reason is a no."""
    return Said.LEFT if said is Said.STOPPED else said


_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BETWEEN: Final = re.compile(r"[\W_]+")


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """One spelling of a word: ``HardBounce``, ``hard_bounce`` and ``Hard-Bounce`` are ``hard bounce``."""
    parts = unicodedata.normalize("NFKD", _CAMEL.sub(" ", text[:200]))
    letters = "".join(letter for letter in parts if not unicodedata.combining(letter))
    return " ".join(_BETWEEN.sub(" ", letters).casefold().split())


def _words(*lines: str) -> frozenset[str]:
    return frozenset(plain(word) for line in lines for word in line.split(","))


_LEFT: Final = _words(
    "已退订,退订,取消订阅,已取消订阅,已退訂,退訂,取消訂閱,配信停止,購読解除",
    "解除済み,退会,停止,수신거부,구독취소,구독 취소,해지,ملغى,ألغى الاشتراك,הוסר",
    "unsubscribed,unsubscribe,unsub,unsubscriber,opted out,opt out,optout,opted-out,globally unsubscribed",
    "global unsubscribe,global unsubscribes,unsubscribes,group unsubscribe,group unsubscribes,list unsubscribe",
    "unsubscribe link,link unsubscribe,manual unsubscribe,manually unsubscribed,unsubscribed by admin",
    "spam unsubscribe",
    "unsubscribed by user,unsubscribed from all,unsubscribed from all email,unsubscribed from all emails",
    "unsubscribed all,no email,no emails,no newsletter,keine e-mails,aucun email,sin correos,aucun e-mail",
    "entzogen,widersprochen,résilié,résiliée,retiré,retirée,révoqué,révoquée,revocado,revocada,zurückgezogen",
    "zurückgenommen",
    "odhlášen,odhlášena,odhlásený,leiratkozott,dezabonat,atrakstījies,atsisakė,afmeldt,avmeldt,peruuttanut,poistunut",
    "left,left the list,do not email,do not mail,do not send,donotemail,dne,no mail,nomail,do not allow",
    "withdrawn,withdrew,revoked,consent withdrawn,consent revoked,removed by user,email disabled,emails disabled",
    "email opt out,has opted out of email,opted out of email,opted out of emails,is unsubscribed",
    "cancelled subscription",
    "abgemeldet,abmeldung,ausgetragen,abbestellt,widerrufen,newsletter abbestellt",
    "désabonné,désabonnée,désinscrit,désinscrite,désinscription,désabonnement,opt-out",
    "ne plus contacter,baja,dado de baja,dada de baja,de baja,desuscrito,desuscrita",
    "cancelado suscripción,baja voluntaria",
    "cancelada,suscripción cancelada,отписан,отписана,отписался,отписалась,отписавшийся,отписано,отписка",
    "отписаны,отписавшиеся,отозвано,отозвано согласие,не беспокоить",
    "відписаний,відписана,відписано,відписався,відписалася,відписалась,відписка",
    "відкликано,loobunud,loobus,lahkunud,lahkus,tühistanud,tellimuse tühistanud,tellimus tühistatud",
    "tellimus lõpetatud,tellimusest loobunud,tagasi võetud,uitgeschreven,afgemeld,avregistrerad",
    "disiscritto,disiscritta,cancellato,descadastrado,cancelou inscrição,wypisany,wypisana,avmeldt,frameldt,peruttu",
)
_STOPPED: Final = _words(
    "blocklisted,blacklisted,black listed,block listed,blocklist,blacklist,email blacklisted,email blocklisted",
    "suppressed,suppression,manual suppression,user suppressed,email suppressions,on suppression list,excluded",
    "do not contact,dnc,auf sperrliste,sperrliste,liste noire,sur liste noire,blacklisté,lista negra,en lista negra",
    "чёрный список,в черном списке,чорний список,у чорному списку,must nimekiri,mustas nimekirjas",
)
_BOUNCED: Final = _words(
    "hb",
    "退信,硬退信,无效,无效邮箱,エラー,配信不能,不達,반송",
    "bounced,bounce,bounces,hard bounce,hardbounce,hard bounced,hard bounces,bounced hard,bouncing,bounce rule,hard",
    "email hard bounce,email hard bounced,email bounced,is bounced,hard bounced email,bounced email,permanent bounce",
    "возвращено,возвращён,возвращен,повернено,nedoručitelný,nedoručeno,studsade,palautunut,visszapattant",
    "bereinigt,nettoyé,nettoyée,limpiado,limpiada,очищен,очищено,очищений,puhastatud,pulito,opgeschoond,wyczyszczony",
    "cleaned,clean,undeliverable,undelivered,undeliverable email,not deliverable,invalid email,invalid emails",
    "invalid email address,invalid address,bad address,bad email,email invalid,is invalid email,mailbox not found",
    "does not exist,user unknown,unknown user,no such user,mailbox does not exist,mailbox unavailable",
    "permanent,permanent failure,permanently failed,disabled by bounces,by bounces,bounce disabled,unreachable",
    "permanent unavailable,permanently unavailable,mail box not found,dead address,user not found,permanent fail",
    "unzustellbar,nicht zustellbar,zurückgewiesen,rückläufer,ungültige adresse,ungültige e-mail,hardbounced",
    "rebond,rebonds,rebond dur,rebond permanent,rejeté,rejetée,npai,adresse invalide,email invalide",
    "erreur permanente",
    "rebotado,rebotada,rebote,rebote duro,rebotó,dirección inválida,correo inválido,devuelto",
    "недоставлен,недоставлено,не доставлено,не существует,адрес не существует,недоступен,возврат,невалидный",
    "жёсткий отказ,ошибка доставки,невалиден,несуществующий,недействительный адрес,хард баунс,отказ",
    "недоставлено,не доставлено,не існує,адреса не існує,недоступний,повернення,невалідний,помилка доставки",
    "põrkunud,põrkus,põrge,tagasi põrganud,tagasi põrkunud,püsiv põrge,kättetoimetamatu,vigane aadress",
    "aadress ei tööta,rimbalzato,devolvido,gebounced,odbity,odbite,studsat",
)
_COMPLAINED: Final = _words(
    "complained,complaint,complaints,abused,spam complaint,spam complaints,spam report,spam reports",
    "spam reported,reported spam",
    "reported as spam,marked as spam,mark as spam,abuse,abuse complaint,abuse report,abuse reported,fbl",
    "feedback loop",
    "spamcomplaint,spam,junk,complainer,complainers,is complained,email complained,spamreport,reported abuse,spammed",
    "beschwerde,beschwert,spam beschwerde,spambeschwerde,als spam gemeldet,als spam markiert",
    "plainte,plaintes,plainte spam,plaint,signalé comme spam,signalé spam,marqué comme spam",
    "queja,quejas,queja de spam,denuncia,marcado como spam,reportado como spam",
    "жалоба,жалобы,пожаловался,пожаловалась,жалоба на спам,спам,пометил как спам,отметил как спам",
    "скарга,скарги,поскаржився,поскаржилася,скарга на спам,позначив як спам",
    "kaebus,kaebas,kaebus rämpsposti kohta,rämpspost,märgitud rämpspostiks,märkis rämpspostiks,spämm",
    "spam gemeld,segnalato come spam",
)
_NEVER: Final = _words(
    "denegado,denegada,requested,consent requested,not requested,angefragt,nicht angefragt",
    "nicht gewünscht,unerwünscht,nicht erwünscht,нельзя,не можна,не желательно,нежелательно,ei tohi,ära saada",
    "未订阅,未确认,待确认,未訂閱,未確認,未購読,仮登録,미구독,미확인,غير مشترك,לא רשום",
    "unconfirmed,not confirmed,pending confirmation,awaiting confirmation,waiting confirmation,confirmation pending",
    "pending double opt in,pending opt in,unverified,not verified,non subscribed,nonsubscribed,not subscribed",
    "never subscribed,non subscriber,not opted in,no opt in,no consent,not accepted,not consented,opt in pending",
    "activation requested,waiting for confirmation,waiting for activation,awaiting activation,double opt in pending",
    "transactional,transactional only,implicit,implied,no permission,not set,soft bounce,soft bounced,softbounce",
    "soft bounces,temporarily disabled,disabled by user,disabled by admin,by user,by moderator,non marketing",
    "unactivated,not activated,spammy,non marketing contact,non marketable,unengaged never subscribed",
    "nonmember,non member,consent not given,marketing not accepted,did not consent,consent declined",
    "hand,blocked,blocked by admin,email blocked,is blocked,blocks",
    "unbestätigt,nicht bestätigt,unbestaetigt,nicht angemeldet,nicht abonniert,nicht eingewilligt,keine einwilligung",
    "nepotvrzen,nepotvrzeno,nepotvrdený,ikke bekræftet,ikke bekreftet,ej bekräftad,obekräftad,vahvistamaton",
    "neconfirmat,nepatvirtinta,neapstiprināts,niepotwierdzona,non confermata",
    "não confirmado,niet bevestigd,onbevestigd",
    "wartet auf bestätigung,bestätigung ausstehend,nicht aktiviert,gesperrt,blockiert",
    "non confirmé,non confirmée,en attente de confirmation,à confirmer,non inscrit,non abonné,pas de consentement",
    "non abonnée,non inscrite,bloqué,bloquée",
    "no confirmado,no confirmada,sin confirmar,pendiente de confirmación,no suscrito,no suscrita,sin consentimiento",
    "bloqueado,bloqueada,не подтвержден,не подтверждена,неподтвержден,неподтверждён,неподтвержденный,не подтверждено",
    "ожидает подтверждения,не подписан,не подписана,без согласия,нет согласия,заблокирован,заблокирована",
    "заблокирован админом,не давал согласия",
    "не підтверджений,не підтверджена,непідтверджений,не підтверджено,очікує підтвердження,не підписаний",
    "не підписана,без згоди,немає згоди,заблокований,заблокована",
    "kinnitamata,ei ole kinnitatud,ootab kinnitust,pole kinnitatud,pole liitunud,ei ole liitunud,nõusolek puudub",
    "nõusolekuta,ei ole nõus,mittetellija,blokeeritud,ei tellinud,niet bevestigd,non confermato,niepotwierdzony",
)
_OUT_OF_USE: Final = _words(
    "pending,awaiting,waiting,invited,inactive,disabled,deleted,archived,removed,declined,rejected,refused,denied",
    "deactivated,expired,suspended,paused,unapproved,moderated,validating,dormant,needs confirmation,on hold,held",
    "temporary unavailable,not allowed,disallowed",
    "stopped,stop,stopp,стоп,halt",
    "banned,draft,transient,temporary,soft,deferred,failed,error,invalid,not active,moderation,unsure,risky",
    "incomplete,lapsed,unmailable,raus,beendet,terminé,finalizado,завершена,nicht erteilt",
    "inaktiv,gelöscht,ausstehend,wartend,archiviert,deaktiviert,ungültig,abgelehnt,offen",
    "inactif,inactive,supprimé,supprimée,en attente,archivé,désactivé,invalide,refusé,refusée",
    "inactivo,inactiva,eliminado,eliminada,pendiente,archivado,desactivado,borrado,inválido,rechazado,rechazada",
    "неактивен,неактивна,неактивный,не активен,удален,удалена,удалён,ожидает,ожидание,архив,отключен",
    "отклонен,приглашен",
    "неактивний,неактивна,видалений,видалена,видалено,очікує,очікування,архів,вимкнений,відхилено,запрошений",
    "mitteaktiivne,passiivne,kustutatud,ootel,arhiveeritud,keelatud,keeldunud,deaktiveeritud,kehtetu,inactief",
)
CANCELLED: Final = _words(
    "cancelled,canceled,gekündigt,annulé,annulée,cancelado,отменен,отменён,скасовано,tühistatud,lõpetatud"
)
IN_FORCE: Final = _words("active,is active,aktiv,actif,activo,attivo,ativo,actief,активен,активний,aktiivne")
"""Names of columns that say of whatever a list is of that it is in force."""
AGREED: Final = _words(
    "已订阅,订阅,已訂閱,配信中,購読中,登録済み,구독중,구독 중,구독,수신동의,مشترك,רשום",
    "subscribed,subscriber,opted in,opt in,optin,opted-in,double opt in,double optin,confirmed,active subscriber",
    "single opt in,single optin,confirmed opt in,resubscribed,marketing accepted,consented,consent given",
    "sub,subscribed to emails,express,doi,soi,coi",
    "explicit,explicit consent,express consent,subscribed and confirmed,confirmed subscriber",
    "tilmeldt,påmeldt,přihlášen,přihlášena,prihlásený,feliratkozott,abonat,prenumeruoja,abonēts,tilannut,tilaaja",
    "iscritta,inscrita,subskrybuje,prenumererar,anmäld,tilattu",
    "bestellt,bezieht,angemeldet,abonniert,bestätigt,eingewilligt,zugestimmt,angemeldete",
    "abonné,abonnée,inscrit,inscrite,confirmé,confirmée,consenti,suscrito,suscrita,confirmado,confirmada,inscrito",
    "подписан,подписана,подписчик,подтвержден,подтверждена,подтверждён,подписался,согласен,согласна,дал согласие",
    "підписаний,підписана,підписник,підтверджений,підтверджена,підписався,згоден,згодна",
    "tellija,tellinud,liitunud,kinnitatud,nõus,nõusoleku andnud,ingeschreven,iscritto,inscrito,zapisany,prenumerant",
)
_IN_USE: Final = _words(
    "aktīvs,aktyvus,aktívny,aktivní,aktív,activ,aktivt,aktivna,ativa,attiva,aktywna,actieve",
    "валидный,валиден,валідний,on list,onlist,gewünscht,erwünscht,можно,можна,tohib,alta,de alta,dado de alta",
    "owner,list owner,manager",
    "moderator,added",
    "active,enabled,normal,regular,member,verified,accepted,valid,ok",
    "deliverable,engaged,current,sendable,available",
    "allow,allowed,approved,live,registered,aktiv,aktiviert,gültig,actif,active,activo,activa,valide,válido",
    "delivered,доставлено,доставлен,zugestellt,entregado,livré,distribué,toimetatud",
    "доступний,доступна,активен,активна,активный,активно,доступен,активний,активна",
    "aktiivne,aktiivsed,kehtiv,actief,attivo",
    "laufend,en cours,vigente,действует,чинна,lubatud,autorisé,autorisée,разрешено,дозволено,erlaubt,permitido",
    "permitted",
    "apto,apta,onay,onaylı,включена,включено,увімкнена,увімкнено,tellitud,good,complete,completed,digest",
    "digests,mime digests,mail",
    "mailable,drin",
    "given,granted,donné,donnée,accordé,accordée,otorgado,otorgada,concedido,concedida,получено,надано",
    "отримано,antud",
    "olemas,erteilt,vorhanden,gegeben,receives,receiving,erhält,reçoit,recibe,получает,отримує,saab",
    "подписка подтверждена",
    "підписка підтверджена,ativo,aktywny,premium,gifted,comped,trialed,free,aktiivinen",
)
YES: Final = _words(
    "single,gern,absolutely,of course,sure,definitely,certainly,gerne,natürlich,klar,claro,por supuesto",
    "bien sûr,volontiers",
    "avec plaisir,конечно,конечно же,звісно,авжеж,звичайно,muidugi,ikka,ja gerne,please,yes please",
    "var,ναι,是,はい,네,예,כן,نعم,co",
    "yes,y,true,t,1,on,x,v,checked,agree,agreed,i agree,accept,accepts,given,granted,opt in,double",
    "oui,evet,jo,áno,ano,jā,taip,да,есть,є,имеется,hay,vorliegend,liegt vor,ano,igen,angekreuzt,ausgewählt,coché",
    "cochée,marcado,marcada,отмечено,выбрано,позначено,märgitud,ticked,selected,хочу",
    "ja,j,wahr,oui,o,vrai,sí,si,s,verdadero,да,д,истина,так,т,істина,jah,tõene,sim,tak,kyllä,email",
    "email sms,sms email,e mail,e mail sms,sms e mail",
)
NO: Final = _words(
    "yok,не,όχι,否,いいえ,아니오,아니요,לא,لا,khong",
    "nok,no,n,false,f,0,off,not given,disagree,disagreed,reject,none,never,no consent,not granted,unchecked",
    "nein,falsch,non,faux,falso,нет,н,ложь,ні,хиба,ei,väär,vale,nee,nie,não,nao,nej,nei,nem,nope,ne,hayır,nē,nu",
    "en halua,en kiitos",
)
NOTHING: Final = frozenset(("", "null", "nil", "none", "n a", "na", "nan", "undefined", "never", "unknown"))
"""An empty cell and what stands for one; ``-`` and ``[]`` are empty in one spelling."""

OPEN: Final = _words(
    "unbekannt,unknown,maybe,vielleicht,keine angabe,k a,inconnu,desconocido,неизвестно,невідомо,teadmata,peut être",
    "quizás,может быть,можливо,not sure,tbd,undecided",
)
"""What stands for no answer."""

GOODS: Final = _words(
    "delivered,returned,shipped,paid,refunded,picked up,in transit,zugestellt,retourniert,geliefert,versandt,bezahlt",
    "livré,retourné,expédié,entregado,devuelto,enviado,доставлен,возвращен,отправлен,доставлено,повернено,tarnitud",
    "tagastatud,saadetud",
)
"""States of goods."""

STRONG: Final = {
    **dict.fromkeys(_NEVER, Said.REFUSED),
    **dict.fromkeys(_LEFT - {"left", "baja", "cancelada", "no mail"}, Said.LEFT),
    **dict.fromkeys(_STOPPED - {"excluded"}, Said.STOPPED),
    **dict.fromkeys(
        _BOUNCED - {"hb", "hard", "permanent", "clean", "отказ", "возврат", "повернення", "unreachable"}, Said.BOUNCED
    ),
    **dict.fromkeys(_COMPLAINED - {"junk", "abuse", "fbl"}, Said.COMPLAINED),
}
"""Words that count in any column."""
for _word in ("implicit", "implied", "transactional", "not set", "by user", "soft", "blocks"):
    STRONG.pop(_word, None)
WORDS: Final = {
    **dict.fromkeys(_IN_USE, Said.AGREED),
    **dict.fromkeys(AGREED, Said.AGREED),
    **dict.fromkeys(_OUT_OF_USE, Said.REFUSED),
    **dict.fromkeys(_NEVER, Said.REFUSED),
    **dict.fromkeys(CANCELLED, Said.LEFT),
    **dict.fromkeys(_LEFT, Said.LEFT),
    **dict.fromkeys(_STOPPED, Said.STOPPED),
    **dict.fromkeys(_BOUNCED - {"clean"}, Said.BOUNCED),
    **dict.fromkeys(_COMPLAINED, Said.COMPLAINED),
}
"""All words that count in a column about the status of a person."""

_COMPACT: Final = {word.replace(" ", ""): said for word, said in WORDS.items() if " " in word}
_ENDING: Final = re.compile(r"(?:[аоыиіеуюяэ]+|[oae]s?|ees?|e[rnm])$")


@lru_cache(maxsize=8192)
def root(word: str) -> str:
    """A word or phrase (``plain``) without the endings of gender, case and number: ``подтвержденная``,
    ``abonnées``."""
    parts = (_ENDING.sub("", part.removesuffix("ся").removesuffix("сь")) for part in word.split())
    return " ".join(part.removesuffix("н") if part.endswith("нн") else part for part in parts)


def _inflected(words: dict[str, Said]) -> dict[str, Said]:
    """By root, where all words of one root say the same."""
    found: dict[str, set[Said]] = {}
    for word, said in words.items():
        if len(stripped := root(word)) > _SHORTEST:
            found.setdefault(stripped, set()).add(said)
    return {word: next(iter(said)) for word, said in found.items() if len(said) == 1}


def strong(word: str) -> Said:
    """The same for words that count in any column."""
    return STRONG.get(word) or _STRONG_ROOTS.get(root(word), Said.NOTHING)


_SHORTEST: Final = 4
"""Letters of a root that is still certain to be of that word."""
_INFLECTED: Final = _inflected(WORDS)
_STRONG_ROOTS: Final = {word: said for word, said in _inflected(STRONG).items() if _INFLECTED.get(word) is said}


_ADVERB: Final = re.compile(
    r"(?:(?:explicitly|expressly|manually|automatically|auto|globally|permanently|already|still|currently"
    r"|actively|fully"
    r"|подписка|підписка|подписчик|підписник|suscripcion|abonnement|inscription|subscription|tellimus|abo"
    r"|e ?mail|адреса?"
    r"|адресат|контакт|newsletter|adresse|address|contact|user|клиент|клієнт"
    r"|self|double|single|is|has|was|been|now|bereits|aktuell|derzeit|manuell|actuellement|ya|уже|вже|juba) )+"
)
_NOUN: Final = re.compile(
    r"(?: (?:patrons?|members?|users?|customers?|contacts?|subscribers?|subscriptions?|accounts?|address(?:es)?"
    r"|persons?"
    r"|people|clients?|recipients?|kunden?|kontakte?|abonnent\w*|empfanger\w*|mitglied\w*|membres?|abonnes?"
    r"|clientes?|contactos?|suscriptor\w*|контакт\w*|клиент\w*|подписчик\w*|клієнт\w*|підписник\w*|адрес\w*"
    r"|liige|klient|tellija|kontakt|by (?:the )?(?:user|contact|subscriber|recipient)|por el (?:usuario|cliente)"
    r"|par l utilisateur|durch (?:den )?(?:nutzer|kunden|empfanger)|пользователем|користувачем|kasutaja poolt))+\Z"
)


def bare(word: str) -> Said:
    """What a phrase (``plain``) says without adverbs before it and nouns behind it: ``explicitly opted in``."""
    shorter = _NOUN.sub("", _ADVERB.sub("", word) if _ADVERB.match(word) else word)
    return meaning(shorter) if shorter and shorter != word else Said.NOTHING


def meaning(word: str) -> Said:
    """What a word (``plain``) says as a person's status,
    however it is inflected or written together; else NOTHING."""
    together = word.replace(" ", "")
    return WORDS.get(word) or _COMPACT.get(together) or WORDS.get(together) or _INFLECTED.get(root(word), Said.NOTHING)
