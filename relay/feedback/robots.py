"""What programs write that answer by themselves, in the languages that they write in.

Every pattern is looked for in bounded text and has bounded gaps, so that time
stays linear.
"""

# ruff: noqa: RUF001 - words of many alphabets

from __future__ import annotations

from typing import Final

from relay.feedback.requests import any_of

AWAY: Final = any_of(
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
    r"|wieder erreichbar|frånvarand",
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
    r"\booto\b|\bpto\b|sabbatical|(?:i am|i'm|be|currently) (?:un-?available|travell?ing|out\b(?! of your))"
    r"|(?:sporadic|intermittent|little|no|limited) (?:e-?mail )?access to (?:my )?e-?mail|attending (?:a"
    r"|the) (?:conference"
    r"|training|course)|slow to (?:respond|reply)|\b(?:passed away|deceased)\b",
    r"no longer (?:an? )?(?:employee|member of (?:the )?staff|part of|active|valid|at\b)|for urgent (?:matters"
    r"|enquiries"
    r"|questions|issues)|have a new e-?mail",
    r"nicht (?:mehr )?(?:da\b|verfügbar|anwesend|besetzt|gültig|überwacht|gelesen|bearbeitet|bei uns"
    r"|für (?:unser|uns|die"
    r" firma))|(?:nicht mehr|ausgeschieden).{0,40}(?:beschäftigt|tätig|unternehmen|firma)|auf dienstreise"
    r"|wieder im büro"
    r"|dringenden? (?:fällen|angelegenheiten)",
    r"ne (?:suis|sera[is]*|fai[st]|travaille\w*) (?:pas|plus) (?:disponible|au bureau|joignable|partie|dans|chez"
    r"|pour)"
    r"|en déplacement|ya no (?:trabaja|forma parte)|(?:estaré|estoy) (?:fuera|de viaje|ausente)"
    r"|no estoy (?:disponible"
    r"|en la oficina)|non lavora più|sono (?:fuori|assente|in viaggio)|não (?:trabalha mais|estou (?:no|disponível))"
    r"|estou (?:fora|ausente|em viagem)|de vacances|estic (?:fora|absent)",
    r"(?:met|heb) verlof|niet op kantoor|afwezig|niet meer (?:werkzaam|in dienst)|ikke på kontoret|på (?:kurs|reise"
    r"|tjenestereise)|tjänstledig|föräldraledig|ikke til stede|ikke lenger (?:ansatt|i)|inte (?:på kontoret"
    r"|längre anställd)"
    r"|en ole (?:paikalla|toimistolla)|virkamatkalla|í fríi|fjarverandi|haiguslehel|komandeeringus|lähetuses"
    r"|ei tööta enam",
    r"nie ma mnie|nie pracuje już|przebywam na|nejsem v|nie som v|nejsem přítom|čerpám dovolenou|nem vagyok"
    r"|nincs(?:ek)?"
    r" (?:bent|az)|nisam u|na odmoru|na dopustu|nisem v pisarni|sunt (?:plecat|plecată|în)|esu (?:išvyk|komandiruot"
    r"|atostog)|komandiruot|komandējum|prombūtn|neesmu|απουσ[ιί]|εκτός γραφείου|σε άδεια|ofiste değil|izinde|tatilde",
    r"на больничном|в командировке|в отъезде|на лікарняному|у відрядженні|в отпуск|в отпуска|отпуск до|на одмору"
    r"|више не ради"
    r"|(?:больше|уже) не (?:работает|работаю)|більше не працю|вже не працю|не працює",
    r"お?休みを?(?:いただ|頂)|休業|出張中|席を外して|不在に|目前不在|不在公司|不在辦公室|休假中|度假|已离职"
    r"|已離職|휴가 ?중|출장 ?중|자리를 비",
    r"nghỉ phép|đi công tác|vắng mặt|sedang cuti|di luar kantor|छुट्टी|कार्यालय से बाहर|ไม่อยู่|ลาพัก|ลาพักร้อน"
    r"|בחופש|מחוץ למשרד|مرخصی"
    r"|غير موجود|خارج المكتب",
)
FAILED: Final = any_of(
    r"niet bezorgd|onbestelbaar|olevererat|kunde inte levereras|ikke levert|kunne ikke leveres"
    r"|nedoručiteln|niedostarczon",
    r"nie można dostarczyć|não foi possível entregar|não entregue|kézbesíthetetlen|nu a putut fi livrat"
    r"|teslim edilemedi"
    r"|toimitus epäonnistui|kirja ei õnnestunud|toimetamata|配信不能|无法投递|退信|반송",
    r"\b(?:mail|message|e-?mail)s? (?:was |has been |is )?(?:rejected|refused|blocked|quarantined|not"
    r" accepted|bounced|held)",
    r"un-?deliver(?:able|ed)|return(?:ed)? (?:mail|to sender)|(?:mail|message|delivery)[ -](?:delivery"
    r" )?(?:fail|status|error)",
    r"delivery (?:has |to )?.{0,30}\bfailed|failed to deliver|(?:could|was|were) not (?:be )?deliver"
    r"|unable to deliver"
    r"|failure notice|non-?delivery|could ?n.t be delivered|could not be delivered|not delivered|delivery"
    r" (?:has )?(?:been )?delay",
    r"nicht zugestellt|unzustellbar|non remis|échec de (?:la )?remise|no (?:se pudo )?entreg|mancato"
    r" recapito|недостав|не доставл",
)
_READ: Final = any_of(
    r"^(?:re: ?)?(?:read|not read|gelesen|ungelesen|lu|non lu|leído|letto|lida|lido|gelezen|läst|lest"
    r"|læst|luettu|przeczytane"
    r"|přečteno|прочитано|прочтено|olvasva|loetud|citit"
    r"|已读|開封済み|읽음|delivered|deleted unread|displayed"
    r"|gelöscht|ungelesen gelöscht|eliminado(?: sin leer)?|non letto|no leído|não lid[ao]|przeczytano|usunięto"
    r"|supprimé"
    r"|slettet|raderat|verwijderd|удалено|denied|processed)\s*[:：-]",
    r"\b(?:read|return|delivery|disposition) (?:receipt|notification|confirmation)|lesebestätigung|accusé"
    r" de (?:lecture|réception)"
    r"|confirmación de lectura|conferma di lettura|уведомление о прочтении|開封確認",
)
CHALLENGE: Final = any_of(
    r"^challenge\b",
    r"\[confirm\b|to have your (?:message|mail|e-?mail) delivered",
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
    r"(?:veuillez|merci de) confirmer|pour que votre message (?:soit|puisse)|para (?:entregar|que).{0,30}su mensaje"
    r"|confirm[ae] su mensaje|per consegnare|confermi? (?:cliccando|il (?:tuo|suo) messaggio)"
    r"|potwierd\w+ .{0,30}wiadomo"
    r"|чтобы (?:ваше )?письмо (?:было|дошло)|подтвердите, что вы",
    r"complete the verification|spam ?blocker|add (?:yourself|you|your address) to (?:my|the|their)"
    r" (?:allowed|approved|white|safe)|(?:approved|allowed|white) ?-?list(?:ed)? senders?|protect\w* (?:myself"
    r"|themselves"
    r"|my(?:self)? (?:in)?box) (?:from|against)",
    r"held (?:until|pending)|(?:click|reply|follow).{0,60}(?:to (?:deliver|release)|so that (?:your|the) message)",
)
_SCANNED: Final = any_of(
    r"\bspam (?:was )?(?:detected|found)|\b(?:virus|malware) in (?:your|a|the) (?:mail|e-?mail|message)",
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
_TAKEN: Final = any_of(
    r"(?:team|agent|someone|we).{0,30}\bwill (?:soon |shortly )?(?:reply|respond|answer|contact|get back"
    r"|be in touch)|in our inbox",
    r"dziękujemy za|otrzymaliśmy|děkujeme za|ďakujeme za|přijali jsme|jsme přijali|köszönjük|megkaptuk"
    r"|obrigad[oa] pel|recebemos sua"
    r"|grazie per (?:aver|il)|bedankt voor|wij hebben uw|tack för (?:ditt|att)|vi har mottagit|tak for"
    r" din|kiitos (?:viesti|yhtey)"
    r"|hvala (?:na|vam)|vă mulțumim|teşekkür ederiz|благодарим|отримали ваш|получили ваш|お問い合わせ|感谢您的",
    r"^\[?(?-i:INC|REQ|RITM|SUP|TKT|CASE|SR|HELP|DESK|CS)-?\d{3,}\b|\bwe(?:.ve| have)? got your (?:request"
    r"|message|mail|e-?mail)"
    r"|please (?:type|write) your reply above|reply above this line",
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
_LISTED: Final = any_of(
    r"^(?:re: ?)?your (?:subscription|membership|registration|request) (?:to|for|with|has)\b",
    r"your (?:message|posting|post) to .{1,80}(?:await|held|reject)|awaits moderator|moderat(?:or|ion)"
    r" (?:request|approval)",
    r"thank(?:s| you) for (?:subscribing|signing up|joining|registering)|(?:you (?:have been|were|are(?: now)?)"
    r"|successfully)"
    r" (?:successfully )?un-?subscribed|un-?subscri\w+ (?:was |has been |is )?(?:confirm|success|complete|fail"
    r"|error)",
    r"abmeldung .{0,20}(?:bestätigt|erfolgreich)|confirm\w+ (?:de|d[ei]lla|da) (?:votre |tu |su |sua "
    r"|la )?(?:désabonn|désinscri|baja"
    r"|disiscri|cancel)|вы (?:успешно )?отписал[аи]?с[ьяи]|вас отписали|ви відписал",
    r"results of your e-?mail commands|welcome to the .{1,80} (?:mailing )?list|confirm(?:ation)? (?:of "
    r"|your )?subscription",
    r"^\s*confirm [0-9a-f]{8}|you are not (?:allowed|permitted|subscribed)|non-?member submission",
)
_AUTOMATIC: Final = any_of(
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
WAS_READ: Final = any_of(
    r"\byour (?:message|e-?mail|mail)\b.{0,200}\bwas (?:read|displayed|deleted|opened)\b|this is a"
    r" (?:return|read) receipt",
    r"wurde (?:gelesen|angezeigt|gelöscht)|a été (?:lu|affiché)|было (?:прочитано|открыто)",
)
TEXTS: Final = (
    (WAS_READ, "a receipt"),
    (FAILED, "a report of delivery"),
    (AWAY, "a notice of absence"),
    (CHALLENGE, "a challenge"),
    (_TAKEN, "an acknowledgement"),
    (_SCANNED, "a scanner"),
    (_LISTED, "a mailing list's program"),
)
PROBE: Final = any_of(
    r"\b(?:automat\w+|security|gateway|sandbox) (?:security |link |url |mailto |e-?mail )*(?:test|check|scan|probe"
    r"|verification|analysis|inspection|validation)\b.{0,60}\b(?:of|by|for|from)\b.{0,60}"
    r"(?:link|url|mailto|address|gateway|security|filter|scanner|system)",
    r"\b(?:automat\w+|gateway|scanner|sandbox|crawler|robot)\b.{0,80}\b(?:test|check|scan|verif|prob|validat|inspect"
    r"|analy[sz])\w* (?:this |the |that |whether |if |all |of )*(?:mailto|unsubscribe (?:link|address)|links?"
    r"|urls?)\b",
)
"""In a text: a program tries where an address leads."""
ANSWER: Final = any_of(
    r"\bautom(?:at|á|à)\w*|автоматич|otomatik olarak|自動的?に|自动(?:发送|回复)|자동으로",
)
"""In a text that asks for nothing."""
DAEMON: Final = any_of(
    r"mailer[-_. ]?daemon", r"post[-_]?master\b", r"mail ?delivery", r"delivery ?(?:sub)?system", r"mdaemon"
)
"""In From: mail systems."""
LIST_MANAGER: Final = any_of(r"\b(?:listserv|majordomo|sympa|mailman|ezmlm|listproc|mlmmj)\b")
"""In the local part of From: what answers commands to mailing lists."""
NO_ANSWER: Final = any_of(r"\b(?:no|do[-_.]?not|dont)[-_.]?(?:reply|respond|answer)\b")
"""In From: nobody reads what is answered, so nobody wrote it."""
SCANNER: Final = any_of(
    r"(?:mail|e-?mail|link|url|uri|virus|security|content|spam|web|threat)[-_ .]?(?:scan(?:ner|ning)?"
    r"|check(?:er)?|gateway|guard|sandbox)\b",
    r"\bgateway[-_. ]?(?:scan|check|probe|bot|test)\w*",
    r"anti-?(?:virus|spam|malware)|amavis|clamav|safe ?links|url ?defense|honey ?pot|\b(?:linkbot|scan-?bot)\b",
    r"\bsandbox(?:es|ing)?\b|detonat(?:e|or|ion)\b|harvester",
    r"(?:url|link|mailto|uri|threat|attack|phish\w*)[-_ .]?(?:analy[sz]er|analysis|protect\w*|inspect\w*"
    r"|valid\w+|verif\w+"
    r"|prob\w+|simulat\w+|isolation|defen[cs]e|test(?:er|ing)?|bot|crawl\w*|follow\w*)\b|\be-?mail security\b",
    r"(?:mimecast|proofpoint|barracuda|ironport|fireeye|forcepoint|messagelabs|forti(?:mail|sandbox|guard)|avanan"
    r"|ironscales"
    r"|zscaler|mailmarshal|trend ?micro)\b.{0,40}(?:security|scan|url|link|gateway|protect|filter|sandbox"
    r"|defen[cs]e|e-?mail)",
)
"""In From, User-Agent or X-Mailer: programs that follow every address to see what is behind it."""
SCANNER_NAME: Final = any_of(r"\b(?:crawler|spider|scanner|probe|prober|verifier|validator|checker)\b")
"""The same where no person's name stands: in the local part of From, in User-Agent and X-Mailer."""
