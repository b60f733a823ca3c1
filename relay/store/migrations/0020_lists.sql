-- Lists: mailboxes with several spellings, attributes and groups of subscribers, numbered wordings.

-- The key that all spellings of one mailbox share (relay/registry/mailbox.py); NULL: no other spelling is known.
ALTER TABLE subscriber ADD COLUMN mailbox TEXT;
WITH provider (domain, main, kind) AS (VALUES
    ('gmail.com', 'gmail.com', 'g'), ('googlemail.com', 'gmail.com', 'g'), ('yandex.ru', 'yandex.ru', 'y'),
    ('ya.ru', 'yandex.ru', 'y'), ('yandex.com', 'yandex.ru', 'y'), ('yandex.by', 'yandex.ru', 'y'),
    ('yandex.kz', 'yandex.ru', 'y'), ('yandex.ua', 'yandex.ru', 'y'), ('proton.me', 'proton.me', 'p'),
    ('protonmail.com', 'proton.me', 'p'), ('protonmail.ch', 'proton.me', 'p'), ('pm.me', 'proton.me', 'p'),
    ('icloud.com', 'icloud.com', '+'), ('me.com', 'icloud.com', '+'), ('mac.com', 'icloud.com', '+'),
    ('outlook.com', 'outlook.com', '+'), ('hotmail.com', 'hotmail.com', '+'), ('live.com', 'live.com', '+'),
    ('msn.com', 'msn.com', '+'), ('passport.com', 'passport.com', '+'), ('outlook.at', 'outlook.at', '+'),
    ('outlook.be', 'outlook.be', '+'), ('outlook.cz', 'outlook.cz', '+'), ('outlook.de', 'outlook.de', '+'),
    ('outlook.dk', 'outlook.dk', '+'), ('outlook.es', 'outlook.es', '+'), ('outlook.fr', 'outlook.fr', '+'),
    ('outlook.hu', 'outlook.hu', '+'), ('outlook.ie', 'outlook.ie', '+'), ('outlook.it', 'outlook.it', '+'),
    ('outlook.lv', 'outlook.lv', '+'), ('outlook.pt', 'outlook.pt', '+'), ('outlook.sk', 'outlook.sk', '+'),
    ('outlook.com.br', 'outlook.com.br', '+'), ('outlook.com.tr', 'outlook.com.tr', '+'),
    ('hotmail.at', 'hotmail.at', '+'), ('hotmail.be', 'hotmail.be', '+'), ('hotmail.ca', 'hotmail.ca', '+'),
    ('hotmail.co.uk', 'hotmail.co.uk', '+'), ('hotmail.com.br', 'hotmail.com.br', '+'),
    ('hotmail.com.tr', 'hotmail.com.tr', '+'), ('hotmail.cz', 'hotmail.cz', '+'), ('hotmail.de', 'hotmail.de', '+'),
    ('hotmail.dk', 'hotmail.dk', '+'), ('hotmail.es', 'hotmail.es', '+'), ('hotmail.fr', 'hotmail.fr', '+'),
    ('hotmail.hu', 'hotmail.hu', '+'), ('hotmail.ie', 'hotmail.ie', '+'), ('hotmail.it', 'hotmail.it', '+'),
    ('hotmail.lv', 'hotmail.lv', '+'), ('hotmail.pt', 'hotmail.pt', '+'), ('hotmail.se', 'hotmail.se', '+'),
    ('hotmail.sk', 'hotmail.sk', '+'), ('live.at', 'live.at', '+'), ('live.be', 'live.be', '+'),
    ('live.ca', 'live.ca', '+'), ('live.co.uk', 'live.co.uk', '+'), ('live.de', 'live.de', '+'),
    ('live.dk', 'live.dk', '+'), ('live.es', 'live.es', '+'), ('live.eu', 'live.eu', '+'),
    ('live.fr', 'live.fr', '+'), ('live.ie', 'live.ie', '+'), ('live.it', 'live.it', '+'),
    ('live.nl', 'live.nl', '+'), ('live.ru', 'live.ru', '+'), ('live.se', 'live.se', '+'),
    ('fastmail.com', 'fastmail.com', '+'), ('fastmail.fm', 'fastmail.fm', '+'), ('mailbox.org', 'mailbox.org', '+'),
    ('posteo.de', 'posteo.de', '+'), ('zoho.com', 'zoho.com', '+'), ('zohomail.com', 'zohomail.com', '+'),
    ('hey.com', 'hey.com', '+'), ('yahoo.com', 'yahoo.com', '-'), ('ymail.com', 'ymail.com', '-'),
    ('rocketmail.com', 'rocketmail.com', '-'), ('yahoo.ca', 'yahoo.ca', '-'), ('yahoo.co.uk', 'yahoo.co.uk', '-'),
    ('yahoo.de', 'yahoo.de', '-'), ('yahoo.es', 'yahoo.es', '-'), ('yahoo.fr', 'yahoo.fr', '-'),
    ('yahoo.ie', 'yahoo.ie', '-'), ('yahoo.in', 'yahoo.in', '-'), ('yahoo.it', 'yahoo.it', '-')
), split AS (
    SELECT id, substr(address, 1, instr(address, '@') - 1) AS local, substr(address, instr(address, '@') + 1) AS domain
    FROM subscriber WHERE address NOT LIKE '"%'
), base AS (
    SELECT s.id, p.main, p.kind, CASE p.kind
        WHEN '-' THEN substr(s.local, 1, instr(s.local || '-', '-'))
        ELSE substr(s.local, 1, instr(s.local || '+', '+') - 1) END AS local
    FROM split s JOIN provider p ON p.domain = s.domain
), keyed AS (
    SELECT id, main, kind, CASE kind
        WHEN 'g' THEN replace(local, '.', '')
        WHEN 'y' THEN replace(local, '.', '-')
        WHEN 'p' THEN replace(replace(replace(local, '.', ''), '-', ''), '_', '')
        ELSE local END AS local
    FROM base
)
UPDATE subscriber SET mailbox = (SELECT k.local || '@' || k.main FROM keyed k WHERE k.id = subscriber.id)
WHERE id IN (SELECT id FROM keyed WHERE local <> '' AND NOT (kind = '-' AND local = '-'));
CREATE INDEX subscriber_by_mailbox ON subscriber (tenant_id, mailbox) WHERE mailbox IS NOT NULL;

