"""Everyday matters of which lists say yes or no, as roots that begin a word of a column's name (``plain``). Pure."""

from __future__ import annotations

import re
from typing import Final

from relay.lists.list_words import plain

_ROOTS: Final = (
    # days, and parts of them
    "saturday,sunday,monday,tuesday,wednesday,thursday,friday,weekend,morning,afternoon,evening,samstag,sonntag",
    "montag,dienstag,mittwoch,donnerstag,freitag,vormittag,nachmittag,abend,samedi,dimanche,lundi,mardi,mercredi",
    "jeudi,vendredi,matin,soiree,sabado,domingo,lunes,martes,miercoles,jueves,viernes,tarde,noche,sabato,domenica",
    "lunedi,venerdi,sera,суббот,воскресен,понедельник,субот,неділ,понеділ,laupaev,puhapaev,esmaspaev,sobota",
    "niedziela,zaterdag,zondag,lordag,sondag,lauantai,sunnuntai",
    # food, drink and staying
    "food,meal,breakfast,brunch,buffet,catering,coffee,wine,beer,essen,fruhstuck,kaffee,wein,bier,kuchen,torte",
    "repas,dejeuner,vin,biere,cafe,gateau,comida,desayuno,almuerzo,cena,vino,cerveza,pasto,colazione,pranzo,birra",
    "posilek,obiad,sniadanie,обед,завтрак,ужин,обід,сніданок,вечер,soo,louna,mensa,kantine,canteen,cantine,maaltijd",
    "frokost,lunsj,lactos,laktos,celia,zoliak,nut free,shellfish,smoker,raucher,fumeur,fumador,fumatore,palacz,куря",
    "курит,suitseta,camping,camp,tent,zelt,cabin,cabina,sauna,pool,piscina,schwimmbad,massage,accessib,access need",
    "barrierefrei",
    # ways and vehicles
    "shuttle,carpool,covoitur,mitfahr,fahrgemeinsch,bike,bicycle,fahrrad,velo,bicicleta,rower,велосипед,jalgratas",
    "motor,tractor,tracteur,traktor,trailer,anhanger,boat,boot,bateau,barco,flight,airport,taxi,fahrt,reise,voyage",
    "viaje",
    # bodies, beasts and families
    "injur,pregnan,schwanger,enceinte,embaraz,diabet,asthma,vaccin,impf,chronik,chroni,disease,krank,malad,enferm",
    "health,gesundheit,medic,medizin,doctor,arzt,dentist,zahn,dental,glasses,brille,blood,organ don,kasse versich",
    "privat versich,hund,katze,pferd,tier,chien,chat,cheval,perro,gato,caballo,cane,gatto,cavallo,pies,kot,кот",
    "собак,koer,kass,horse,puppy,kitten,breed,neuter,steril,microchip,chip,animal,kinder,enfant,hijo,figli,dziec",
    "ребен,дитин,laps,baby,sibling,grandparent,senior,pension,rentner,retrait[ée],jubilad,пенсион,пенсіон,invalid",
    "widow,single parent,allein",
    # clubs, schools, work and what one does there
    "chor,choral,choir,orchest,band,dj,music,musik,theat,dance,tanz,danse,baile,ballo,teatr,танц,tants,game,play",
    "sport,football,fussball,futbol,tennis,golf,hockey,handball,yoga,pilates,fitness,training,trainer,coach,class",
    "gym,swim,ski,tournament,turnier,torneo,турнир,hort,kita,kindergart,garderie,lasteaed,детсад,садок,school,schul",
    "ecole,escuela,szkol,школ,kool,koulu,skole,skola,exam,prufung,test driv,teoric,practic,aprob,onboard,certific",
    "zertifik,diplom,helper,volunt,freiwill,benevol,voluntar,dugnad,talkoo,talgud,kantinedienst,kassenwart",
    "jugendwart,vorstand,board,jury,judge,referee,schiedsricht,captain,mannschaft,asamblea,assembl,versamml",
    "koosolek,собран,збор,delegat,vote,voter,background check,security clear,clearance,drug test,reference,referen",
    "resume,portfolio,interview",
    # buying, paying, living
    "seller,selling,vendor,stall,shop,kauf,verkauf,vente,venta,vendita,sprzedaz,продаж,muuk,acciones,share,stock",
    "skonto,fee,late fee,tax exempt,exento,exempt,ermassig,reduced,tarif,rate,mortgage,pre approv,loan,kredit",
    "credit,deposit,moros,kara,fine,dunning,mahn,inkasso,collection,abono,jahreskarte,annual pass,season tick",
    "saisonkart,fidel,treue,loyal,stammkund,torzsvasarlo,klub,club,kanta asiak,kortti,kart,card,locker,spind",
    "schrank,casier,taquilla,szatnia,electric,strom,courant,prad,water,wasser,woda,gas,heating,heizung,solar",
    "internet,wifi,garten,garden,jardin,ogrod,kleid,dress,suit,trikot,uniform,schuh,shoe,zapat,flower,blume,fleur",
    "fotograf,photograph,deco,manik,маник,pedik,haircut,friseur,coiff,tinte,corte,salon,beauty,kosmet,косме",
    "нова пошта,post office,digital,print edit,paperback,ebook,audiobook,audio,magazine,zeitung,journal,book,buch",
    "livre,libro,ksiaz,книг,raamat,podcast,stream",
    # machines and records
    "viewed,starred,flagged up,favorit,favourit,bookmark,pinned,processed,reviewed,rated,anonym,accountmode",
    "guest check,instant profile,auto renew,autorenew,renewal,backup,sandbox,syntax,mx,catch all,role based",
    "disposable,free mail,probetrain,schnupper,stichprobe,sample,demo,pilot,liabil,waiver,haftung,signed contract",
    "contract signed,nda,veget,vegan,allerg,alerg,аллерг,алерг,plus one,companion,begleit,rental,hire,verleih",
    "portal,contribut,cotis,beitrag,beginner,anfanger,debutant,principiant,fortgeschritt,advanced,level,catech",
    "bible,bibel,communion,konfirmand,taufe,betaald,betalt,bezahlt,zaplac,оплач,сплач,makstud,maksettu,placeno",
    "fizetve,platit,odendi,apmaksat,apmoket,park,quete,collecte,spende,donation,волонт,vabatahtlik,wolontar",
    "frivillig,vapaaehto,vrijwillig,dirigeant,beirat,taller,доставк,convert,unread,beet,hochbeet,gewachs,neumatic",
    "pneu,reifen,tyre,шин,greenhouse,serre,rasen,affiliat,referr,ausstell,exhibit,exposant,expositor,espositor",
    "visitor,besucher,lift,aufzug,ramp,hearing,sign language,gebarden,interpreter,dolmetsch,translat",
)
_EVERYDAY: Final = re.compile(
    r"\b(?:" + "|".join(re.escape(plain(root)) for line in _ROOTS for root in line.split(",")) + r")"
)


def is_everyday(name: str) -> bool:
    """Is a yes or no there about a matter of every day, and not about mail?"""
    return _EVERYDAY.search(name) is not None and _LETTERS.search(name) is None


_LETTERS: Final = re.compile(r"(?:post|brief|mails?|news|nieuws|nytt|letters?|lettres?|infos?|blatt|bulletin|kiri)\b")
"""Letters about such a matter: ``Gartenpost``."""
