"""The words of requests to be unsubscribed, and those of programs that answer by themselves.

In the languages that people and their programs write to us in. Every pattern
is looked for in bounded text and has bounded gaps, so that time stays linear.
"""

# ruff: noqa: RUF001, SIM905 - words of many alphabets, and lists of them as text

from __future__ import annotations

import re
import unicodedata
from typing import Final


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases), re.I)


# --- what a person asks ---------------------------------------------------------------

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
    " إلغاء الاشتراك הסר הסרה सदस्यता".split()
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
    " uudiskirja uutiskirje sähköposti الاشتراك".split()
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
)
_STRONG: Final = _VERBS - frozenset(
    "stop cancel remove removal signoff peru poistu annulla baja cancelar darse anular remover отказ"
    " отказаться отмена удалить"
    " удалите відмова 解除 הסר kündigen opzeggen".split()
)
"""Nothing else begins with these, so a list's name may follow."""
_NAMING_A_LIST: Final = 7
_LONGEST: Final = 12
"""Words of a request that is nothing else."""
_ADDRESS: Final = re.compile(r"[^\s<>]{1,64}@[^\s<>]{1,255}")
_TOKENS: Final = re.compile(r"[^\s.,;:!?\"“”„«»<>()\[\]{}|*_#=~/\\+]+")
_MACHINE_TEXT: Final = _any(
    r"^this (?:message|e-?mail|request) was (?:automatically|auto-?)? ?(?:generated|sent|created) by\b.{0,80}$",
    r"^apple mail sent this e-?mail to unsubscribe\b",
    r"^(?:this|the) (?:user|recipient|person|subscriber).{0,60}(?:unsubscrib|opt(?:ed)? out|remov)",
    r"^(?:our|a|this) (?:user|customer|member).{0,80}(?:unsubscrib|no longer (?:wish|want)|opt(?:ed)? out)",
    r"^on behalf of .{0,120}(?:unsubscrib|remov|opt)",
)
"""What mail programs and services write below a click."""
_ASKS: Final = _any(
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
    r"eemalda(?:ge)? (?:mind|minu)|ei soovi .{0,30}(?:kirju|uudis)|请(?:退订|取消)|配信を?停止して|해지해",
)
"""A person's longer letter that asks for it in so many words: programs that answer write "unsubscribe" too."""
_CONTRARY: Final = _any(
    r"\b(?:do(?: not|n.t)|never|not to|didn.t|did not) (?:want to )?un-?subscrib",
    r"\bkeep (?:me|my|us) (?:subscribed|on)|\bstay (?:subscribed|on the list)|\bre-?subscribe"
    r"|^\s*(?:please )?subscribe\b",
    r"nicht abmelden|wieder anmelden|не отписывайте|не отписывал",
)
_NOT_A_REQUEST: Final = _any(
    r"confirm|success|\bnot\b|n't|never|about|received|pending|fail|error|result|complete|done|link|how"
    r"|why|button|test"
)


# --- what programs say -----------------------------------------------------------------

