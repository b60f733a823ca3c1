"""Words in the names of columns that change nothing of what the name asks; ``list_unclear`` reads names. Pure."""

# ruff: noqa: RUF001 - Cyrillic letters are meant here

from __future__ import annotations

from typing import Final

BESIDE: Final = (
    # small words and whoever it is about
    " a an the of to for by per via with and or in on at is are was has have had do does did be been can may will"
    " would want wants like likes wish wishes get gets i you he she we us our your my me please yes all any also"
    " from about as if it its this that new own other general main default first second third current now since"
    " user users customer customers contact contacts member members subscriber subscribers person people client der"
    " die das den dem ein eine einen und oder fur von vom zum zur zu am im mit ich wir sie er uns mein unser ihr"
    " mir wollen mochte mochten bitte darf durfen ja haben hat kunde kunden kontakt abonnent le la les un une des"
    " du de et ou pour par sur en avec je j vous nous mon notre veut veux souhaite clients el los las una unos y o"
    " para por con yo quiere quiero desea deseo mi cliente contacto si il lo gli dei della del e da di su vuole"
    " voglio desidera os um uma dos quer quero deseja het een van voor op met ik wil wenst klant w z na dla chce"
    " klient se och eller av till med jag vill kund og til jeg vil tai haluaa asiakas на по для от в и или с я хочу"
    " хочет хотят клиент у з за та або до хоче бажає клієнт soovib soovin tahab ma meie ok okay d l"
    # forms, flags and where it was asked
    " flag box check checkbox tick field option status state value answer choice preference preferences setting"
    " settings form website web site online shop store checkout footer popup landing page portal app permission"
    " legal law eu uk eea art data privacy policy datenschutz kanal channel channels wunsch gewunscht type kind way"
    " means version list lists liste listen lista listi verteiler group groups topic topics"
    # how often and of what a letter is
    " daily weekly monthly quarterly yearly annual day week month quarter year regular digest summary bulletin"
    " taglich wochentlich monatlich jahrlich hebdo hebdomadaire mensuel mensuelle semanal mensual ежедневн"
    " еженедельн месячн щотижнев щомісячн igakuine iganadalane kuu nadala product products service services company"
    " blog press events event special specials deal deals sale sales offer offers promo promos promotion promotions"
    " promotional discount discounts coupon coupons gift news update updates information info infos tips tip ideas"
    " invitation invitations announcement announcements alert alerts notification notifications content letter"
    " letters message messages marketing advertising commercial communication communications campaign campaigns b2b"
    " b2c partner partners party produkt produkte angebot angebote aktion aktionen neuigkeit neuigkeiten werbung"
    " werbliche informationen produit produits offre offres actualites commerciale commerciales oferta ofertas"
    " novedades noticias comerciales publicidad акции акций новости новостей скидки предложения новини знижки акції"
    " pakkumised pakkumiste uudised kampaania kampaaniad english german french spanish russian ukrainian estonian"
    " deutsch francais espanol eesti fr es ru"
    # the day or time of it
    " date time timestamp datum zeit fecha дата время час kuupaev aeg utc gmt id metadata"
    # programs that put their names before it
    " mailchimp woocommerce mepr klaviyo brevo sendinblue hubspot mc4wp wp wc sys module dmail prefs lead billing"
    " shopify magento prestashop wix salesforce sf crm mautic mailerlite prop custom cf attr account profile"
    # marks of a flag, what a form puts down, and whose letters they are
    " flg ind indicator kz kennz kennzeichen opt yn bool text wording statement venue organizer organiser host"
    " veranstalter organisateur organizador organizator организатора організатора korraldaja global globally"
    " allgemein preferred recall reminder reminders digests mass html abo abos join joined included mailinglist kas"
    " czy vai nuestro nuestra nuestros nuestras nossa nosso vos votre nase unsere unseren unserem unserer наш нашу"
    " нашей наши нашої al чи s k v novidades lettre brief kiri msg keep touch allow allows firmado signed quisiera"
    " kliendile naujienas jaunumus ids doppelt last updated changed aktualisiert geandert perm perms admin"
    " administrator forum comm comms pref protection digital electronic elektronisch scope checkboxes tellimus"
    " tellimuse soov soovid wunsche ister misiniz voib tohib"
    # laws of it
    " gdpr dsgvo rgpd lopd lssi avg rodo casl terms"
)
"""Apart by blanks, in the languages of lists; none of them says that somebody wants no mail."""
SHORT: Final = (
    " age sex car dog cat bus tax vat kid art eur usd gbp day new old top big map job tv pc id ip os url eu us uk"
    " de at ch fr es it nl be pl cz sk hu ro bg si hr rs ua ru ee lv lt fi se no dk pt gr tr cn jp kr in br mx ca"
    " au nz mo di mi do sa so mon tue wed thu fri sat sun jan feb mar apr jun jul aug sep oct nov dec am pm pro max"
    " min one two three set kit lot pet plus extra gym spa bar pub zoo sea ski box boy man men"
)
"""Short words that are no abbreviations of anything unknown."""
ENDINGS: Final = "able ing ings s e n en er em ow owa owy y in il ie iga u ga aga as om id t ach ami"
"""What a word of mail may end in."""
GENERIC: Final = (
    " flag box check checkbox tick field option status state value answer choice preference preferences setting"
    " settings permission ok okay can may we you i us yes please wish wants want is has was user contact customer"
    " person member mark marker code type kind art kennzeichen kz flg ind opt yn bool custom attr cf prop all any"
    " general main default"
)
"""Words of which a name that has no other says nothing of what it is about."""
