"""What names of columns and longer texts say of a person on a list, by parts of them. Pure; see ``list_words``."""

# ruff: noqa: RUF001 - Cyrillic letters are meant here

from __future__ import annotations

import re
from typing import Final

from relay.lists.list_root_table import WANTS
from relay.lists.list_roots import certain
from relay.lists.list_words import WORDS, Said, plain

_FIRST: Final = re.compile(r"(?:is|has|was|email|e mail|user|contact|subscriber|member|date|time|date of|the) ")
_LAST: Final = re.compile(r" (?:at|on|time|date|datetime|timestamp|reason|flag|status|date time|utc|gmt|am|le|el)$")
_WITHIN: Final = re.compile(
    r"unsubscri|opt(?:ed)? ?out|blacklist|blocklist|hard ?bounce|bounced (?:address|email)|hard ?fail"
    r"|spam ?(?:complaint|report)"
    r"|(?:flag|mark|report)(?:ged|ed)?\b[^.]{0,20} spam"
)
_NO_SENDING: Final = (
    r"\b(?:nie|niet|non|nao|inte|ikke|не|do not|don t|dont|nicht"
    r"|ne pas|ne plus|не треба|не надо|no|ara|mitte)\b (?!modify)"
    r"(?:\w+ ){0,2}?(?:писат|слат|отправ|присыл|надсил"
    r"|рассыл|розсил|беспоко|турбув|molest|derang|disturb|контактир|контактув|kontakt|anschreib|schreib|zusend"
    r"|ecrire|envoye|pisa|wysyl|scriv|invia|contatt|stur|mailen|skicka|mejla"
    r"|contacter|enviar"
    r"|escrib|contactar|saata|saada|kirjuta|contact\b(?! info| detail| name)|(?:send|write)\b"
    r"|(?:e ?)?mail\b(?! addr))"
)
"""That nothing shall be sent, in the languages of lists (``plain``)."""
_NO_WISH: Final = (
    r"\bno (?:more|longer want\w*|longer receive) (?:e ?mail|mail|news)|\bstop (?:e ?mail|mail|sending|newsletter)"
    r"|\bwants? no (?:e ?mail|mail|news)|\b(?:doesn t|don t|does not|do not|didn t|not) (?:want"
    r"|wish) (?:to (?:get|receive|be)"
    r"|any|our|more|e ?mail|mail|news)|\bkeine?[nrms]? (?:e ?)?(?:mails?|newsletter|werbung|post)"
    r"|\bgeen (?:e ?)?(?:mails?"
    r"|nieuwsbr)"
    r"|\b(?:ne|n) (?:\w+ )?(?:souhait|veu|desir)\w* (?:plus|pas)|\bplus de (?:mails?|newsletter)"
    r"|\bplus (?:\w+ )?recevoir"
    r"|\bno (?:quier|desea|recibir)|\bне (?:хо[чт]|желает|присыл|получать|отримув|бажа|надсил)|\bei (?:soovi|taha)"
    r"|non vuole|nie chce|\b(?:will|mochte|wunscht|wollen) (?:\w+ ){0,3}nichts? mehr\b"
)
"""That somebody wants no mail."""
_PARTS: Final = (
    (re.compile(r"\b(?:score|rate|rating|count|checked|filter|number|link|url|token|hash|key|uuid)"), Said.NOTHING),
    (re.compile(r"\bspam\b|complain|beschwerde|plainte(?!x)|queja|жалоб|скарг|kaebus|\bспам"), Said.COMPLAINED),
    (
        re.compile(
            r"\b(?:ge)?bounc(?!es\b)|плох\w+ |поган\w+ |нерабоч|неробоч|неверн|невірн|ошибочн"
            r"|falsche?\b|\bmauvais|\bmala? |\bwrong|incorrect|\bdead\b|halb "
            r"|\bodbi[ct]|\bstuds|(?:mail|newsletter)s? returned|returned (?:e ?)?mail|rucklauf"
            r"|\brebond|\brebot|porku|porge|fehlerhaft|\bvigane|\bkaputt|\bdefekt|erron|\bbad\b"
            r"|\b(?:z[lł][yea]|b[lł]edn\w+|chybn\w+|spatn\w+|rossz|gresit\w*|yanlis|forkert\w*|felaktig\w*|nepareiz\w*|neteising\w*)\b"
            r"|unzustellbar|ungultig|undeliver"
            r"|invalid|\b(?:no|not|non|nicht|не|ei) (?:valid|gultig|kehtiv|deliverable)|невалид|невалід"
            r"|недеиств|недіисн"
        ),
        Said.BOUNCED,
    ),
    (
        re.compile(
            rf"{_NO_WISH}|\bunsub|opt(?:ed)? ?out|\bdo not(?! contact| modify)\b"
            r"|\bno(?:promos?|news|newsletters?|e?mails?|mkt|marketing|contact|ads|spam)\b"
            r"|\bno (?:bulk |mass )?(?:e ?mails?|mails?|mailings?|newsletters?)\b"
            r"|\bkeine?[nrms]? (?:e ?mails?|mails?|mailings?|newsletter|werbung)\b|\brefus|\bopposition"
            r"|abgemeldet|abmeld|desabonn|desinscri"
            r"|отпис|відпис|отказ от|cancelac|\bleft\b|\bquit\b|departed|resili|widerruf"
            r"|відмов|\bbaja\b|loobu|lahku|withdr|revok|\bretrait|\bretirad|revocaci|отзыв\w* согл|zuruckgezog"
            r"|отозва|відклик|tagasi vo|keeldu|widerspr"
            r"|entzog|uitgeschr|afgemeld"
            r"|cancellazion|disiscri|wypis|rezygn|avregistr|widerspruch|\bobject(?:ed|ion)|oposicion|\bвозраж"
            r"|cancel\w* (?:\w+ )?(?:suscrip|subscri|abonn|inscri|assin)|(?:suscrip|subscri)\w* cancel|avanmal"
            r"|e ?mail ?stop|stop ?e ?mail|дата отказа|\bотказал"
            r"|\b(?:do not|don t|dont) (?:process|market|solicit)\b|\bforget (?:this|me)\b"
            r"|\bradi(?:e|es|ee|ees|ation)\b"
            r"|\bkeine?[nrms]? (?:infos?|informationen|nachrichten|angebote|updates|kontakt|zusendung\w*)(?: mehr)?\b"
        ),
        Said.LEFT,
    ),
    (
        re.compile(
            rf"{_NO_SENDING}|verbot\b|\bverbot|untersag|\bkeeld\b|\bkeelu\b|\bzakaz\b|divieto|\bproibi|verbod\b"
            rf"|forbud\b|kielto\b"
            r"|yasa[gk]\w*|aizlieg|draudim|\btilto|\btilalom|\binterdi[ct]|prohib|запре[тщ]|заборон|keelat|forbid"
            r"|\brestrict(?:ion|ed)|\beinschrank|\brestric[ct]|обмежен|ограничен|piirang|\bexcl[ui]"
            r"|ausgeschloss|исключ|виключ|valja arvat|robinson|stop ?list|стоп ?лист"
            r"|black ?list|block ?list|suppress|sperr(?!t)|lista negra|liste noire|чер\w+ спис|чор\w+ спис"
            r"|must\w* nimekir|do not contact|\bdnc\b"
        ),
        Said.STOPPED,
    ),
    (
        re.compile(
            r"\bsoft\b|\bhidden\b|deceased|verstorben|decede|fallecid|\bhold\Z"
            r"|\bnicht moglich|\bnot possible|imp?ossib|невозмож|неможлив"
            r"|\bplus (?:valable|valide|acti[fv]e?|bonn?e?)\b"
            r"|suspended|\blocked\b|\bdeleted|disabled|deactivat|\bblock(?:ed)?\b|archived|удален|видален"
            r"|gesperrt|заблок|блокир|блокув|\bquitte\b|verzogen|blokeer|\bbloque|\bremov(?:ed|al)\b|\bexit\b"
            r"|\b(?:mute|silence|pause|halt|disable|skip|suspend)[ds]? (?:all )?(?:e ?mails?|mails?"
            r"|newsletters?|notifications?|mailings?)\b"
            r"|(?:mails?|newsletters?) (?:paused|stopped|suspended|pausiert)\b"
            r"|leaving date|\bon hold\b|wartestell|quarant|karanteen|карантин|(?:mails?|newsletters?) (?:aus"
            r"|off|disabled|muted|stumm)\b"
            r"|austritt|ausgetreten|gekundigt|kundigung|выбыл|вибув|\bsortie|\bsalida"
        ),
        Said.REFUSED,
    ),
)
_TEXTS: Final = (
    (
        re.compile(
            r"\bspam(?!trap)\w*|\babuse\b|\bramps|\bjunk|(?:marqu|signal)\w* (?:comme )?indesirable|als unerwunscht"
            r"|como no desead"
            r"|как нежелат|як небажан"
        ),
        Said.COMPLAINED,
    ),
    (
        re.compile(
            r"(?:ошибк\w*|помилк\w*|сбо\w+|збі\w+) (?:доставк|адрес|при достав)|(?:delivery|address) (?:fail|error)"
            r"|fail\w* (?:delivery|address|recipient)|erreur d\w* ?(?:livraison|distribution|adresse|envoi)"
            r"|error (?:de|en) (?:entrega|direccion|envio)|zustellfehler|zustell\w* (?:fehl|nicht)|tagastat"
            r"|kohaletoimetami\w* (?:viga|eba)|inexist|inesist"
            r"|\b(?:not|n|pas|no|не|ei|pole|nicht)\b (?:\w+ )?(?:exist\w*|eksist\w*|существ\w*|існу\w*|olemas)"
            r"|несуществ|неіснуюч|erron|revient|en erreur|\bfals(?:ch|e|o)\w*|\bwrong|incorrect|неверн|невірн"
            r"|неправильн|vigane"
            r"|\bvale\b|unbekannt"
            r"|неизвест"
            r"|невідом|desconocid|inconnu|unknown|\bcomes? back|\bcame back|komm\w* zuruck|zuruckgekomm"
            r"|kam\w* zuruck|retourn"
            r"|returned"
            r"|existier\w* nicht|nicht (?:gefunden|vorhanden|existent)|not found|не наиден|не знаиден|ei leitud"
            r"|no encontrad|introuvable"
            r"|не работает|не працює|ei toota|(?:not|n t) work|funktioniert nicht|ne (?:marche|fonctionne) pas"
            r"|no funciona|возвращ"
            r"|devuelt|вернул|поверта|поверну|tul\w+ tagasi|tagasi tul|vrati|zwrot|не доставл|недоставл"
            r"|не доходят|не доходить"
        ),
        Said.BOUNCED,
    ),
    (
        re.compile(
            r"попроси\w*|\bпроси(?:л\w*|т)\b|\bпопрос\w*|requested|\basked (?:us |me )?(?:not|to|for)|gebeten\b"
            r"|bittet\b"
            r"|a demande|pidio|\bpalus\w*"
        ),
        Said.LEFT,
    ),
    (
        re.compile(
            r"\bformer\b|\bex \w|ehemalig|\bancien|\bantigu|бывш|колишн|\bendine|\bno longer\b|nicht mehr\b"
            r"|\bpend|\bwait|await|odotta|attente|attesa|aussteh|\boffen|ootel|ootab|ожида|очіку|чека|\bждет|wartet"
            r"|oczek|aguard"
            r"|\b(?:not|nicht|non|no|sin|не|ei|pole|pas|nie|niet)\b (?:\w+ ){0,2}?(?:confirm|bestat|подтвер"
            r"|підтвер|kinnit"
            r"|valid|activ|verif|subscri|abonn|подпис|підпис|liit|potwierdz|bevestig|suscri|inscri)"
        ),
        Said.REFUSED,
    ),
)
"""What short texts say that would say something else as the name of a column."""
_OF_ADDRESS: Final = re.compile(
    r"письм|\bлист|\bkiri\b|\bkirj|\bmeil|\bbrief|mensaje|courrier|mail|ad+res+|адрес|почт|пошт|ящик|скриньк"
    r"|\bpost|correo"
    r"|courriel|direcc"
)
_SMTP: Final = re.compile(
    r"\b5\.(?:1\.\d+|2\.[01]|4\.[14])(?![.\d])|user unknown|no such (?:user|mailbox|recipient|address|account"
    r"|person)|does not exist"
    r"|(?:\A\W*|[:;>] *|\b(?:smtp|code|error|said|status)\W+)5[0-7]\d(?:[ -]|\Z)(?! ?5\.[67])(?=.*(?:mail|user"
    r"|recipient"
    r"|address|account|rejec|relay|deliver|unknown|no such|denied|5\.\d|block|spam|domain|host|refus|invalid|disabled"
    r"|inactive|unavailable|inbox|permanent|fail))"
)
"""Replies of servers that are final (small letters); ``Room 512 - east`` is none."""


