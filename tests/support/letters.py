# ruff: noqa: RUF001, E501
"""Newsletters in seven languages to make likeness groups of (``likeness_groups``): all written for this."""

from __future__ import annotations

from typing import Final, NamedTuple


class Bank(NamedTuple):
    """What one sender's letters are made of."""

    head: str
    greeting: str
    """With ``{name}``."""
    articles: tuple[str, ...]
    """A title, a line end, a text."""
    items: tuple[str, ...]
    offer: str
    """With ``{item}``, ``{now}`` and ``{old}``."""
    offers: str
    """What stands around offers."""
    event: str
    """With ``{what}`` and ``{day}``."""
    points: str
    """With ``{number}``."""
    bought: str
    """With ``{items}``."""
    nearest: str
    """With ``{place}`` and ``{number}``."""
    aside: str
    """With ``{name}``."""
    foot: str
    other_foot: str
    names: tuple[str, ...]
    places: tuple[str, ...]


EN: Final = Bank(
    "The Quay Street letter\nEvery other Friday from the workshop behind the fish market.",
    "Hello {name},",
    (
        "The kiln is warm again\nAfter three weeks without a single cup the new burner arrived by bicycle. The first"
        " batch came out crooked, green and already sold.",
        "Where the owls went\nBoth boxes under the roof stayed empty until somebody took down the radio. Now there are"
        " four chicks, and the radio stands in the pantry.",
        "A bench for the long wait\nPassengers of the last ferry sat on suitcases for years. Two carpenters built them"
        " a bench out of an old dance floor, and it still creaks in three-four time.",
        "Night of the slow soup\nEach cook brings one vegetable and an opinion. At midnight the pot is opened and the"
        " loudest opinion washes up.",
        "Ink from walnuts\nThe school boiled husks for an afternoon and wrote letters to the harbour master. He answered"
        " with a stain and an invitation.",
        "Stairs that sing\nEvery step of the library has a note of its own since the carpet was taken away. Children run"
        " scales, the readers have asked for a slower tempo.",
        "Lost property\nForty umbrellas, one tuba and a wedding dress wait in the cellar. Whoever describes the lining"
        " correctly may take the tuba as well.",
        "Bread by moonlight\nSince the mill turns only at night, dough is kneaded by lantern. The crust has become"
        " darker and the conversations longer.",
    ),
    ("copper kettle", "reading lamp", "wool hat", "garden bench", "bread knife", "bicycle bell", "picnic rug",
     "fountain pen", "rain boots", "chess clock", "linen towel", "oak tray"),
    "{item}: {now} pounds, was {old}",
    "Only while they last, and only at the counter. What is cheap today won't be cheaper tomorrow.",
    "{what}\n{day}, half past seven in the big hall. Doors open an hour earlier, the bar takes coins only.",
    "You have {number} points on your card.",
    "Last time you took home: {items}.",
    "Your nearest branch is in {place}, Mill Lane {number}.",
    "P.S. {name}, your scarf still hangs on the hook by the door.",
    "Quay Street Workshop, 12 Quay Street, Samplemouth. Open from Tuesday on, ring twice and mind the cat.",
    "The yard in Weaver's Row has the same hours but no heating. Dogs are welcome there, children too.",
    ("Clara Venn", "Tom Ashdown", "Priya Nair", "Oscar Lund", "Beth Rowan", "Mr. Hugh Selby", "Ines Calloway"),
    ("Ludlow", "Penrith", "Whitby", "Falmouth", "Selkirk"),
)  # fmt: skip

