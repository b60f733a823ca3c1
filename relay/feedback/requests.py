"""The words of those who ask to be unsubscribed, in the languages that people write to us in.

Every pattern is looked for in bounded text and has bounded gaps, so that time
stays linear.
"""

# ruff: noqa: RUF001, SIM905 - words of many alphabets, and lists of them as text

from __future__ import annotations

import re
import unicodedata
from typing import Final


def any_of(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases), re.I)


_VERBS: Final = frozenset(
    # English, and what mail programs write in every language
    "unsubscribe unsubscribed unsubscription unsubscribing unsub remove removal optout opt-out"
    " list-unsubscribe stop cancel signoff"
    # German, Dutch, the Nordic languages
    " abmelden abmeldung abbestellen abbestellung austragen kündigen afmelden uitschrijven opzeggen"
    " avsluta avregistrera"
    " avprenumerera avmeld avmelding afmeld afmelding frameld peru peruuta poistu tellimusest"
    # French, Italian, Spanish, Portuguese, Romanian, Catalan
    " désabonner désabonnement désinscription désinscrire desabonner desinscription annulla disiscriviti"
    " disiscrizione"
    " cancellami cancellazione disiscrivimi baja darme cancelar darse desuscribir desuscribirme desuscripción"
    " desuscribirse"
    " anular descadastrar descadastro descadastre dezabonare dezabonează desinscrever remover"
    # Polish, Czech, Slovak, Hungarian, Croatian, Slovenian, Lithuanian, Latvian, Estonian, Finnish, Turkish, Greek
    " wypisz wypisanie wypisać rezygnacja rezygnuję odhlásit odhlášení odhlásiť odhlásenie odhlaste leiratkozás"
    " leiratkozom leiratkozni odjava odjavi atsisakyti atsisakau atrakstīties tühista tühistamine loobun loobu"
    " peruutus abonelikten abonelikten-çık διαγραφή απεγγραφή"
    # Turkish, Vietnamese, Indonesian
    " aboneliği aboneliğimi abonelikten hủy huỷ berhenti"
    # Russian, Ukrainian, Bulgarian, Serbian, Belarusian
    " отписаться отписка отписать отпишите отписатся отказ отказаться отмена удалить удалите відписатися"
    " відписатись"
    " відписка відпишіть відмова отпиши отписване отпиша одјава адпісацца"
    # Chinese, Japanese, Korean, Arabic, Hebrew, Hindi
    " 退订 退訂 取消订阅 取消訂閱 配信停止 登録解除 購読解除 解除 수신거부 구독취소 구독해지"
    " إلغاء הסר הסרה सदस्यता"
    # and more of all these
    " відписати atteikties atteikšanās atšaukti κατάργηση ακύρωση"
    " leave quit widerruf widerrufe widerrufen austragung löschen entfernen abo-kündigung löschung"
    " afskrá afskráning odjavite odjavim odjavu baixa donar-me donar-se baixar-me harpidetza-kendu"
    " résilier résiliation désabonnez désinscrivez désabonnez-moi désinscrivez-moi supprimez retirez"
    " annullare annullamento disiscrivere disiscrivermi cancellarmi cancellare"
    " cancelamento cancele descadastre remova descadastramento"
    " avslutt avslut stopp stoppa opsig opsige afbestil afbestille opzegging"
    " wypisania wyrejestruj zrezygnować usuń usunięcie odhlásenia odhlasit odhlasenie zrušit zrušiť"
    " leiratkozna lemondás lemondom töröljenek atsisakymas atrakstīšanās lõpeta lõpetan eemalda eemaldage katkesta"
    " çıkar çık iptal çıkart kaldır çregjistrohu çabonohu nyahlanggan откажи откажете одјавити одјавите"
    " отмените отменить прекратить скасувати скасуйте скасування видалити видаліть відмовитися"
    " لغو გაუქმება չեղարկել".split()
)
_FILL: Final = frozenset(
    "please me my from the this your of list lists mailing mail mails email e-mail emails newsletter"
    " newsletters request"
    " to for all now address subscription messages us it off i want would like be and thanks thank you"
    " hello hi kindly"
    " bitte mich vom von aus der dem den diesem ihrem newsletters liste verteiler danke"
    " me merci svp de du des la le les ma mon mes votre cette liste s'il vous plaît newsletters"
    " por favor lista correo boletín suscripción da do minha meu dal dalla dai mia mio dalle iscrizione per favore"
    " mnie proszę z listy newslettera mě prosím z ze mne"
    " пожалуйста меня от с из рассылки рассылка рассылку подписки подписку мой адрес прошу вашей писем"
    " будь ласка мене від"
    " розсилки розсилку palun mind listist meililistist uudiskirjast uudiskiri kérem hírlevélről"
    " alstublieft mij van nieuwsbrief tack mig från nyhetsbrev utskick nyhetsbrevet takk fra meg nyhetsbrev çık"
    " demande solicitud richiesta anfrage wniosek запрос заявка taotlus pyyntö begäran verzoek pedido kérelem talep"
    " listeden lütfen iptal et edin etmek istiyorum đăng ký nhận tin berlangganan tolong saya please!"
    " uudiskirja uutiskirje sähköposti الاشتراك"
    " hereby hi, dear sir madam team again not-interested regards best kind cheers sincerely greetings"
    " hello, grüße grüßen mfg freundlichen mit hiermit einwilligung meiner mein meine abo abonnement"
    " abonnements daten adresse e-mail-adresse sie ihren bonjour cordialement monsieur madame"
    " l'abonnement d'abonnement moi je vous prie saludos favor suscripciones mi mis al subscrição inscrição"
    " assinatura subscrições prenumeration prenumerationen abonnementet nyhedsbrev nyhedsbrevet fra"
    " subskrypcji subskrypcja newsletterów moją adresu odběr odběru odber odberu noviniek novinek zasílání"
    " feliratkozás tilaus tilauksen tilaukseni postituslistalta prenumeratos naujienlaiškio no jaunumiem"
    " tellimus tellimuse tellimust uudiskirjade s popisa obavijesti претплата претплату бюлетина листе"
    " se nu o підписку підписки підписка uutiskirjeen wypisanie wypisanie souhaite deseo quiero odběru prosím o"
    " abonementa prenumeratą prenumeratos εγγραφής εγγραφή συνδρομής اشتراك الاشتراك מרשימת תפוצה התפוצה"
    " αίτημα από τη λίστα αλληλογραφίας".split()
)
_WITHOUT_SPACES: Final = (
    "退订",
    "退訂",
    "取消订阅",
    "取消訂閱",
    "配信停止",
    "登録解除",
    "購読解除",
    "수신거부",
    "ยกเลิก",
    "수신 거부",
    "구독취소",
    "구독 취소",
    "구독해지",
    "구독 해지",
    "メルマガ解除",
    "解除する",
    "解除希望",
    "退会",
    "購読中止",
    "停止して",
    "停止希望",
    "取消訂",
    "取消订",
    "لغو اشتراک",
    "გამოწერის გაუქმება",
    "բաժանորդագրությ",
    "жазылымнан бас тарту",
    "meld meg av",
    "meld mig fra",
    "harpidetza kendu",
    "सदस्यता समाप्त",
)
_STRONG: Final = _VERBS - frozenset(
    "stop cancel remove removal signoff peru poistu annulla baja cancelar darse anular remover отказ"
    " отказаться отмена удалить"
    " удалите відмова 解除 הסר kündigen opzeggen"
    " leave quit widerruf widerrufe widerrufen löschen entfernen löschung odjavu baixa résilier résiliation"
    " supprimez retirez annullare annullamento cancellare cancelamento cancele remova avslutt avslut stopp stoppa opsig"
    " opsige afbestil afbestille opzegging usuń usunięcie zrušit zrušiť lemondás lemondom lõpeta lõpetan eemalda"
    " eemaldage katkesta çıkar çık iptal çıkart kaldır откажи откажете отмените отменить прекратить скасувати"
    " скасуйте скасування видалити видаліть відмовитися إلغاء لغو გაუქმება չեղարկել".split()
)
"""Nothing else begins with these, so a list's name may follow."""
_NAMING_A_LIST: Final = 7
_FROM: Final = frozenset("from vom von aus de des du dal dalla van från fra z ze от від з из с із".split())
_LONGEST_NAME: Final = 24
_LONGEST: Final = 12
"""Words of a request that is nothing else."""
_ADDRESS: Final = re.compile(r"[^\s<>]{1,64}@[^\s<>]{1,255}")
_TOKENS: Final = re.compile(r"[^\s.,;:!?\"“”„«»<>()\[\]{}|*_#=~/\\+]+")
_MACHINE_TEXT: Final = any_of(
    r"^this (?:message|e-?mail|request) was (?:automatically|auto-?)? ?(?:generated|sent|created) by\b.{0,80}$",
    r"^apple mail sent this e-?mail to unsubscribe\b",
    r"^(?:this|the) (?:user|recipient|person|subscriber).{0,60}(?:unsubscrib|opt(?:ed)? out|remov)",
    r"^(?:our|a|this) (?:user|customer|member).{0,80}(?:unsubscrib|no longer (?:wish|want)|opt(?:ed)? out)",
    r"^on behalf of .{0,120}(?:unsubscrib|remov|opt)",
)
"""What mail programs and services write below a click."""
_ASKS: Final = any_of(
    r"\b(?:please|pls|kindly|want(?: to)?|wish(?: to)?|like to|must|can you|could you|and) (?:be"
    r" )?(?:un-?subscribed?|opt(?:ed)?[- ]out)",
    r"\bun-?subscribe (?:me|us|my|this address)|\b(?:remove|delete) (?:me|us|my|this (?:e-?mail"
    r" )?address)|take (?:me|us|my) .{0,20}off",
    r"\bstop (?:sending|mailing|e-?mailing) (?:me|us)|do(?: not|n.t) (?:send|mail|e-?mail|contact|write"
    r" to) (?:me|us)\b|leave me alone",
    r"\bno (?:more|longer)\b.{0,40}(?:e-?mails?|messages|newsletters?) (?:please|from you)|opt me out",
    r"\b(?:bitte|möchte|will|wünsche).{0,40}\b(?:abmeld|abbestell|austrag|austragen|entfern|löschen)",
    r"keine (?:weiteren |mehr )?(?:e-?mails|mails|newsletter) mehr",
    r"désabonnez|désinscri(?:vez|re)[- ]moi|(?:darme|denme|dadme) de baja|desuscríb(?:e|a)[nm]|no"
    r" (?:quiero|deseo) recibir",
    r"disiscrive(?:temi|rmi)|cancellate?mi|me (?:descadastr|remov)|dezabonați-mă|schrijf mij uit"
    r"|wypiszcie mnie|odhlaste mě",
    r"отпишите|відпишіть|уберите (?:меня|мой)|удалите (?:меня|мой)|не (?:присылайте|надсилайте|пишите)|прекратите",
    r"\b(?:un-?subscribe|remove|delete) (?:him|her|them|his)\b|(?:\b(?:i|we)\b.{0,20}(?:not|n.t"
    r"|no longer) (?:want|wish|need|care)|no longer"
    r" (?:want|wish|interested))"
    r"|not interested|(?:möchte|will|wünsche|brauche)\b.{0,60}\b(?:nicht mehr|keine|nichts mehr)|kein(?:e"
    r"|en)? interesse",
    r"ne (?:veux|souhaite|désire)\b.{0,20} (?:plus|pas)|no (?:me interesa|quiero)|non (?:voglio|desidero"
    r"|mi interessa)"
    r"|não (?:quero|desejo|tenho interesse)|nu (?:mai )?(?:doresc|vreau)|wil(?:len)? (?:geen|niet)|geen interesse",
    r"(?:vil|ønsker|vill|önskar) (?:ikke|inte|ej)\b|en halua|ei (?:taha|soovi)|nie (?:chcę|życzę)"
    r"|(?:už )?nechc(?:i|em)\b"
    r"|nem (?:kérek|szeretnék|akarok)|ne želim|nenoriu|nevēlos|δεν (?:θέλω|επιθυμώ)|istemiyorum|не (?:хочу|желаю"
    r"|бажаю"
    r"|искам|желим)|不(?:想|要|需要)|必要ありません|不要です|원하지 않|không muốn|tidak (?:mau|ingin)|لا أريد"
    r"|לא רוצה",
    r"[.!?] (?:please |pls )?unsubscribe[.!]",
    r"eemalda(?:ge)? (?:mind|minu)|ei soovi .{0,30}(?:kirju|uudis)|请(?:退订|取消)|配信を?停止して|해지해",
    r"\b(?:unsubscribe|remove) \S{1,64}@\S{1,255}|aus (?:ihrem|dem|eurem|der) (?:e-?mail-?)?(?:verteiler|liste)",
    r"retire[rz]? .{1,80} de (?:votre|la|cette) liste|больше не (?:хо[чт]\w*|желаю).{0,30}(?:получать|рассыл)"
    r"|більше не хо[чт]\w*.{0,30}отримувати|widerrufe .{0,30}einwilligung",
)
"""A person's longer letter that asks for it in so many words: programs that answer write "unsubscribe" too."""
TAGGED: Final = re.compile(
    r"^\s*(?:(?:[\[({<*#!]{1,5}\s*(?:ext\b|extern|outside|(?:suspected |possible |probable |potential |likely )?spam"
    r"|bulk|junk|caution|unverified|спам)[^\])}>*#\n]{0,25}[\])}>*#!]{1,5}|(?:external|extern|ext)\s*:)\s*)+",
    re.I,
)
"""What filters put before the subject of any letter, a person's too."""
_CONTRARY: Final = any_of(
    r"\b(?:do(?: not|n.t)|never|not to|didn.t|did not) (?:want |mean |intend |wish |ask |like )?(?:to )?un-?subscrib",
    r"\bkeep (?:me|my|us) (?:subscribed|on\b)|\bstay (?:subscribed|on (?:the|your|this) )|\bre-?subscribe"
    r"|^\s*(?:please )?subscribe\b",
    r"\bi (?:have |was |had )?un-?subscribed? (?:myself )?(?:by (?:mistake|accident)|accidentally|in error)"
    r"|(?:accidentally|mistakenly) un-?subscribed",
    r"nicht (?:abmelden|abbestellen|austragen)|wieder an(?:ge)?melde|versehentlich abgemeldet|не отписывайте"
    r"|не отписывал|не відписуйте",
    r"ne pas (?:me |m.)?d[ée]s(?:abonn|inscri)|ne (?:me |m.)d[ée]s(?:abonn|inscri)\w* pas|\bnon (?:mi )?disiscriv",
    r"\bno (?:me|nos) (?:den|des|dé) de baja|\bno (?:quiero|deseo) (?:darme de baja|desuscribir)",
)
_REPROACH: Final = any_of(
    r"\b(?:you|they|it|link|links|page|button|system|nobody|why|does|doesn.t)\b[^.!?\n]{0,40}"
    r"\b(?:not|never|\w{2,8}n.t)\b[^.!?\n]{0,15}un-?subscrib\w*",
    r"\b(?:not|never|stop|quit|without|was|were|been|got|why|kept|again|tired|\w{2,8}n.t)\b[^.!?\n]{0,30}"
    r"\b(?:re-?subscrib\w*|stay\b|keep (?:me|us|my)\b|subscribe\b)",
    r"\b(?:kann|konnte|warum|wieso|können)\b[^.!?\n]{0,40}nicht (?:abmelden|abbestellen|austragen)",
)
"""That we didn't do as asked, or that somebody wants to stay no longer: it sounds like the contrary."""
_NOT_A_REQUEST: Final = any_of(
    r"confirm|success|\bnot\b|n't|never|about|received|pending|fail|error|result|complete|done|link|how"
    r"|why|button|test|requests|report|cron"
    r"|^(?:daily|weekly|monthly)|statist"
)