def stem(name: str) -> str:
    """A column's name (``plain``) without what only says that it is a flag or a time: ``unsubscribed at``."""
    while True:
        shorter = _LAST.sub("", _FIRST.sub("", name, count=1) if _FIRST.match(name) else name)
        if shorter == name or not shorter:
            return name
        name = shorter


def negative(name: str) -> Said:
    """What a column says of those for whom it is set, by its name (``plain``); NOTHING where it says nothing bad."""
    if name in ("excluded", "junk", "sub", "hard", "soft", "left", "invalid date", "status"):
        return Said.NOTHING
    short = stem(name)
    for known in (name, short):
        said = WORDS.get(known, Said.NOTHING)
        if said not in (Said.NOTHING, Said.AGREED):
            return said
    return Said.NOTHING


def bad_part(name: str) -> Said:
    """What a column of flags or times says where it is set, by a part of its name (``plain``): ``marked as spam``."""
    return next((said for pattern, said in _PARTS if pattern.search(name)), Said.NOTHING)


_HOW: Final = re.compile(
    r"\b(?:type|method|source|channel|via|comment|feedback|form|origin|mode|preferences?|frequency|medium"
    r"|methode|quelle"
    r"|art|canal|metodo|origen|способ|источник|спосіб|джерело|allikas|viis|details?)\b"
)
_REASONS: Final = re.compile(
    r"\b(?:reason|why|warum|pourquoi|por que|почему|чому|miks|grund|motif|raison|motivo|причин\w*|pohjus\w*"
    r"|causa|powod\w*|ragione|reden|orsak|arsak|arsag|syy|duvod\w*|dovod\w*|indok\w*|motivul|neden\w*|iemesl\w*"
    r"|priezast\w*|razlog\w*|errors?|fehler|erreur|ошибка|помилка|viga)\b"
    r"|\w+grund\b"
)


