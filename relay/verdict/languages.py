"""The same phrases in other languages, by the names of ``phrases.PhraseGroup``.

Accents and umlauts are often lost or spelt out on the way, so both stand here.
"""
# ruff: noqa: RUF001 - letters of other alphabets are meant here

from __future__ import annotations

from typing import Final

PHRASES: Final[dict[str, tuple[str, ...]]] = {
    "nobody": (
        # German, Dutch, Scandinavian
        r"(?:empf(?:ä|ae|a|\?)nger(?:adresse)?|benutzer|postfach|adresse|mailbox|konto"
        r"|teilnehmer)\b.{0,40}(?:existiert (?:hier |bei uns )?nicht|nicht (?:mehr )?(?:gefunden|vorhanden|bekannt"
        r"|existent|g(?:ü|ue)ltig|verf(?:ü|ue)gbar)|unbekannt|ung(?:ü|ue)ltig)",
        r"(?:unbekannter?|ung(?:ü|ue)ltiger?) (?:empf(?:ä|ae)nger|benutzer|adresse|teilnehmer)",
        r"niemand(?:en)? (?:unter|mit) (?:dieser|diesem) (?:adresse|namen?)",
        r"kein(?:e|en)? (?:solche[rn]? )?(?:person|postfach|benutzer|empf(?:ä|ae)nger|mailbox)",
        r"(?:gebruiker|ontvanger|postbus|adres|mailbox)\b.{0,30}(?:bestaat niet|onbekend|niet gevonden)",
        r"onbekende (?:gebruiker|ontvanger)",
        r"(?:anv(?:ä|a)ndaren|mottagaren|adressaten|brukeren|mottakeren|modtageren|adressen)\b.{0,30}(?:finns inte"
        r"|finnes ikke|findes ikke|eksisterer ikke|ok(?:ä|a)nd|ukjent|ukendt)",
        r"ok(?:ä|a)nd (?:anv|mottag)|ukjent (?:bruker|mottaker)|ukendt (?:bruger|modtager)",
        r"ing(?:en|a) (?:s(?:å|aa|a)dan|slik) (?:anv(?:ä|a)ndare|mottagare|bruker|mottaker|bruger|modtager|adress)",
        # French
        r"(?:adresse|destinataire|utilisateur|compte|bo(?:î|i)te)\b.{0,40}(?:inconnue?|n.existe (?:pas|plus)"
        r"|invalide|introuvable|inexistante?)",
        r"(?:utilisateur|destinataire|adresse|compte) (?:inconnue?|inexistante?|invalide)",
        r"aucun (?:utilisateur|compte|abonn(?:é|e))|mauvaise adresse|utilisateur\b.{0,20}non recens(?:é|e)",
        # Spanish, Portuguese, Italian, Romanian, Catalan
        r"(?:usuario|destinatario|buz(?:ó|o)n|cuenta|direcci(?:ó|o)n|casilla)\b.{0,40}(?:no existe|desconocid"
        r"|inexistente|no (?:fue |ha sido )?encontrad|no v(?:á|a)lid|inv(?:á|a)lid)",
        r"no hay (?:nadie|ning(?:ú|u)n \w{1,20}) con (?:ese|este|esa|esta|tal)\b",
        r"no existe (?:el |la |ese |este |dicha |dicho |tal )?(?:persona|usuario|buz|cuenta|direcci|destinatario)",
        r"(?:usu(?:á|a)rio|destinat(?:á|a)rio|caixa|conta|endere(?:ç|c)o)\b.{0,40}(?:n(?:ã|a)o existe|desconhecid"
        r"|inexistente|n(?:ã|a)o (?:foi )?(?:encontrad|localizad)|inv(?:á|a)lid)",
        r"(?:utente|destinatario|casella|indirizzo|account|mailbox)\b.{0,40}(?:sconosciut|non esiste|inesistente"
        r"|non (?:è |e' |e )?(?:stat[oa] )?(?:trovat|valid|attiv))",
        r"(?:destinatario|indirizzo) errat[oa]|destin\. sconosciut",
        r"nessun (?:utente|destinatario|indirizzo)|(?:utente|indirizzo|destinatario) (?:sconosciut|inesistente"
        r"|non valido)",
        r"(?:utilizator|destinatar|adres[ăa])\w*\b.{0,30}(?:necunoscut|nu exist[ăa]|inexistent)",
        # Polish, Czech, Slovak, Hungarian
        r"(?:u(?:ż|z)ytkownik|konto|adres(?:at)?|skrzynka|odbiorca)\b.{0,40}(?:nie istnieje|nieznan|nie (?:został"
        r"|zostal)[oa]? ?odnalezion|nie znaleziono|nieprawid(?:ł|l)ow)",
        r"nie ma takie(?:go|j) (?:u(?:ż|z)ytkownika|konta|adresu|skrzynki)",
        r"nieznany (?:u(?:ż|z)ytkownik|odbiorca|adresat)",
        r"brak (?:takiego )?(?:u(?:ż|z)ytkownika|konta|skrzynki)",
        r"(?:u(?:ž|z)ivatel|p(?:ř|r)(?:í|i)jemc[ea]|adresa|schr(?:á|a)nka|pou(?:ž|z)(?:í|i)vate(?:ľ"
        r"|l))\b.{0,30}(?:neexistuje|nezn(?:á|a)m|nenalezen|neplatn)",
        r"nezn(?:á|a)m(?:ý|y) (?:u(?:ž|z)ivatel|p(?:ř|r)(?:í|i)jemce)",
        r"(?:felhaszn(?:á|a)l(?:ó|o)|c(?:í|i)mzett|postafi(?:ó|o)k)\b.{0,30}(?:nem l(?:é|e)tezik|ismeretlen"
        r"|nem tal(?:á|a)lhat(?:ó|o))",
        r"ismeretlen (?:felhaszn|c(?:í|i)mzett)",
        # Croatian, Serbian, Slovene
        r"(?:korisnik|primatelj|primalac|adresa|uporabnik|prejemnik|naslov|корисник|прималац|адреса)\b.{0,30}"
        r"(?:ne postoji|ne obstaja|nepoznat|neznan|не постоји|непознат)",
        # Russian, Ukrainian, Bulgarian
        r"(?:пользовател\w*|получател\w*|адресат\w*|адрес\w*|ящик\w*|абонент\w*|аккаунт\w*"
        r"|уч[её]тн\w+ запис\w*)\b.{0,50}(?:не (?:существует|найден|зарегистрирован|обнаружен|известен)|неизвест"
        r"|несуществующ|отсутствует|удал[её]н|недействител)",
        r"(?:нет|не существует|неизвестн\w+|несуществующ\w+|неверн\w+) (?:так\w+ )?(?:почтов\w+ )?(?:пользовател"
        r"|получател|адресат|адрес|ящик|аккаунт)",
        r"(?:користувач\w*|одержувач\w*|отримувач\w*|адресат\w*|адрес\w*|скриньк\w*)\b.{0,50}(?:не (?:існує"
        r"|знайден|зареєстрован)|невідом|неіснуюч|відсутн|видален)",
        r"(?:немає|не існує|невідом\w+|неіснуюч\w+) (?:так\w+ )?(?:поштов\w+ )?(?:користувач|одержувач|отримувач"
        r"|адресат|адрес|скриньк)",
        r"(?:потребител\w*|получател\w*|пощенск\w+ кути\w*)\b.{0,30}(?:не съществува|не е намерен|непознат)",
        # Estonian, Finnish, Latvian, Lithuanian
        r"(?:kasutajat?|saajat?|adressaati?|aadressi?|postkasti?|adressaat)\b.{0,30}(?:ei (?:ole|eksisteeri"
        r"|leitud|leia)|tundmatu|puudub)",
        r"tundmatu (?:kasutaja|saaja|adressaat|aadress)",
        r"sellist (?:kasutajat|aadressi|postkasti) (?:ei ole|pole)",
        r"(?:k(?:ä|a)ytt(?:ä|a)j(?:ä|a)\w*|vastaanottaja\w*|osoite\w*|postilaatikko\w*)\b.{0,30}(?:ei (?:ole"
        r"|l(?:ö|o)ydy|l(?:ö|o)ytynyt)|tuntematon)",
        r"tuntematon (?:k(?:ä|a)ytt|vastaanottaja|osoite)",
        r"(?:lietot(?:ā|a)js|adres(?:ā|a)ts|vartotojas|gav(?:ė|e)jas|adresas)\b.{0,30}(?:neeksist|nav atrasts"
        r"|nezin(?:ā|a)ms|neegzistuoja|nerastas|ne(?:ž|z)inomas)",
        # Turkish, Greek
        r"(?:kullan(?:ı|i)c(?:ı|i)|al(?:ı|i)c(?:ı|i)|posta kutusu|hesap)\w*\b.{0,30}(?:bulunamad(?:ı|i)"
        r"|bilinmiyor|mevcut de(?:ğ|g)il|ge(?:ç|c)ersiz|yok)",
        r"(?:χρήστης|παραλήπτης|διεύθυνση)\b.{0,30}(?:δεν υπάρχει|άγνωστ|δεν βρέθηκε)|άγνωστος (?:χρήστης|παραλήπτης)",
        # Arabic, Hebrew
        r"(?:المستخدم|المستلم|العنوان|البريد).{0,24}غير (?:موجود|معروف)",
        r"(?:משתמש|נמען|כתובת|תיבה|תיבת).{0,24}(?:לא (?:קיים|קיימת|נמצא|ידוע)|אינ[הו] קיי)",
        # Japanese, Chinese, Korean
        r"(?:宛先|あて先|受信者|ユーザー?|メールアドレス|アドレス|アカウント|メールボックス|利用者).{0,24}(?:存在しま|存在しな|見つかりま|みつかりま|見つけられ|見つから|不明|ありません"
        r"|無効|間違|誤り)",
        r"(?:不明な|存在しない|無効な)(?:宛先|受信者|ユーザー?|アドレス|メールアドレス)|ディレクトリ.{0,12}(?:ありません|見つか)",
        r"(?:用户|用戶|收件人|邮箱|郵箱|信箱|帐号|帳號|账号|地址|收信人|使用者|邮件地址|电子邮件地址).{0,16}(?:不存在|不正确|無效|无效|未找到|找不到|没有找到|沒有找到|错误|有误)",
        r"(?:不存在|无效|無效|未知)的?(?:用户|用戶|收件人|邮箱|信箱|帐号|地址)|找不到(?:用户|收件人|邮箱|信箱|此用户|收件者)|没有(?:这个|该|此)(?:用户|邮箱|账号)",
        r"查无此(?:人|用户)",
        r"(?:사용자|수신자|수신인|계정|메일함|주소|받는 ?사람|메일 ?주소|메일박스)"
        r".{0,16}(?:없|존재하지|찾을 수 없|잘못|유효하지)",
        r"존재하지 않는 (?:사용자|계정|메일|주소|수신)",
        r"không tồn tại|ไม่พบผู้(?:รับ|ใช้)|(?:pengguna|penerima|alamat)\b.{0,20}tidak (?:ditemukan|dikenal|ada)",
    ),
    "full": (
        r"(?:postfach|mailbox|speicher\w*|kontingent|konto|eingangspostfach)\b.{0,40}(?:voll\b|(?:ü|ue)berf(?:ü"
        r"|ue)llt|(?:ü|ue)berschritten|ersch(?:ö|oe)pft|(?:ü|ue)bervoll)",
        r"speicherplatz|kontingent",
        r"(?:bo(?:î|i)te|messagerie|compte)\b.{0,40}(?:pleine?\b|satur|surcharg)",
        r"quota (?:d(?:é|e)pass|atteint)|espace (?:disque |de stockage )?(?:insuffisant|satur)",
        r"d(?:é|e)pass\w+ (?:le |son |du )?quota",
        r"(?:buz(?:ó|o)n|casilla|bandeja|cuenta|mailbox|correo)\b.{0,40}(?:llen[oa]\b|ha excedido|super"
        r"|sin espacio)|cuota",
        r"espacio (?:insuficiente|de almacenamiento)",
        r"(?:caixa|conta|correio)\b.{0,40}(?:cheia|lotad[ao]|sem espa(?:ç|c)o|excede)|\bcota\b",
        r"espa(?:ç|c)o insuficiente",
        r"casella\b.{0,40}(?:piena|satura|esaurit)|spazio (?:esaurito|insufficiente|disco)|quota (?:superat|esaurit)",
        r"(?:skrzynka|konto)\b.{0,40}(?:pe(?:ł|l)n|przepe(?:ł|l)nion|przekroczon)",
        r"przekroczon\w* (?:limit|pojemno|rozmiar)|brak miejsca",
        r"(?:schr(?:á|a)nka|postafi(?:ó|o)k)\b.{0,30}(?:pln(?:á|a)|p(?:ř|r)epln|megtelt|betelt)",
        r"postvak (?:is )?vol|(?:postl(?:å|a)dan|brevl(?:å|a)dan|postkassen|innboksen)\b.{0,20}full?",
        r"(?:ящик\w*|скриньк\w*|папк\w*)\b.{0,40}(?:переполн|заполн|полон|повн)|переполн",
        r"превы(?:шен|сил)\w*.{0,30}(?:квот|лимит|объ[её]м|размер ящик)",
        r"перевищен\w*.{0,30}(?:квот|ліміт|обсяг)|квот\w+|недостаточно (?:места|свободн)|недостатньо місця",
        r"нет (?:свободного )?места",
        r"postkast\w*.{0,20}t(?:ä|a)is|kvoot\w*|postilaatikko.{0,20}t(?:ä|a)ynn(?:ä|a)|pastkast\w*.{0,20}piln",
        r"posta kutusu.{0,20}dolu|kota",
        r"(?:メールボックス|受信箱|容量|ディスク).{0,24}(?:一杯|いっぱい|満杯|超過|超え|不足|オーバー|フル)|容量(?:を|が)?(?:超|オーバー|制限)|クォータ",
        r"(?:邮箱|郵箱|信箱|空间|空間|容量|配额|配額).{0,12}(?:已满|已滿|满了|不足|超限|超出|超过|超過)|(?:메일함|용량|편지함).{0,16}(?:초과|가득|부족)",
    ),
    "disabled": (
        r"(?:konto|postfach|benutzer|mailbox|adresse)\b.{0,30}(?:gesperrt|deaktiviert|stillgelegt|inaktiv|nicht aktiv)",
        r"(?:compte|bo(?:î|i)te|utilisateur|destinataire)\b.{0,40}(?:bloqu(?:é|e)|d(?:é|e)sactiv|suspendu|inactif"
        r"|inactive|ferm(?:é|e)e?\b)",
        r"(?:cuenta|buz(?:ó|o)n|usuario|conta|caixa|usu(?:á|a)rio)\b.{0,40}(?:desactivad|deshabilitad|bloquead"
        r"|suspendid|suspens[ao]|desativad|inactiv|inativ|desabilitad)",
        r"(?:casella|account|utente)\b.{0,40}(?:disabilitat|disattivat|sospes[ao]|bloccat|non attiv|inattiv)",
        r"(?:konto|skrzynka|u(?:ż|z)ytkownik)\b.{0,30}(?:zablokowan|nieaktywn|zawieszon|wy(?:ł|l)(?:ą|a)czon)",
        r"(?:schr(?:á|a)nka|(?:ú|u)(?:č|c)et)\b.{0,30}(?:zablokov|deaktivov|neaktivn)",
        r"(?:ящик\w*|аккаунт\w*|уч[её]тн\w+ запис\w*|пользовател\w*|получател\w*|скриньк\w*|користувач\w*"
        r"|обліков\w+ запис\w*)\b.{0,40}(?:заблокирован|отключ[её]н|неактив|приостановлен|заморожен|заблокован"
        r"|вимкнен|призупинен|не активирован)",
        r"(?:konto|postkast|kasutaja)\b.{0,30}(?:suletud|blokeeritud|peatatud|sulgetud)",
        r"(?:tili|postilaatikko)\b.{0,30}(?:suljettu|poistettu k(?:ä|a)yt)",
        r"(?:アカウント|メールボックス|ユーザー).{0,20}(?:停止|無効化|凍結|休止|ロック)",
        r"(?:用户|帐号|账号|帳號|邮箱|信箱).{0,12}(?:被(?:禁用|停用|锁定|冻结|封)|已(?:禁用|停用|锁定|冻结|注销)|停用)",
        r"(?:계정|사용자).{0,12}(?:정지|휴면|비활성|중지|잠)",
    ),
    "no-domain": (
        r"(?:domain|domäne|domaene)\b.{0,30}(?:existiert nicht|nicht gefunden|unbekannt|nimmt keine)",
        r"(?:domaine|h(?:ô|o)te)\b.{0,30}(?:n.existe pas|inconnu|introuvable)",
        r"(?:dominio|dom(?:í|i)nio)\b.{0,30}(?:no existe|n(?:ã|a)o existe|non esiste|desconocid|inexistente)",
        r"домен\w*\b.{0,40}(?:не (?:существует|найден|існує|знайден)|несуществ)",
        r"domen\w*\b.{0,30}ei (?:eksisteeri|leitud)|domena\b.{0,30}nie istnieje",
        r"ドメイン.{0,20}(?:見つかりま|存在しま|不明)",
        r"(?:域名|网域|網域).{0,12}(?:不存在|找不到|无法解析)|도메인.{0,16}(?:없|찾을 수)",
    ),
    "later": (
        r"sp(?:ä|ae)ter\b|vor(?:ü|ue)bergehend|zeitweilig|zur ?zeit nicht|plus tard|r(?:é|e)essayer|temporaire",
        r"m(?:á|a)s tarde|temporal(?:mente)?\b|mais tarde|tempor(?:á|a)ri|pi(?:ù|u) tardi|riprovare|temporane",
        r"p(?:ó|o)(?:ź|z)niej|tymczasow|pozd(?:ě|e)ji|do(?:č|c)asn(?:ě|e)",
        r"попробуйте (?:ещ[её] раз|позже|снова)|повторите (?:попытку|позже)|позже|временн|пізніше|тимчасов",
        r"hiljem|ajutis|my(?:ö|o)hemmin|v(?:ä|a)liaikais|daha sonra|ge(?:ç|c)ici",
        r"しばらく|一時的|後(?:で|ほど)|稍后|稍後|暂时",
        r"暫時|请重试|나중에|일시적",
    ),
    "spam": (
        r"\bpourriel|ind(?:é|e)sirable|\bcorreo (?:basura|no deseado)|lixo eletr|posta indesiderata|niechcian",
        r"нежелательн|спам\w*|небажан|r(?:ä|a)mpspost|roskaposti|迷惑メール|スパム|垃圾邮件|垃圾郵件|스팸|virensch|вирус|вірус",
        r"wirus",
    ),
    "blocked": (
        r"schwarze liste|sperrliste|geblockt|blockiert|abgelehnt|liste noire|lista negra|lista nera",
        r"czarn\w+ list|ч[её]рн\w+ спис|чорн\w+ спис|заблокирован\w* (?:ip|отправител|сервер)",
        r"bloqu(?:é|e)e? (?:par|ip)|ブラックリスト|黑名单|黑名單|被拒绝|차단",
    ),
    "policy": (
        r"richtlinie|nicht (?:erlaubt|gestattet|zugelassen|berechtigt)|zugriff verweigert|politique",
        r"non autoris|refus(?:é|e)e? |acc(?:è|e)s refus|pol(?:í|i)tica|no (?:est(?:á|a) )?permitid",
        r"n(?:ã|a)o permitid|acceso denegado|acesso negado|non (?:è )?(?:autorizzat|permess|consentit)",
        r"accesso negato|polityk|odmowa|niedozwolon|z(?:á|a)sad|не разреш|запрещ|отклон|заборон|відхилен",
        r"политик|політик|poliitika|keelatud|estetty|k(?:ä|a)yt(?:ä|a)nt(?:ö|o)|reddedildi|許可され|拒否|ポリシー|拒绝|拒絕",
        r"策略|거부|정책",
    ),
    "sender": (
        r"absender\b|exp(?:é|e)diteur|remitente|remetente|mittente|nadawc|odes(?:í|i)latel|odosielate",
        r"felad(?:ó|o)|отправител|відправник|saatja\w*|l(?:ä|a)hett(?:ä|a)j|avs(?:ä|e)nd|g(?:ö|o)nderen|差出人",
        r"送信者|发件人|寄件人|寄件者|發件人|발신자|보낸 ?사람",
    ),
    "relaying": (
        r"weiterleitung (?:nicht|verweigert)|relais (?:refus|interdit)",
        r"relaying? (?:nicht|verweigert|negad|denegad|negat)|ретрансляц|пересылка запрещ|релей|中继|中継",
    ),
    "large": (
        r"(?:nachricht|mail)\b.{0,30}zu gro(?:ß|ss)|trop (?:grand|volumineux|gros)|demasiado grande",
        r"muito grande|troppo grande|zbyt du(?:ż|z)|za du(?:ż|z)|p(?:ř|r)(?:í|i)li(?:š|s) velk",
        r"слишком (?:большо|велик)|завелик|превышает.{0,30}размер|liiga suur|liian suuri|サイズ.{0,12}(?:超|大き)",
        r"(?:邮件|郵件|信件).{0,8}(?:过大|太大|過大)",
    ),
    "rate": (
        r"zu viele|trop de (?:messages|connexions|destinataires)|demasiad[ao]s|muit[ao]s (?:mensagens|conex)",
        r"troppi|zbyt (?:wiele|du(?:ż|z)o)|слишком (?:много|часто)|забагато|занадто (?:багато|часто)",
        r"liiga palju|liian monta|(?:频率|頻率|过于频繁|太频繁|次数|超出.{0,6}限制)|多すぎ",
    ),
    "filtered": (r"\bfilter\w*|filtr(?:é|e|ado|ato|owan)\w*|фильтр|фільтр|suodat|フィルタ|过滤|過濾|필터",),
    "refused": (
        r"(?:empf(?:ä|ae)nger|adresse)\b.{0,20}(?:abgelehnt|zur(?:ü|ue)ckgewiesen|nicht angenommen)",
        r"destinataire (?:refus|rejet)|destinatario (?:rechazad|rifiutat)",
        r"destinat(?:á|a)rio (?:rejeitad|recusad)|получатель (?:отклон|отверг)",
    ),
    "moved": (
        r"ist umgezogen|neue (?:e-?mail-?)?adresse|nouvelle adresse|nueva direcci|novo endere|nuovo indirizzo",
        r"nowy adres|новый адрес|нова адреса|uus aadress|uusi osoite",
    ),
}