AWAY: Final = _any(
    r"\bout[ -]of[ -](?:the[ -])?office\b|\booo\b",
    r"\bauto(?:matic|mated|m)?[- ]?(?:re(?:ply|sponse|sponder)|answer)|^auto:",
    r"\b(?:on|my|i am|i'm|in) (?:\w+ )?(?:vacation|holidays?|annual leave|sick leave|business trip)\b|\bvacation\b",
    r"\b(?:annual|parental|maternity|paternity|sick|on) leave\b",
    r"\b(?:i am|i'm|is|currently|be|am) away\b|\baway (?:from|until|message|till)",
    r"\b(?:absence|absent)\b|\babwesen|\bnicht (?:im (?:büro|haus)|erreichbar)|\b(?:im|in) urlaub\b"
    r"|urlaubs(?:notiz|vertretung)",
    r"automatische antwort|automatisch antwoord|automatisk (?:svar|svarsmeddelande)|autosvar|afwezig|niet"
    r" aanwezig|frånvaro",
    r"fravær|ikke til stede|semester\b.{0,30}(?:till|tillbaka)|poissa|lomalla|kohaloleku|automaatvastus"
    r"|puhkusel|eemal\b",
    r"réponse automatique|message d'absence|absent du bureau|en congés?\b|en vacances",
    r"respuesta autom|fuera de (?:la )?oficina|de vacaciones|ausente|ausencia|resposta autom|fora do"
    r" escritório|de férias",
    r"risposta automatica|fuori (?:ufficio|sede)|in ferie|assenza|assente|răspuns automat|plecat din"
    r" birou|concediu",
    r"odpowiedź automatyczna|autoodpowiedź|nieobecn|na urlopie|poza biurem|automatická odpoveď|automatická odpověď"
    r"|mimo kancelář|dovolen",
    r"automatikus válasz|házon kívül|szabadság|automatski odgovor|samodejni odgovor|na godišnjem|izven pisarne",
    r"automatinis atsakymas|atostog|automātiskā atbilde|atvaļinājum|otomatik yanıt|ofis dışında|izindeyim"
    r"|αυτόματη απάντηση",
    r"автоответ|автоматический ответ|автоматична відповідь|в отпуске|у відпустці|отсутству|відсутн|вне офиса"
    r"|автоматичен отговор|нахожусь в отпуске|буду доступ",
    r"\b(?:på|i) (?:ferie|semester|barsel|orlov)\b|(?:op|met) vakantie|außer haus|nicht zu erreichen"
    r"|wieder erreichbar",
    r"no longer (?:work|employed|with|monitor|in use|check)|has left (?:the |our )?(?:company|organi|firm)"
    r"|(?:not|un)[- ]?monitored",
    r"limited access to (?:my )?e-?mail|(?:will|to) (?:be back|respond|reply|return) (?:on|when|upon"
    r"|after|until|as soon)",
    r"(?:office|shop|store|company)\b.{0,20}\b(?:is|are|will be|remains) closed|^office closed|closed"
    r" (?:for|until|from) "
    r"|(?:büro|geschäft).{0,30}geschlossen|bureaux?.{0,30}fermé|oficina.{0,30}cerrad|офис.{0,30}закрыт",
    r"(?:нет|не буд[уе]т?|не нахожусь) (?:на месте|в офисе|на работе)|(?:меня|мене) (?:нет|не буде?т?|немає)",
    r"(?:e-?mail )?address (?:has |is |was )?(?:changed|moved|new)|new e-?mail address|(?:has|have) moved to\b"
    r"|neue (?:e-?mail|mail)-?adresse|nouvelle adresse|новый адрес",
    r"\bhas (?:retired|left)\b|retired from|im ruhestand|à la retraite",
    r"\bausên|estarei (?:fora|ausente)|fora até|en cong|\bem férias|\bde baixa\b|szabadságon|nyaral",
    r"我正在休假|出差|不在办公室|外出|휴가|إجازة|חופשה|izinliyim|urlopu",
    r"自動返信|自动回复|自動回覆|不在|休暇|休假|자동 ?(?:회신|응답)|부재중"
    r"|رد تلقائي|الرد التلقائي|מענה אוטומטי|מחוץ למשרד",
)
FAILED: Final = _any(
    r"niet bezorgd|onbestelbaar|olevererat|kunde inte levereras|ikke levert|kunne ikke leveres"
    r"|nedoručiteln|niedostarczon",
    r"nie można dostarczyć|não foi possível entregar|não entregue|kézbesíthetetlen|nu a putut fi livrat"
    r"|teslim edilemedi"
    r"|toimitus epäonnistui|kirja ei õnnestunud|toimetamata|配信不能|无法投递|退信|반송",
    r"\b(?:mail|message|e-?mail)s? (?:was |has been |is )?(?:rejected|refused|blocked|quarantined|not"
    r" accepted|bounced|held)",
    r"un-?deliver(?:able|ed)|return(?:ed)? (?:mail|to sender)|(?:mail|message|delivery)[ -](?:delivery"
    r" )?(?:fail|status|error)",
    r"failure notice|non-?delivery|could ?n.t be delivered|could not be delivered|not delivered|delivery"
    r" (?:has )?(?:been )?delay",
    r"nicht zugestellt|unzustellbar|non remis|échec de (?:la )?remise|no (?:se pudo )?entreg|mancato"
    r" recapito|недостав|не доставл",
)
_READ: Final = _any(
    r"^(?:re: ?)?(?:read|not read|gelesen|ungelesen|lu|non lu|leído|letto|lida|lido|gelezen|läst|lest"
    r"|læst|luettu|przeczytane"
    r"|přečteno|прочитано|прочтено|olvasva|loetud|citit"
    r"|已读|開封済み|읽음|delivered|deleted unread|displayed)\s*[:：-]",
    r"\b(?:read|return|delivery|disposition) (?:receipt|notification|confirmation)|lesebestätigung|accusé"
    r" de (?:lecture|réception)"
    r"|confirmación de lectura|conferma di lettura|уведомление о прочтении|開封確認",
)
CHALLENGE: Final = _any(
    r"^challenge\b",
    r"captcha|prove (?:that )?you|verification required|(?:sender|e-?mail) (?:authentication|approval) required",
    r"\b(?:is|was|been|are) (?:put |placed )?on hold|held (?:for|in) |sender (?:address )?verif|reply to"
    r" this (?:message|e-?mail) to",
    r"(?:confirm|verify|validate|authenticate).{0,40}(?:your (?:message|e-?mail|address|identity)|you are"
    r"|sender|delivery)",
    r"(?:challenge|sender)[ -](?:response|verification|confirmation)|spam ?arrest|boxbe|tmda|bluebottle"
    r"|mailblocks|earthlink spamblocker",
    r"(?:are|that) you(?:'re| are)? (?:a )?(?:human|person|real)|not a robot|waiting for your"
    r" (?:confirmation|verification)",
    r"(?:подтвердите|підтвердіть).{0,40}(?:отправ|адрес|письм|человек)|bestätigen sie.{0,40}(?:nachricht"
    r"|absender|adresse)",
    r"held (?:until|pending)|(?:click|reply|follow).{0,60}(?:to (?:deliver|release)|so that (?:your|the) message)",
)
_SCANNED: Final = _any(
    r"infected (?:object|file|message|e-?mail)|\bsuspected (?:spam|virus|phish)|\b(?:threat|malware)"
    r" (?:found|notification)",
    r"attachments? (?:was |were |have been |has been )?(?:removed|stripped|deleted|blocked)|quarantin"
    r"|[{\[](?:virus|spam|malware)\?*[}\]]",
    r"\b(?:virus|malware|trojan|threat|infected|phish\w*)\b.{0,40}(?:found|detect|alert|warning|remov"
    r"|block|quarantin|notif)",
    r"(?:found|detected|removed|blocked|quarantin\w*).{0,40}\b(?:virus|malware|attachment|threat|message|spam)\b",
    r"^\W*(?:virus|malware|spam) (?:alert|warning|notification|report|quarantine)|quarantine"
    r" (?:notification|summary|digest|report)",
    r"вирус.{0,40}(?:обнаруж|найден)|viren?(?:warnung|fund)|link (?:scan|check)|url (?:scan|check"
    r"|reputation)|scan (?:result|report)",
)
_TAKEN: Final = _any(
    r"(?:team|agent|someone|we).{0,30}\bwill (?:soon |shortly )?(?:reply|respond|answer|contact|get back"
    r"|be in touch)|in our inbox",
    r"dziękujemy za|otrzymaliśmy|děkujeme za|ďakujeme za|přijali jsme|jsme přijali|köszönjük|megkaptuk"
    r"|obrigad[oa] pel|recebemos sua"
    r"|grazie per (?:aver|il)|bedankt voor|wij hebben uw|tack för (?:ditt|att)|vi har mottagit|tak for"
    r" din|kiitos (?:viesti|yhtey)"
    r"|hvala (?:na|vam)|vă mulțumim|teşekkür ederiz|благодарим|отримали ваш|получили ваш|お問い合わせ|感谢您的",
    r"[\[(](?-i:[A-Z]{2,10})-\d+[\])]|\[ ?ref:|\(#\d{3,}\)|\[#\d{3,}\]",
    r"\[?(?:ticket|case|request|incident|issue|ref(?:erence)?)\s*(?:id|no\.?|number)?\s*[:#№-]+\s*[\w-]*\d",
    r"\b(?:ticket|case|request|message|e-?mail|enquiry|inquiry|mail)\b.{0,40}\b(?:has been |was |been )?"
    r"(?:received|created|opened|registered|logged|assigned|acknowledged)\b",
    r"\b(?:we|have|has) (?:have )?received your|thank(?:s| you) for (?:contacting|your (?:e-?mail|message"
    r"|request|enquiry|inquiry)"
    r"|reaching|writing|getting in touch)|we(?:'ll| will) (?:get back|respond|reply|be in touch)|support"
    r" (?:request|ticket)",
    r"eingangsbestätigung|vielen dank für ihre (?:nachricht|anfrage|e-?mail)|ihre anfrage|accusé de"
    r" réception|merci (?:de|pour) (?:nous"
    r" avoir|votre (?:message|demande))|hemos recibido|gracias por (?:contactar|su mensaje|escribir)"
    r"|abbiamo ricevuto|recebemos",
    r"(?:ваш[ае]? |вашу )(?:обращение|заявк[ау]|запрос|письмо).{0,40}(?:принят|получен|зарегистрирован)"
    r"|дякуємо за|спасибо за (?:обращение"
    r"|ваше|письмо)|teie (?:kiri|pöördumine).{0,30}(?:kätte|vastu|registreeri)|täname (?:teid )?(?:kirja"
    r"|pöördumise)",
)
_LISTED: Final = _any(
    r"^(?:re: ?)?your (?:subscription|membership|registration|request) (?:to|for|with|has)\b",
    r"your (?:message|posting|post) to .{1,80}(?:await|held|reject)|awaits moderator|moderat(?:or|ion)"
    r" (?:request|approval)",
    r"results of your e-?mail commands|welcome to the .{1,80} (?:mailing )?list|confirm(?:ation)? (?:of "
    r"|your )?subscription",
    r"^\s*confirm [0-9a-f]{8}|you are not (?:allowed|permitted|subscribed)|non-?member submission",
)
_AUTOMATIC: Final = _any(
    r"\bautom(?:at|á|à)|\botomatik|автомат|αυτόματ|自動|自动|자동|tự động|تلقائي|אוטומטי|อัตโนมัติ|स्वचालित",
)
"""In every language the same word; "automatic" is what such programs call themselves."""
SUBJECTS: Final = (
    (_AUTOMATIC, "an automatic answer"),
    (AWAY, "a notice of absence"),
    (FAILED, "a report of delivery"),
    (_READ, "a receipt"),
    (CHALLENGE, "a challenge"),
    (_SCANNED, "a scanner"),
    (_TAKEN, "an acknowledgement"),
    (_LISTED, "a mailing list's program"),
)
"""Words of a subject, and what writes them; the first that is found counts."""
_WAS_READ: Final = _any(
    r"\byour (?:message|e-?mail|mail)\b.{0,200}\bwas (?:read|displayed|deleted|opened)\b|this is a"
    r" (?:return|read) receipt",
    r"wurde (?:gelesen|angezeigt|gelöscht)|a été (?:lu|affiché)|было (?:прочитано|открыто)",
)
TEXTS: Final = (
    (_WAS_READ, "a receipt"),
    (AWAY, "a notice of absence"),
    (CHALLENGE, "a challenge"),
    (_TAKEN, "an acknowledgement"),
    (_SCANNED, "a scanner"),
    (_LISTED, "a mailing list's program"),
)
ANSWER: Final = _any(
    r"\bautom(?:at|á|à)\w*|автоматич|otomatik olarak|自動的?に|自动(?:发送|回复)|자동으로",
)
"""In a text that asks for nothing."""
DAEMON: Final = _any(
    r"mailer[-_. ]?daemon", r"post[-_]?master\b", r"mail ?delivery", r"delivery ?(?:sub)?system", r"mdaemon"
)
"""In From: mail systems."""
NO_ANSWER: Final = _any(r"\b(?:no|do[-_.]?not|dont)[-_.]?(?:reply|respond|answer)\b")
"""In From: nobody reads what is answered, so nobody wrote it."""
SCANNER: Final = _any(
    r"(?:mail|e-?mail|link|url|uri|virus|security|content|spam|web|threat)[-_ .]?(?:scan(?:ner|ning)?"
    r"|check(?:er)?|gateway|guard|sandbox)\b",
    r"anti-?(?:virus|spam|malware)|amavis|clamav|safe ?links|url ?defense|honey ?pot|\b(?:crawler|spider"
    r"|linkbot|scan-?bot)\b|\bscanner\b",
    r"\b(?:probe|prober|verifier|validator|checker)\b",
)
"""In From, User-Agent or X-Mailer: programs that follow every address to see what is behind it."""