def is_reason(name: str) -> bool:
    """Does a column (``plain``) say why something happened to a person, or how?"""
    return _REASONS.search(name) is not None or (_HOW.search(name) is not None and bad_part(name) is not Said.NOTHING)


def says_how(name: str) -> bool:
    """Does a column of agreements (``plain``) say by which means, rather than whether?"""
    return _HOW.search(name) is not None


def text_part(text: str) -> Said:
    """What a short text (``plain``) says of a person, by a part of it: ``adresse erronee``; NOTHING where nothing."""
    parts = (*_TEXTS, *_PARTS)
    return next((said for pattern, said in parts if pattern.search(text)), Said.NOTHING)


_GOOD: Final = re.compile(
    r"lupa\b|suostum|samtyk|tilmeld|pameld|souhlas|odber|zasilan|sutikim|prenumer|piekri|hozzajarul|feliratk|consimt"
    r"|abonat|bilten|zpravodaj|hirlev|newsletter|mailing|marketing|рассыл|розсил|подпис|підпис|uudiskir|werbung"
    r"|werbe|publicidad|boletin|subscri"
    r"|abonn|suscri|inscri|acepta|accept|agree|permission|consent|согла|згод|nousolek|soovib|einwillig|zustimm"
    r"|opt(?:ed)? ?in|bevestig|bekraft|bekreft|vahvist|potwierdz|potvrz|conferm"
    r"|confirmad|apstiprin|patvirtin|megerosit"
    r"|\w+mails?\b|\be ?post\w*|teated|teavitus|pakkumis|novosti|novedad|angebot|\boffers?\b|actualit|новост|новин"
    r"|предложен|пропозиц"
    r"|ofert|promo|reklam|реклам"
    r"|\bvalid[oae]?\b|валид|валід|\bgultig|kehtiv|\bdeliverable|\bzustellbar|verteiler|reklaam"
    r"|\be?mailable|contactable|\b(?:can|may|ok to|okay to) (?:we |i )?contact\b(?! by)|\Ainfos?\Z"
    r"|листи\b|prospection|communicat|preferred (?:contact|channel)|(?:mail|contact|marketing"
    r"|channel) preference|\bkirjad\b|verific|activated|aktiviert|aktiveeri"
    r"|(?:mail|newsletter|contact"
    r"|sending) freq|^frequen|haufigkeit|frecuencia|frequence|частот|sagedus|kinnit|nieuwsbrief|nyhetsbrev"
    r"|uutiskirje|biuletyn"
    r"|bollettino|boletim|turundus|\bluba\b|дозвіл|разрешен|autoriza|autorise|erlaub|infokir|toestemming|\bzgod"
    r"|consenso"
    r"|aangemeld|anmald|pameld|liittyn|tilaus|uutiskir|samtyck|samtykke|suostum|ingeschr|aanmeld|iscri|zapis|\balta\b"
    r"|\bdoi\b|double ?opt|\bgdpr|\brgpd|\bdsgvo|bestatig|bestaetig|anmeld|confirm|подтвержд|підтвердж|kinnitat"
    r"|\be ?mails?\b|\bmails?\b|rundschreib|rundbrief"
    r"|\bakti(?:iv|v)\w*$|\bactive$|\bactif$|\bactivo$|\bактивн\w+$"
    r"|\bok\b|okay|einverstand|freigabe|d accord|de acuerdo|zugesagt|informiert|keep me|\bcomms? pref"
    r"|\b(?:send|mail|write) (?:you|me|us)\b|\b(?:our|the|monthly|weekly|news) ?letters?\b"
    r"|powiadom|benachr|avisos\b|notific"
    r"|berechtig|\binformed\b"
    r"|auf dem laufenden|up to date|in touch|tenir informe|tenu informe"
    r"|mantener\w* informad"
    r"|\b(?:er|ge)wunscht|\bsouhaite|\bdesead|желательн|бажан|\bsoovitud"
    r"|\bpermis[os]?\b|\bfreigabe"
    r"|\w+brief\b|kundeninfo|mitgliederinfo|\bhear from\b|von uns hor|tenir au courant"
    r"|\breachable|erreichbar|joignable|kattesaadav|\bdarf ich|durfen wir|(?:anschreib|schreib|kontaktier|melde)en\b"
    r"|\b(?:write|email|contact|message) (?:to )?you\b|\bkirjuta(?:da|b)?\b|\bписать\b|\bнаписать\b|\bписати\b"
    r"|надсил|присыл"
    r"|\becrire\b|\bcontacter\b|\bescribir\w*|\bcontactar\w*|\bscriver\w*|\bcontattar\w*|\bskriva\b|\bskrive\b"
    r"|\bnotif(?:y|ied|ications?)\b|benachrichtig|уведомл|повідомл|\bteavit"
    r"|may we|send me|\bnews\b|updates|receive|recib|recevoir|отримув|получа|tellib|infolettre|lettre"
)
_FIGURES: Final = re.compile(
    r"\b(?:opens?|opened|clicks?|clicked|sent|sends|mail ?format|mail ?display|html|format|text"
    r"|counts?|number|total|last|score|rating|id|dates?|time"
    r"|reason|source|url|mode|name|language|expir\w*|ablauf|until)\b|letters? (?:read|sent)"
)