DE: Final = Bank(
    "Post vom Kahnhafen\nAlle zwei Wochen aus der Werkstatt hinter dem Speicher.",
    "Guten Tag {name},",
    (
        "Der Ofen brennt wieder\nNach drei Wochen ohne eine einzige Tasse kam der neue Brenner auf dem Fahrrad. Die"
        " erste Ladung war schief, grün und schon verkauft.",
        "Wohin die Eulen zogen\nBeide Kästen unter dem Dach blieben leer, bis jemand das Radio abstellte. Jetzt sitzen"
        " dort vier Küken, und das Radio steht in der Speisekammer.",
        "Eine Bank zum Warten\nDie Gäste der letzten Fähre saßen jahrelang auf Koffern. Zwei Tischler bauten ihnen eine"
        " Bank aus einem alten Tanzboden, sie knarrt noch immer im Walzertakt.",
        "Nacht der langsamen Suppe\nJeder bringt ein Gemüse und eine Meinung mit. Um Mitternacht wird der Topf geöffnet,"
        " und die lauteste Meinung wäscht ab.",
        "Tinte aus Walnüssen\nDie Schule kochte einen Nachmittag lang Schalen und schrieb Briefe an den Hafenmeister. Er"
        " antwortete mit einem Klecks und einer Einladung.",
        "Treppen, die singen\nJede Stufe der Bücherei hat einen eigenen Ton, seit der Teppich fort ist. Kinder laufen"
        " Tonleitern, die Leser bitten um ein ruhigeres Tempo.",
        "Fundsachen\nVierzig Schirme, eine Tuba und ein Brautkleid warten im Keller. Wer das Futter richtig beschreibt,"
        " darf die Tuba gleich mitnehmen.",
        "Brot bei Mondlicht\nWeil die Mühle nur nachts mahlt, knetet man bei Laternenschein. Die Kruste wurde dunkler,"
        " die Gespräche wurden länger.",
    ),
    ("Kupferkessel", "Leselampe", "Wollmütze", "Gartenbank", "Brotmesser", "Fahrradklingel", "Picknickdecke",
     "Füllfeder", "Gummistiefel", "Schachuhr", "Leinentuch", "Eichentablett"),
    "{item}: {now} Euro statt {old}",
    "Nur solange der Vorrat reicht und nur an der Theke. Was heute billig ist, wird morgen nicht billiger.",
    "{what}\n{day}, halb acht im großen Saal. Einlass eine Stunde früher, die Bar nimmt nur Münzen.",
    "Auf Ihrer Karte sind {number} Punkte.",
    "Beim letzten Mal nahmen Sie mit: {items}.",
    "Ihre nächste Filiale ist in {place}, Mühlgasse {number}.",
    "PS: {name}, Ihr Schal hängt noch am Haken neben der Tür.",
    "Werkstatt Kahnhafen, Kaistraße 12, Beispielstadt. Geöffnet ab Dienstag, zweimal klingeln, Vorsicht vor der Katze.",
    "Der Hof in der Webergasse hat dieselben Zeiten, aber keine Heizung. Hunde sind dort willkommen, Kinder auch.",
    ("Klara Wenn", "Thomas Eschen", "Priya Nair", "Oskar Lund", "Bettina Rohr", "Herr Hugo Selb", "Ines Kallweit"),
    ("Görlitz", "Wismar", "Coburg", "Husum", "Bautzen"),
)  # fmt: skip

UK: Final = Bank(
    "Лист із Набережної\nЩодругої п'ятниці з майстерні за рибним ринком.",
    "Добрий день, {name}!",
    (
        "Піч знову гріє\nПісля трьох тижнів без жодної чашки новий пальник привезли велосипедом. Перша партія вийшла"
        " кривою, зеленою і вже проданою.",
        "Куди поділися сови\nОбидві шпаківні під дахом стояли порожні, доки хтось не вимкнув радіо. Тепер там четверо"
        " пташенят, а радіо живе в коморі.",
        "Лавка для довгого чекання\nПасажири останнього порома роками сиділи на валізах. Двоє теслів зробили їм лавку зі"
        " старої танцювальної підлоги, і вона досі рипить у ритмі вальсу.",
        "Ніч повільного супу\nКожен приносить один овоч і одну думку. Опівночі відкривають казан, і найгучніша думка миє"
        " посуд.",
        "Чорнило з горіхів\nШколярі цілий день варили лушпиння й написали листи начальникові порту. Він відповів плямою та"
        " запрошенням.",
        "Сходи, що співають\nВідколи зняли килим, кожна сходинка бібліотеки має власну ноту. Діти бігають гамами, читачі"
        " просять повільнішого темпу.",
        "Загублені речі\nСорок парасольок, одна туба й весільна сукня чекають у підвалі. Хто правильно опише підкладку,"
        " забере й тубу.",
        "Хліб при місяці\nМлин меле лише вночі, тому тісто місять при ліхтарі. Скоринка стала темнішою, а розмови"
        " довшими.",
    ),
    ("мідний чайник", "лампа для читання", "вовняна шапка", "садова лавка", "хлібний ніж", "велодзвінок",
     "килимок для пікніка", "пір'яна ручка", "гумові чоботи", "шаховий годинник", "лляний рушник", "дубова таця"),
    "{item}: {now} гривень, було {old}",
    "Лише доки є на полиці й тільки біля прилавка. Що дешеве сьогодні, завтра дешевшим не стане.",
    "{what}\n{day}, о пів на восьму у великій залі. Двері відчиняють на годину раніше, буфет приймає тільки монети.",
    "На вашій картці {number} балів.",
    "Минулого разу ви взяли: {items}.",
    "Найближча філія: {place}, вулиця Млинова {number}.",
    "P.S. {name}, ваш шарф досі висить на гачку біля дверей.",
    "Майстерня «Набережна», вулиця Набережна, 12, Прикладове. Відчинено з вівторка, дзвоніть двічі й бережіть кота.",
    "Двір на Ткацькій має ті самі години, але без опалення. Собакам там раді, дітям теж.",
    ("Клара Вень", "Тарас Ясен", "Олена Сулима", "Остап Лунь", "Віра Рогова", "пан Гнат Сіль", "Інна Коваль"),
    ("Полтава", "Луцьк", "Ужгород", "Черкаси", "Суми"),
)  # fmt: skip