-- How the tenant orders its list (R4): values by name, and groups.
CREATE TABLE attribute (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    UNIQUE (tenant_id, name)
);
CREATE TABLE profile (
    subscriber_id INTEGER PRIMARY KEY REFERENCES subscriber (id) ON DELETE CASCADE,
    attributes TEXT NOT NULL,                     -- JSON: name -> text
    changed_at REAL NOT NULL
);
CREATE TABLE list_group (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    created_at REAL NOT NULL,
    UNIQUE (tenant_id, name)
);
CREATE TABLE membership (
    group_id INTEGER NOT NULL REFERENCES list_group (id) ON DELETE CASCADE,
    subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, subscriber_id)
) WITHOUT ROWID;
CREATE INDEX membership_by_subscriber ON membership (subscriber_id);

-- Versions of what people agreed to (R2): numbered by tenant in the order they were first seen, never changed.
ALTER TABLE wording ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE wording ADD COLUMN language TEXT NOT NULL DEFAULT '';
UPDATE wording SET number = (
    SELECT count(*) FROM wording w WHERE w.tenant_id = wording.tenant_id AND w.id <= wording.id
);
CREATE UNIQUE INDEX wording_by_number ON wording (tenant_id, number);
CREATE TRIGGER wording_kept BEFORE UPDATE OF text, number, created_at ON wording
BEGIN SELECT RAISE(ABORT, 'a wording that people agreed to is kept as it was'); END;