def good_part(name: str) -> bool:
    """Does a column of yes and no ask whether the person wants mail, by a part of its name (``plain``)?"""
    return _GOOD.search(name) is not None and not is_figure(name)


def good_word(word: str) -> bool:
    """Is a single word (``plain``) one by which a name asks for an agreement, whatever its ending?"""
    return _GOOD.match(word) is not None or _SHORT_GOOD.fullmatch(word) is not None or WANTS.match(word) is not None


_MAIL_ALONE: Final = re.compile(
    r"\be ?mails?\b|\w*mails?\b|\be ?post\w*|\be?meil\w*|\bcorreo\w*|\bcourriel\w*|почт\w*|пошт\w*"
)


def is_unclear(name: str) -> bool:
    """Does the name (``plain``) of a column of flags say that it is about mail, and nothing more that is understood?"""
    rest = " ".join(_MAIL_ALONE.sub(" ", name).split())
    return rest != name and bool(rest) and not certain(rest) and _GOOD.search(rest) is None


def is_figure(name: str) -> bool:
    """Is a column (``plain``) about what was sent or read, how often or when, rather than what was agreed?"""
    return _FIGURES.search(name) is not None


_SHORT_BAD: Final = (
    (re.compile(r"\b(?:uns|unsb|usub|unsubs?cr?|optd?out|oo)\b"), Said.LEFT),
    (re.compile(r"\b(?:bnc|bncd|bnce|hb|hbnc|hrdbnc|inv|invld)\b"), Said.BOUNCED),
    (re.compile(r"\b(?:cmp|cmpl|cmplt|cmplnt|complt|fbl|spm)\b"), Said.COMPLAINED),
    (re.compile(r"\b(?:dnm|dne|dnem|dns|bl|blk|blkd|blckd|blcklst|supp|suppr|sprr|sperr)\b"), Said.STOPPED),
    (re.compile(r"\b(?:del|deld|dltd|deact|inact|inactv|susp|susp(?:nd)?d)\b"), Said.REFUSED),
)
_SHORT_GOOD: Final = re.compile(
    r"\b(?:nl|nwl|nlt|nletter|newsl|nltr|mkt|mktg|mkg|mrktg|mlg|emkt|eml|promos?|comms|edm|subsc|subscr|subs?"
    r"|optin|oi|doi|soi|soglas\w*|sogl|rass?ylk\w*|podpisk\w*|werb\w*|infomails?|kontakterl\w*)\b"
    r"|\bok to (?:e ?mail|mail|contact|send)|\bmay (?:e ?mail|mail|contact|send)|\be ?mail ok\b|\bmail ok\b"
)