ET: Final = Bank(
    "Kaldapealse kiri\nÜle reede kalaturu tagant töökojast.",
    "Tere, {name}!",
    (
        "Ahi on jälle soe\nPärast kolme nädalat ilma ühegi tassita toodi uus põleti jalgrattaga. Esimene laar tuli viltu,"
        " roheline ja juba müüdud.",
        "Kuhu öökullid läksid\nMõlemad pesakastid katuse all seisid tühjad, kuni keegi raadio ära viis. Nüüd on seal neli"
        " poega ja raadio elab sahvris.",
        "Pink pikaks ooteks\nViimase praami reisijad istusid aastaid kohvritel. Kaks puuseppa tegid neile pingi vanast"
        " tantsupõrandast, see kriuksub ikka valsitaktis.",
        "Aeglase supi öö\nIga kokk toob ühe köögivilja ja ühe arvamuse. Keskööl avatakse pada ja kõige valjem arvamus"
        " peseb nõud.",
        "Tint pähklitest\nKool keetis pärastlõuna otsa koori ja kirjutas sadamakaptenile. Tema vastas pleki ja kutsega.",
        "Trepp, mis laulab\nSellest ajast kui vaip ära võeti, on raamatukogu igal astmel oma noot. Lapsed jooksevad"
        " heliredeleid, lugejad paluvad aeglasemat tempot.",
        "Leitud asjad\nNelikümmend vihmavarju, üks tuuba ja pulmakleit ootavad keldris. Kes voodrit õigesti kirjeldab,"
        " võib ka tuuba kaasa võtta.",
        "Leib kuuvalgel\nVeski jahvatab ainult öösel, nii et tainast sõtkutakse laterna all. Koorik on muutunud tumedamaks"
        " ja jutud pikemaks.",
    ),
    ("vaskkatel", "lugemislamp", "villane müts", "aiapink", "leivanuga", "jalgrattakell", "piknikutekk", "täitesulepea",
     "kummikud", "malekell", "linane rätik", "tammest kandik"),
    "{item}: {now} eurot, enne {old}",
    "Ainult kuni kaupa jätkub ja ainult letist. Mis täna odav, see homme odavamaks ei lähe.",
    "{what}\n{day}, pool kaheksa suures saalis. Uksed avatakse tund varem, baar võtab ainult münte.",
    "Teie kaardil on {number} punkti.",
    "Eelmisel korral võtsite kaasa: {items}.",
    "Teie lähim kauplus on {place}, Veski tänav {number}.",
    "P.S. {name}, teie sall ripub endiselt ukse kõrval konksus.",
    "Töökoda Kaldapealne, Kai tänav 12, Näidissadam. Avatud teisipäevast, helistage kaks korda ja hoidke kassi.",
    "Kangru õues on samad ajad, aga kütet ei ole. Koerad on sinna oodatud, lapsed ka.",
    ("Klaara Venn", "Toomas Saar", "Piret Naar", "Oskar Lund", "Pille Rohi", "härra Hugo Selg", "Ines Kallas"),
    ("Võru", "Paide", "Kuressaare", "Rakvere", "Elva"),
)  # fmt: skip

