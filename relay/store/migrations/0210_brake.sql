-- How each log-in is used, and mail that is held because another seems to use it (relay/brake/).
CREATE TABLE brake_use (
    login TEXT NOT NULL,                          -- password:ID of a credential, token:ID
    hour INTEGER NOT NULL,                        -- since 1970
    tenant_id INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    copies INTEGER NOT NULL,
    strangers INTEGER NOT NULL,                   -- of these to people of whom the tenant had nothing yet
    PRIMARY KEY (login, hour)
);
CREATE INDEX brake_use_of_tenant ON brake_use (tenant_id);
CREATE TABLE brake_place (
    login TEXT NOT NULL,
    network TEXT NOT NULL,                        -- /24 of IPv4, /48 of IPv6
    tenant_id INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    first_at REAL NOT NULL,
    last_at REAL NOT NULL,
    copies INTEGER NOT NULL,
    strangers INTEGER NOT NULL,
    suspect INTEGER NOT NULL DEFAULT 0,           -- 1: it was part of what was braked, and nobody said it is the tenant's
    PRIMARY KEY (login, network)
);
CREATE INDEX brake_place_of_tenant ON brake_place (tenant_id);
CREATE TABLE brake_words (
    tenant_id INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    day INTEGER NOT NULL,                         -- since 1970; a day's words are known from the next day on
    words BLOB NOT NULL,                          -- numbers of words and hosts of its mail, 32 bits each
    samples INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, day)
);
CREATE TABLE brake (
    id INTEGER PRIMARY KEY,                       -- of the statement of its reasons; of one that goes on after a drop, its own
    tenant_id INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    login TEXT NOT NULL,
    name TEXT NOT NULL,                           -- as people know the log-in
    at REAL NOT NULL,
    since REAL NOT NULL,                          -- mail accepted since then is held
    spared TEXT NOT NULL,                         -- networks whose mail goes on, a blank between
    statement_id INTEGER NOT NULL,
    ended_at REAL,                                -- new mail goes again
    decided TEXT NOT NULL DEFAULT '',             -- released, dropped; what became of what was held
    decided_at REAL,
    decided_by TEXT NOT NULL DEFAULT '',
    worked_off INTEGER NOT NULL DEFAULT 0         -- 1: no copy of it is held any more
);
CREATE INDEX brake_of_tenant ON brake (tenant_id, id);
CREATE INDEX brake_open ON brake (login) WHERE worked_off = 0;
-- The brake's is the highest of the bits of held_by.
CREATE INDEX recipient_braked ON recipient (tenant_id) WHERE state = 1 AND held_by >= 64;
ALTER TABLE submission ADD COLUMN login TEXT NOT NULL DEFAULT '';

CREATE TRIGGER brake_i AFTER INSERT ON brake BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT NEW.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER brake_u AFTER UPDATE OF ended_at ON brake BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT NEW.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