def short_part(name: str) -> Said:
    """What a column of yes and no says where it is set, by an abbreviation in its name (``plain``): ``bnc_flg``."""
    if (said := next((said for pattern, said in _SHORT_BAD if pattern.search(name)), Said.NOTHING)) is not Said.NOTHING:
        return said
    return Said.AGREED if _SHORT_GOOD.search(name) else Said.NOTHING


_CODES: Final = re.compile(
    r"\b(?:flag|flg|kennz\w*|kz|code|indicator|ind|merkmal|marker|tick|tickbox"
    r"|check ?box|choice|answer|wahl|haken|opt"
    r"|признак|флаг|флажок|ознака|прапорец|tunnus|lipp|marca|indicateur|drapeau|bandera|reponse|antwort|vastus|ответ"
    r"|(?:q|field|feld|champ|campo|custom|attr|attribute|поле|vali|col|column|spalte|f|c|var|udf|cf) ?\d+)\b"
)
_PLAIN_CODES: Final = frozenset(("b2b", "b2c", "vat", "hr", "tv", "pc", "vip", "kyc", "dst", "ust", "gst"))


def is_code(name: str) -> bool:
    """Does a name (``plain``) say nothing to a reader: ``flag1``, ``kz_3``?"""
    words = name.split()
    if _CODES.search(name) is not None:
        return True
    return bool(words) and all(
        word not in _PLAIN_CODES and word.isascii() and not set(word) & set("aeiouy") for word in words
    )