RU: Final = Bank(
    "Письмо с Причала\nКаждую вторую пятницу из мастерской за рыбным рынком.",
    "Здравствуйте, {name}!",
    (
        "Печь снова греет\nПосле трёх недель без единой чашки новую горелку привезли на велосипеде. Первая партия вышла"
        " кривой, зелёной и уже проданной.",
        "Куда делись совы\nОба домика под крышей пустовали, пока кто-то не унёс радио. Теперь там четыре птенца, а радио"
        " живёт в кладовке.",
        "Скамья для долгого ожидания\nПассажиры последнего парома годами сидели на чемоданах. Два плотника сделали им"
        " скамью из старого танцпола, она до сих пор скрипит в ритме вальса.",
        "Ночь медленного супа\nКаждый приносит один овощ и одно мнение. В полночь открывают котёл, и самое громкое мнение"
        " моет посуду.",
        "Чернила из орехов\nШкола весь день варила скорлупу и написала письма начальнику порта. Он ответил кляксой и"
        " приглашением.",
        "Лестница, которая поёт\nС тех пор как сняли ковёр, у каждой ступени библиотеки своя нота. Дети бегают гаммами,"
        " читатели просят темп помедленнее.",
        "Потерянные вещи\nСорок зонтов, одна туба и свадебное платье ждут в подвале. Кто верно опишет подкладку, может"
        " забрать и тубу.",
        "Хлеб при луне\nМельница мелет только ночью, поэтому тесто месят при фонаре. Корка стала темнее, а разговоры"
        " длиннее.",
    ),
    ("медный чайник", "лампа для чтения", "шерстяная шапка", "садовая скамья", "хлебный нож", "велосипедный звонок",
     "плед для пикника", "перьевая ручка", "резиновые сапоги", "шахматные часы", "льняное полотенце", "дубовый поднос"),
    "{item}: {now} евро, было {old}",
    "Только пока есть на полке и только у прилавка. Что дёшево сегодня, завтра дешевле не станет.",
    "{what}\n{day}, в половине восьмого в большом зале. Двери откроют часом раньше, буфет берёт только монеты.",
    "На вашей карте {number} баллов.",
    "В прошлый раз вы взяли: {items}.",
    "Ближайший магазин: {place}, улица Мельничная {number}.",
    "P.S. {name}, ваш шарф до сих пор висит на крючке у двери.",
    "Мастерская «Причал», Причальная улица, 12, Примерск. Открыто со вторника, звоните дважды и берегите кота.",
    "Двор на Ткацкой работает в те же часы, но без отопления. Собакам там рады, детям тоже.",
    ("Клара Вень", "Тимур Ясенев", "Полина Нарская", "Остап Лунёв", "Вера Рогова", "г-н Гурий Сольский", "Инна Ковалёва"),
    ("Нарва", "Силламяэ", "Тарту", "Валга", "Маарду"),
)  # fmt: skip

FR: Final = Bank(
    "La lettre du quai\nUn vendredi sur deux, depuis l'atelier derrière la halle aux poissons.",
    "Bonjour {name},",
    (
        "Le four est de nouveau chaud\nAprès trois semaines sans une seule tasse, le nouveau brûleur est arrivé à vélo."
        " La première fournée est sortie tordue, verte et déjà vendue.",
        "Où sont passées les chouettes\nLes deux nichoirs sous le toit restaient vides jusqu'à ce qu'on retire la radio."
        " Il y a maintenant quatre petits, et la radio vit dans le cellier.",
        "Un banc pour attendre\nLes passagers du dernier bac s'asseyaient depuis des années sur leurs valises. Deux"
        " menuisiers ont taillé un banc dans un vieux parquet de bal, il grince encore à trois temps.",
        "La nuit de la soupe lente\nChacun apporte un légume et une opinion. À minuit on ouvre la marmite, et l'opinion"
        " la plus bruyante fait la vaisselle.",
        "De l'encre de noix\nL'école a fait bouillir des brous tout un après-midi et écrit au capitaine du port. Il a"
        " répondu par une tache et une invitation.",
        "L'escalier qui chante\nDepuis que le tapis est parti, chaque marche de la bibliothèque a sa note. Les enfants"
        " courent des gammes, les lecteurs réclament un tempo plus calme.",
        "Objets trouvés\nQuarante parapluies, un tuba et une robe de mariée attendent à la cave. Qui décrit bien la"
        " doublure peut emporter aussi le tuba.",
        "Du pain au clair de lune\nLe moulin ne tourne que la nuit, alors on pétrit à la lanterne. La croûte est devenue"
        " plus sombre et les conversations plus longues.",
    ),
    ("bouilloire en cuivre", "lampe de lecture", "bonnet de laine", "banc de jardin", "couteau à pain",
     "sonnette de vélo", "nappe de campagne", "stylo à plume", "bottes de pluie", "pendule d'échecs",
     "torchon de lin", "plateau de chêne"),
    "{item} : {now} euros au lieu de {old}",
    "Jusqu'à épuisement et seulement au comptoir. Ce qui est bon marché aujourd'hui ne le sera pas davantage demain.",
    "{what}\n{day}, à sept heures et demie dans la grande salle. Ouverture une heure avant, le bar ne prend que la monnaie.",
    "Vous avez {number} points sur votre carte.",
    "La dernière fois, vous avez emporté : {items}.",
    "Votre magasin le plus proche est à {place}, rue du Moulin {number}.",
    "P.-S. {name}, votre écharpe pend toujours au crochet près de la porte.",
    "Atelier du Quai, 12 rue du Quai, Modèleville. Ouvert dès le mardi, sonnez deux fois et attention au chat.",
    "La cour de la rue des Tisserands garde les mêmes heures, mais sans chauffage. Les chiens y sont les bienvenus.",
    ("Claire Venne", "Thomas Frêne", "Priya Nair", "Oscar Lunel", "Babette Rohan", "M. Hugues Selle", "Inès Calvet"),
    ("Auray", "Gaillac", "Vannes", "Menton", "Épinal"),
)  # fmt: skip