def command(text: str, *, fresh: bool = False, strict: bool = False) -> bool:
    """Whether a text asks to be unsubscribed and says nothing else.

    Few words, one of them the request, the others such as go with it, or the
    name of a list behind it. ``fresh``: it repeats no other subject, so that
    the request may stand anywhere in it; ``strict``: it does, so that nothing
    else may stand in it.
    """
    folded = plain(text).lower().replace("i\u0307", "i").replace("%20", " ").replace("’", "'")
    folded = _ADDRESS.sub(" ", folded[:2000])
    kept = "\n".join(line for line in folded.split("\n")[:12] if not _MACHINE_TEXT.search(line.strip()))
    words = _TOKENS.findall(kept[:400])
    if len(kept) <= 30 and any(word in kept for word in _WITHOUT_SPACES):
        return True
    if not words:
        return text.strip() != "" and kept.strip() == ""
    if len(words) > (_LONGEST_NAME if words[0] in _STRONG else _LONGEST):
        return False
    # A word with a colon in front is what programs put before a subject that they answer.
    named = bool(_STRONG & set(words)) if fresh and ": " not in kept else _heads(words[0]) in _STRONG
    most = _LONGEST_NAME if len(words) > 1 and words[1] in _FROM else _NAMING_A_LIST
    if named and not strict and len(words) <= most and not _NOT_A_REQUEST.search(kept):
        return True
    return any(word in _VERBS or _STRONG & set(word.split("-")) for word in words) and all(map(_goes_with, words))


def _heads(word: str) -> str:
    """What a number or name is hung to: ``unsubscribe-1234``."""
    return word if word in _VERBS else word.partition("-")[0]


def _goes_with(word: str) -> bool:
    known = word in _VERBS or word in _FILL or word.strip("-–—'") == ""
    return known or (
        "-" in word and all(piece in _VERBS or piece in _FILL or piece.isdigit() for piece in word.split("-"))
    )


def plain(text: str) -> str:
    """In one spelling (NFKC), without the characters that nobody sees."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")


def contrary(text: str) -> bool:
    """Whether it asks to stay, or to come back, and not that somebody else should stop or didn't do as asked."""
    return bool(_CONTRARY.search(_REPROACH.sub(" ", text)))


def asks(text: str) -> bool:
    """Whether a person's longer letter asks for it somewhere."""
    return bool(_ASKS.search(text))