_CHANNEL: Final = (
    r"(?:sms|text (?:messages?|messaging|subscri\w*|opt\w*|consent|marketing)|phone|mobile|whats ?app|push|mms"
    r"|viber|telegram|tele(?:ph|f)on\w*|calls?|fax\w*|anruf\w*|rufen"
    r"|телефон\w*|смс|звон\w+|дзвін\w+|helista\w*)"
)
_CHANNELS: Final = re.compile(rf"\b{_CHANNEL}\b")
_OTHER_MATTERS: Final = re.compile(
    r"\b(?:acs|one to one|1 1|(?:credit|order|billing|payment|shipping|account) hold|do not (?:sell|share)|sell my"
    r"|(?:trial|contract|warranty|coupon|card|deal|ticket|course|event|licen[cs]e|password|session|offer|auction|project)s?"
    r" (?:is |has |was )?(?:end\w*|expir\w*|clos\w*|cancel\w*|finish\w*|complet\w*|over)"
    r"|(?:portal|login|app|api|sso|card|device|licen[cs]e|trial)s? (?:is )?(?:activ\w*|enabled|aktiv\w*)"
    r"|(?:mahn|liefer|auftrags?|zahl\w*|buchungs?|kredit|bestell|einkaufs?|verkaufs?|rechnungs?|konto|versand)sperr\w*"
    r"|print|arve\w*|faktur\w*|rechnung\w*|factur\w*|fattur\w*|lasku\w*|счет\w*|рахун\w*|einvoic\w*|e invoic\w*"
    r"|transaction(?:al|s)?|schedules?|appointments?|bookings?|receipts?|invoices?|order (?:updates?|status)"
    r"|shipping|reviews?|reminders?|abandoned|surveys?|track\w*|\w+tracking|cookies?|analytics|profiling|photos?|foto\w*"
    r"|pictures?|bildrechte|videos?|medical|(?<!\be )post(?=$)|pildistami\w*|imagen|l image|съемк\w*|фото\w*"
    r"|third part(?:y|ies)|dritte\w*|tiers|terceros|третьи\w*|третіх|kolmanda\w*|партн\w*|partners?"
    r"|partenaires?|paper|papier"
    r"|(?<=in )brief|(?<!news )(?:post|letter) (?:permission|consent|opt|preference|marketing|contact)\w*"
    r"|postal|postalisch|printed|direct mail|online advertis\w*|brief ?post\w*|briefe?|papierpost"
    r"|postsendung\w*|courrier postal"
    r"|(?:per|by|par|via) (?:post|poste|brief))\b"
)
_WISHES: Final = re.compile(
    r"\b(?:remove|delete) (?:me|him|her|them|us|from)\b|\btake (?:me|him|her|them|us) off\b"
    r"|\btak(?:e|en) (?:it |this )?off\b|\bcross(?:ed)? (?:out|off)\b|\A(?:remove|delete|off|out)\Z"
    r"|\bplease (?:remove|delete)|\bto be (?:removed|deleted|taken off|unsubscribed)|\b(?:removal|deletion) request"
    r"|\bwants? (?:out|off)\b|\bbounce[sd]\b|отписа|відписа|maha votta|eemalda|abgemeld|abmeld|ausgetrag"
    r"|desabonn|desinscri|resilie|отказ|відмов|\bbaja\b|loobu|lahku|widerr|widerspr|withdr|revok|austragen"
    r"|\bretirer|\bsupprimer"
    r"|dar de baja|(?:will|mochte|wunscht) (?:\w+ ){0,2}nichts? mehr|gekundigt|kundigung"
    r"|gestrichen|ausgetragen|(?:raus|weg) (?:aus|von)\b|(?:aus|von) (?:der|dem|unserer|unserem) (?:liste"
    r"|verteiler|newsletter)"
    r"|\benlever|\brayer\b|\bsacar\w* de\b|\bkustuta(?:da|ge|b)\b|исключить|исключите|виключити|виключіть"
    r"|снять с рассыл"
    r"|\bquitar|\bborrar|\beliminar|loschen|entfernen|streichen|удалить|удалите|убрать|уберите|видалити"
    r"|видаліть|прибрати"
    r"|\b(?:has |have )?left (?:the|us|our)\b"
    r"|\bdeceased|\bdied\b|verstorben|gestorben|\bdecede|fallecid|\bумер|\bпомер|\bsurnud"
    rf"|{_NO_WISH}|{_NO_SENDING}"
)
"""What people note of somebody who may have left; whoever gave the list is asked."""