ES: Final = Bank(
    "La carta del muelle\nUn viernes sí y otro no, desde el taller de detrás de la lonja.",
    "Hola, {name}:",
    (
        "El horno vuelve a calentar\nTras tres semanas sin una sola taza, el quemador nuevo llegó en bicicleta. La"
        " primera hornada salió torcida, verde y ya vendida.",
        "Adónde fueron los búhos\nLas dos cajas del tejado siguieron vacías hasta que alguien quitó la radio. Ahora hay"
        " cuatro polluelos, y la radio vive en la despensa.",
        "Un banco para la espera\nLos pasajeros del último barco llevaban años sentados en las maletas. Dos carpinteros"
        " les hicieron un banco con una vieja pista de baile que todavía cruje a ritmo de vals.",
        "La noche de la sopa lenta\nCada cocinero trae una verdura y una opinión. A medianoche se abre la olla, y la"
        " opinión más ruidosa friega los platos.",
        "Tinta de nueces\nLa escuela hirvió cáscaras toda una tarde y escribió cartas al capitán del puerto. Él contestó"
        " con un borrón y una invitación.",
        "La escalera que canta\nDesde que quitaron la alfombra, cada peldaño de la biblioteca tiene su nota. Los niños"
        " corren escalas, los lectores piden un compás más tranquilo.",
        "Objetos perdidos\nCuarenta paraguas, una tuba y un vestido de novia esperan en el sótano. Quien describa bien el"
        " forro puede llevarse también la tuba.",
        "Pan a la luz de la luna\nEl molino gira solo de noche, así que se amasa con farol. La corteza es ahora más"
        " oscura y las charlas más largas.",
    ),
    ("tetera de cobre", "lámpara de lectura", "gorro de lana", "banco de jardín", "cuchillo de pan",
     "timbre de bicicleta", "manta de campo", "pluma estilográfica", "botas de agua", "reloj de ajedrez",
     "paño de lino", "bandeja de roble"),
    "{item}: {now} euros, antes {old}",
    "Solo hasta agotar existencias y solo en el mostrador. Lo que hoy es barato mañana no lo será más.",
    "{what}\n{day}, a las siete y media en la sala grande. Las puertas abren una hora antes, el bar acepta solo monedas.",
    "Tiene {number} puntos en su tarjeta.",
    "La última vez se llevó: {items}.",
    "Su tienda más cercana está en {place}, calle del Molino {number}.",
    "P. D.: {name}, su bufanda sigue colgada en el gancho junto a la puerta.",
    "Taller del Muelle, calle del Muelle 12, Villamuestra. Abierto desde el martes, llame dos veces y cuidado con el gato.",
    "El patio de la calle Tejedores tiene el mismo horario, pero sin calefacción. Allí los perros son bienvenidos.",
    ("Clara Ventura", "Tomás Fresno", "Priya Nair", "Óscar Luna", "Beatriz Roldán", "Sr. Hugo Silva", "Inés Calleja"),
    ("Teruel", "Lugo", "Cádiz", "Soria", "Huesca"),
)  # fmt: skip

BANKS: Final = {"en": EN, "de": DE, "uk": UK, "et": ET, "ru": RU, "fr": FR, "es": ES}