def command(text: str, *, fresh: bool = False, strict: bool = False) -> bool:
    """Whether a text asks to be unsubscribed and says nothing else.

    Few words, one of them the request, the others such as go with it, or the
    name of a list behind it. ``fresh``: it repeats no other subject, so that
    the request may stand anywhere in it; ``strict``: it does, so that nothing
    else may stand in it.
    """
    folded = unicodedata.normalize("NFC", text).lower().replace("’", "'")
    folded = _ADDRESS.sub(" ", folded[:2000])
    kept = "\n".join(line for line in folded.split("\n")[:12] if not _MACHINE_TEXT.search(line.strip()))
    words = _TOKENS.findall(kept[:400])
    if len(kept) <= 30 and any(word in kept for word in _WITHOUT_SPACES):
        return True
    if not words:
        return text.strip() != "" and kept.strip() == ""
    if len(words) > _LONGEST:
        return False
    # A word with a colon in front is what programs put before a subject that they answer.
    named = bool(_STRONG & set(words)) if fresh and ": " not in kept else words[0] in _STRONG
    if named and not strict and len(words) <= _NAMING_A_LIST and not _NOT_A_REQUEST.search(kept):
        return True
    return any(word in _VERBS for word in words) and all(
        word in _VERBS or word in _FILL or word.strip("-–—'") == "" for word in words
    )


def contrary(text: str) -> bool:
    """Whether it asks to stay, or to come back."""
    return bool(_CONTRARY.search(text))


def asks(text: str) -> bool:
    """Whether a person's longer letter asks for it somewhere."""
    return bool(_ASKS.search(text))
