"""Roots of the words by which lists say what a person is, in the languages of lists; ``list_roots`` reads them.

Idea → roots, a language a line where they are many: English, German, French,
Spanish, Italian, Portuguese, Dutch, Polish, Estonian, Ukrainian, Russian,
Swedish, Norwegian and Danish, Finnish, Czech and Slovak, Romanian, Hungarian,
Turkish, Latvian, Lithuanian, others.
"""

# ruff: noqa: RUF001 - Cyrillic and Greek letters are meant here

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Idea(StrEnum):
    """What a root is about."""

    OUT = "out"
    SOFT = "soft"
    """A bounce that may pass."""
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    STOP = "stop"
    BLOCK = "block"
    WAIT = "wait"
    DEAD = "dead"
    ON = "on"
    """Subscribed, confirmed, agreed."""
    ACTIVE = "active"
    MAIL = "mail"
    DELIVER = "deliver"
    ADDRESS = "address"
    STATE = "state"


ROOTS: Final[dict[Idea, tuple[str, ...]]] = {
    Idea.OUT: (
        "unsub,sign off,signed off,optout,opt-out,optedout,opted out,opting out",
        "opts out,withdr,revok,no longer subscri,cancel",
        "abgemeld,abmeld,abbestell,austrag,ausgetrag,widerruf,widersp,gekündig,kündig,storniert,zurückgezog,entzog",
        "désabon,désinscri,résili,rétract,retrait,retiré,annul,révoqu",
        "baja,desuscri,dessuscri,anulad,anulo,revocad,retirad,cancelad,se dio de baja",
        "disiscri,disdett,cancellat,cancellaz,annullat,revoc,rinunci,ritirat,recess",
        "descadastr,desinscri,dessubscri,desassin,revogad,anulad",
        "uitgeschre,uitschrij,afgemeld,afmeld,opgezegd,opzeg,ingetrokk,geannuleerd",
        "wypis,rezygn,zrezygn,odsubskryb,odwołan,cofnię,cofnął,wycofa,anulowa",
        "loobu,lahku,tühista,lõpeta,võttis tagasi,tagasi võ",
        "відпис,відмов,відклик,скасов,відкликан",
        "отпис,отказал,отозв,отмен,отзыв",
        "avregistr,avprenumer,avanmäl,avslut,uppsagd,återkall,avbest,avbruten,sagt upp",
        "avmeld,frameld,afmeld,opsagt,oppsagt,tilbagekald,tilbagetruk,tilbaketruk,trukket,trukke,avsluttet,afsluttet",
        "peruut,perui,perunut,peruttu,poistun,eronnut,irtisan,perunu",
        "odhláš,odhlás,odvol,zruš,vypov,odebral souhlas",
        "dezabon,dezînscri,retras,renunț,anulat",
        "leiratkoz,lemond,visszavon,leiratk",
        "abonelikten,aboneliği iptal,iptal,üyelikten,ayrıl,çıktı,çıkt,listeden çık,üyeliği son,sonlan",
        "atrakst,atteic,atteik,atsauk,izrakst,pārtrauk",
        "atsisak,nebeprenumer,atšauk,nutrauk,atšaukė",
        "reservert,démission,dimission,utmeld,udmeld",
        "bortval,fravalg,valgt fra,frabed,abgewähl,décoch,desmarc,wyłącz,vypnut,isključ,kikapcs,kapatıl,väljalülit",
        "odjav,preklic,opozv,donat de baixa,baixa,απεγγρα,διαγραφ,ανακλη,отрегистр",
    ),
    Idea.SOFT: (
        "soft,transient,temporar,temporär,weich,vorübergeh,doux,provisoir,blando",
        "suave,temporal,zacht,tijdelijk,miękk",
        "tymczas,ajuti,pehme,тимчас,м'як,временн,мягк,tillfäll,mjuk,midlertid,blød",
        "myk,väliaik,dočasn,měkk,mäkk,moale",
        "puha,átmenet,yumuşak,geçici,īslaic,laikin,mehko,začasn",
    ),
    Idea.BOUNCE: (
        "bounc,hardbounc,undeliver,nondeliver,unreach,mailbox full,returned to sender,dead address,bad address",
        "unzustell,rückläuf,rücklauf,zurückgekomm,hartbounc,unerreichbar",
        "rebond,npai,non distribu,injoignabl,adresse morte",
        "rebot,devuelt,inentregab,no entreg",
        "inesist,inexist,rimbalz,respint,non recapit,non consegn,irraggiung",
        "devolvid,rejeiç,rejeic,rejeit,retorno permanente,retornad,hard bounc,não entreg,inalcanç",
        "gebounc,onbestelbaar,niet bezorg,niet afgelever,onbereikbaar,geweigerd door",
        "odbit,odbij,odbicie,odrzucon,niedostarcz,niedoręcz,zwrócon,zwrot",
        "põrk,põrg,tagasta,kättetoimetamat,kättesaamat",
        "недостав,повернен,повернул,неіснуюч,не існу",
        "недостав,возвра,несуществ,не существ,вернул",
        "studs,olevererb,olever,ej lever,returnera,oanträff",
        "uleverbar,ikke lever,afvist,avvist,retur,uleverer,ubesørg",
        "palautu,toimittamat,tavoittamat,ei toimit",
        "nedoruč,vrácen,vráten,odražen,nedostupn",
        "respins,returnat,nelivr,inaccesibil",
        "visszapatt,kézbesíthetetlen,visszajött,sikertelen kézb,elérhetetlen",
        "geri dön,teslim edilem,ulaşılam,ters dökül,iletilem,geri çevr",
        "atlec,nepiegād,atgriez,atgriež,nesasniedz",
        "atmest,nepristat,grįž,grąžint,nepasiek",
        "zavrnjen,odbijen,vraćen,недоставен,върнат,απορρίφ",
    ),
    Idea.COMPLAINT: (
        "spam,complain,complaint,abuse,junk mail,reported abuse",
        "beschwer,plainte!,plaintes!,quej,queix,denunci,reclam,segnalat,klacht,klaagt,skarg,reklamacj,kaeb,rämps",
        "скарг,поскарж,жалоб,пожалов,спам",
        "klagomål,klage!,klager!,klaget,klagat,reklamác,valitus,valitt,roskapost,stížn,sťažn",
        "plânger,plangere,panasz,levélszemét",
        "şikayet,sikayet,istenmeyen,sūdz,mēstule,surogātpast,skund,šlamšt,pritož",
        "žalb,neželen,оплак,παραπον,skräppost",
    ),
    Idea.STOP: (
        "blocklist,blacklist,suppress,do not contact,do not mail,do not email,dnc,stop list,stoplist",
        "sperrlist,schwarze list,liste noire,lista negra,lista nera,lista bloc",
        "lista de bloq,zwarte lijst,blokkeerlijst",
        "czarna list,czarnej li,must nimeki,mustas nim,чорн списк,чорний сп,чорному сп",
        "в черния спис,черн списк,черный сп,черном сп",
        "svartlist,blocklist,sortlist,svartelist,estolist,mustalla list,mustalist,černá list,černé list,čierna list",
        "seznamu blok,zozname blok,lista neagră,tiltólist,feketelist,kara list",
        "engelli list,melnajā sar,juodaj,robinson",
    ),
    Idea.BLOCK: (
        "blocked,banned,gesperrt,blockiert,gebannt,bloqu,bloccat,geblokkeer,zablokow,zabanow,blokee,keelat",
        "заблок,блокир,спірр,blockera,spärrad,blokkert,blokeret,spærret,estett,zablok,blokován,blocat,letilt,tiltott",
        "engellen,engelli,yasakl,bloķēt,užblokuo,blokuot,blokiran,блокиран,αποκλεισ",
    ),
    Idea.WAIT: (
        "to confirm,pend,await,wait,unconf,to be confirm,needs confirm,confirmation sent",
        "confirmation required,invited,invitation",
        "ausstehend,aussteh,wartet,warten,offen,zu bestätig,in bearbeit,eingelad",
        "attente,à confirm,en cours de confirm,à valid,invité",
        "pendient,esperando,por confirm,a confirm,sin confirm,a la espera,invitad",
        "attesa,da conferm,in sospeso,sospes,invitat",
        "pendente,aguard,a aguard,em espera,à espera,convidad",
        "afwachting,wacht,te bevestig,openstaand,uitgenod",
        "oczek,do aktyw,do potwierdz,w trakcie potw,niezatw,zaprosz",
        "ootel,ootab,ootan,kinnitamise oot,kutsutud",
        "очіку,чека,запрош",
        "ожида,ждет,приглаш,на подтвержд",
        "vänta,väntar,inväntar,avvakt,inbjud",
        "venter,afvent,avvent,inviter,invitert",
        "odotta,odottaa,kesken,kutsuttu",
        "čeká,čekaj,ceka,nevyříz,čaká,čakaj,pozván,pozvan",
        "așteptare,astept,așteapt,invitat",
        "függő,várak,vár megerős,megerősítésre vár,meghív",
        "bekl,beklen,onay bek,davet",
        "gaida,gaidīš,uzaicin",
        "laukia,laukiam,pakvies,be sutik",
        "čaka,на изчакв,изчакв,αναμον,εκκρεμ,pozvan",
    ),
    Idea.DEAD: (
        "delet,remov,deactiv,disabl,suspend,expir,archiv,obsolet,defunct,lapsed,closed,sulet,geschloss,cerrad,chius",
        "ex!",
        "geslot,zamkn,uzavř,stängd,lukket,suljet,закрыт,закрит,ended,former,dropped",
        "abgelehn,rechaz,rifiut,recus,geweiger,odmow,odmít,odmiet,keeldu,відхил",
        "отклон,avböj,nekad,avslå,hylät,kieltä,elutas",
        "gelösch,löschung,löschdat,deaktiv,abgelaufen,abgelauf,entfernt,archiviert,erlosch,beendet,stillgeleg,ehemalig",
        "supprim,désactiv,expir,archiv,effac,terminé,ancien,refus,declin,reject,denied,decline,refuz,redded,noraid",
        "elimin,borrad,desactiv,caduc,vencid,archivad,finaliz,antigu,suprimid",
        "eliminat,rimoss,rimoz,disattiv,scadut,archiviat,terminat,ex iscritt",
        "removid,remoç,remoca,desativ,excluíd,exclus,apagad,expirad,arquivad,encerrad,eliminad",
        "verwijder,gedeactiv,verlopen,gearchiv,beëindig,voormalig,gewist",
        "skreślon,vyškrtn",
        "usunię,usuwan,dezaktyw,wygas,zarchiw,zakończ,były",
        "kustuta,eemalda,aegunud,arhiveeri,passiiv,endine,deaktiveeri",
        "видален,вилучен,деактив,архів,закінч,колишн,вимкнен",
        "удален,исключен,деактив,архив,истек,бывш,отключен",
        "raderad,raderat,borttag,tagits bort,arkivera,utgång,upphör,före detta",
        "slett,fjern,deaktiver,arkiver,utløp,udløb,opphør,ophør,tidligere",
        "poistet,poisto,vanhentun,arkisto,päätt,entinen",
        "smazan,smazán,vymazan,vymazán,odstran,archivov,vypršel,ukonč,bývalý,deaktivov,zaniknut",
        "șters,sters,eliminat,dezactiv,expirat,arhivat,închei,fost abon",
        "törölt,törl,eltávol,lejárt,archivál,megszűn,korábbi",
        "silin,silindi,pasif,süresi dol,arşiv,kaldır,devre dışı",
        "dzēst,izdzēst,noņemt,beidz,arhivēt,atslēg",
        "ištrint,pašalin,pasibaig,archyv,išjungt",
        "izbrisan,obrisan,odstranj,uklonjen,изтрит,деактив,διαγραμμ",
    ),
    Idea.ON: (
        "получа,отриму,erhält,bekommt,reçoi,recoiv,recib,ricev,recebe,ontvang,otrzym,saab!,receives,receiving,får!,dostáv",
        "subscri,optin,opt-in,optedin,opted in,confirm,consent,agree,accept,verif,signed up,joined,enrol",
        "angemeld,anmeld,abonn,eingetrag,bestätig,einwillig,eingewillig,zustimm,zugestimmt,einverstand,verifizier",
        "inscri,abonn,confirm,consent,accept,accord,vérifi,autoris",
        "suscri,inscri,confirmad,confirmó,consent,acept,autoriz,verificad,apuntad",
        "iscri,confermat,confermo,consens,accett,abbonat,verificat,autorizz,aderit",
        "inscri,subscri,subcri,assinan,assinad,cadastrad,confirmad,consent,aceit,autoriz,verificad",
        "ingeschre,inschrij,aangemeld,aanmeld,geabonn,bevestig,toestemm,akkoord,geverifi,geaccept",
        "zapisan,zapisał,subskryb,subskryp,potwierdz,zgod,zaakcept,zweryfik,wyrażon,wyraził",
        "liitu,tellij,tellin,tellib,kinnita,nõus,lubatud,luba,registreeri",
        "підпис,підтвердж,згод,згоден,погод,дозвол,верифік,зареєстр",
        "подпис,подтверж,подтвер,соглас,разреш,верифиц,зарегистр",
        "prenumer,anmäl,bekräft,samtyck,godkän,verifier,registrera",
        "tilmeld,påmeld,abonner,konfirm,bekreft,bekræft,samtyk,godkend,godkjen,verifis",
        "tilaa,tilattu,tilannut,vahvist,suostu,hyväksy,liittyn,varmenn",
        "přihláš,prihlás,potvrz,potvrd,odebír,odběrat,odober,souhlas,súhlas,ověřen,overen",
        "abona,confirmat,înscris,consimț,acord,acceptat,verificat,abonaț",
        "feliratkoz,megerős,hozzájárul,beleegy,elfogad,ellenőrz,visszaigazol",
        "abone,üye oldu,üye,onayl,onaylan,doğrul,kayıtlı,kaydol,izin,izni,kabul,rıza",
        "abonē,apstiprin,pieteic,pieteik,parakst,piekri,pierakst,pārbaud",
        "prenumeruo,užsiprenumer,patvirtin,sutik,sutin,užsiregistr,patikrint",
        "naroč,potrjen,prijavl,pretplać,potvrđen,privol,pristan,suglas,абон,потвърд,съгласи,εγγεγρ,επιβεβαι,συναιν",
    ),
    Idea.ACTIVE: (
        "activ,actiu,enabled,aktiv,gültig,actif,valide,activo,activa,habilit,attiv",
        "ativ,actief,actiev,geactiveerd,aktywn",
        "aktiiv,aktif,aktyv,актив,чинн,дійсн,действ,giltig,gyldig,käytöss,voimassa",
        "povolen,povolený,engedélyez,érvényes,etkin",
        "geçerli,derīg,galioj,veljav,omogočen,ενεργ,включен",
    ),
    Idea.MAIL: (
        "broadcast,email,e-mail,mail,mailing,newsletter,bulletin,courriel,infolettre,correo,boletín,boletim,nieuwsbrief",
        "biuletyn,wysyłk,rassyl,рассыл,розсил,письм,лист,uudiskir,infokir,nyhetsbrev,nyhedsbrev,utskick,uutiskirj",
        "zpravodaj,novink,hírlev,bülten,e-bülten,jaunum,naujienlaišk,rundmail,rundbrief,rundschreib,werbung,reklam",
        "novosti,odběr,odber,utsendelse,udsendelse,uudised,ziņu,ενημερωτικ,δελτι,бюлетин,notizie,novità,comunicazion,comunicac",
    ),
    Idea.DELIVER: (
        "deliver,zustell,zugestellt,distribu,entreg,recapit,consegn,bezorg,aflever",
        "afgelever,dostarcz,doręcz,toimeta,достав",
        "lever,toimi,istniej,doruč,livr,kézbes,teslim,piegād,pristat,exist,eksist,існу,существ",
    ),
    Idea.ADDRESS: (
        "address,adress,mailadress,emailadress,e-mail-adress,mail address,email address,adres,osoite,aadress",
        "адрес,indirizz,direcci,endereç,mailbox,postfach,boîte,buzón,casella",
        "caixa postal,skrzynk,ящик,скриньк,postkast,brevlåd,postkass,postilaatikk",
        "schránk,căsuț,postafiók,posta kutusu",
        "pastkast,dėžut,cím,naslov",
    ),
    Idea.STATE: (
        "status,statut,state,zustand,estado,estatus,situação,situaț,stato,toestand,stav,stan,olek,seisund,staatus",
        "статус,стан,состоян,tillstånd,tilstand,tila,állapot,stare,durum,statuss",
        "būsena,stanje,κατασταση,subscription level",
    ),
}
"""Idea → roots that begin a word; ``!``: the word ends there."""
DENIES: Final = (
    "not no non never without none nicht kein keine keinen keiner nie noch ohne ne pas sans jamais aucun aucune"
    " sin nunca ningún senza mai nessun não sem niet geen nooit zonder nog bez brak nigdy ei pole ilma mitte puudub"
    " не ні без немає нема відсутн відсутня нет отсутствует отсутств ej inte ingen"
    " inga inget utan aldrig ikke intet uten"
    " uden aldri ilman není neni nikdy žádný žádné nu fără niciodată nem nincs nélkül soha değil yok hayır nav nē"
    " nėra fehlt manque falta manca ontbreekt saknas mangler puuttuu chybí chýba lipsește hiányzik trūkst trūksta"
    " sense missing няма δεν όχι μη"
)
BEGINNINGS: Final = (
    "non",
    "nie",
    "nicht",
    "un",
    "in",
    "im",
    "on",
    "ne",
    "не",
    "mitte",
    "ej",
    "o",
    "u",
    "de",
    "des",
    "αν",
)
"""What denies a word that goes on with a root of agreement."""
ENDINGS: Final = re.compile(r"(?:ma(?:ta|tta|ton|toin)|matto\w*|m[ae]d[ıi]|m[ae]m[ıi]s\w*|s[ıi]z)\Z")
AGAIN: Final = re.compile(
    r"\b(?:no longer|nicht mehr|ya no|non piu|mais nao|nao mais|niet meer|juz nie|больше не|більше не|inte langre"
    r"|ikke lenger|ikke lengre|ikke laengere|ikke længere|enaa|uz ne|uz nie|nu mai"
    r"|mar nem|art[iı]k|uz neni|uz nie je|vairs|nebe)\b"
    r"|\bn(?:e|est)?\b.* plus\b|\bei\b.* enam\b|\benam ei\b"
)
WANTS: Final = re.compile(
    r"\b(?:want|wish|mocht|wunsch|souhait|veut|quier|dese|vuol|desider|quer|wil\b|wenst|chce|zyczy|soovi|taha|хо[чт]"
    r"|бажа|жела|vill|onsk|ønsk|halu|preje|doreste|vrea|szeretn|isti|vela|nori)"
)
ASIDE: Final = (
    "single double soi doi coi fully explicit explicitly express expressly currently still already again user"
    " contact member customer person by via from list lists the all bereits"
    " aktuell durch kunde kontakt deja ya ja gia"
    " uzytkownik juba уже вже for free paid all yes newly auto automatically manually given granted erteilt gegeben"
    " vorhanden donne donnee accorde obtenu otorgado dado dada concedido dato dada gegeven verleend udzielona wydana"
    " antud olemas надано отримано получено дано givet gitt givit annettu saatu"
    " udelen udeleny dan acordat dat megadva"
    " verildi dota duotas gautas longer mehr plus piu mais meer juz больше більше"
    " lenger langre længere enaa enam uz mai mar"
    " artik artık vairs je este est ole is was are were has have been encore marked as como comme als marcou marque"
    " markeret merkitty oznacen reported yet jeszcze este todavia ainda ancora edildi"
    " від von liegt vor vorliegend besteht есть имеется є наявна olemas hay existe ano"
)
"""Words that don't change what is said."""