def elsewhere(name: str) -> bool:
    """Is a column (``plain``) about another way to a person than mail, or about another matter than mail?"""
    return (_CHANNELS.search(name) is not None and "mail" not in name) or _OTHER_MATTERS.search(name) is not None


def _of_mail(text: str) -> str:
    """A ``plain`` text without what it says of other ways to a person."""
    return _OTHER_WAY.sub(" ", text)


_OTHER_WAY: Final = re.compile(rf"\S+ (?:from |of )?{_CHANNEL}\b(?! ?mail| teel)")


def spoken(text: str) -> Said:
    """What a longer text beside an address says: a reply of a server, ``Unsubscribed via link``; else NOTHING."""
    if _SMTP.search(text.casefold()):
        return Said.BOUNCED
    said = plain(text)
    if _CHANNELS.search(said):
        said = _of_mail(said)
    found = _WITHIN.search(said)
    if found is None:
        dead = _OF_ADDRESS.search(said) and _TEXTS[1][0].search(said)
        return Said.UNKNOWN if dead or _WISHES.search(said) else Said.NOTHING
    if "bounce" in found[0] or "fail" in found[0]:
        return Said.BOUNCED
    if "list" in found[0]:
        return Said.STOPPED
    return Said.COMPLAINED if "spam" in found[0] else Said.LEFT
