-- What people say of consents that are said to be theirs (R8b). One row a person and tenant.
CREATE TABLE contest (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    subscriber_id INTEGER NOT NULL,
    topic_id INTEGER NOT NULL,                    -- of the message; 0: of none
    plea TEXT NOT NULL,                           -- never | stranger | typed
    words TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL,                          -- open | answered | conceded | lapsed | refused | accepted | noted
    at REAL NOT NULL,
    due_at REAL NOT NULL,
    grade TEXT NOT NULL DEFAULT '',               -- of the consent then
    source TEXT NOT NULL DEFAULT '',
    counts INTEGER NOT NULL,                      -- 1: in the rates
    answer TEXT NOT NULL DEFAULT '',
    file_name TEXT NOT NULL DEFAULT '',
    file BLOB,
    answered_at REAL,
    ended_at REAL,
    submission_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    campaign_id INTEGER,
    import_id INTEGER,                            -- the list by which the consent came
    network BLOB NOT NULL,                        -- keyed hash of the client's network
    UNIQUE (tenant_id, subscriber_id)
);
CREATE INDEX contest_due ON contest (due_at) WHERE state = 'open';
CREATE INDEX contest_by_campaign ON contest (campaign_id) WHERE campaign_id IS NOT NULL;

-- Each list that was taken, so that its fate can be told, and all of it be taken back.
CREATE TABLE consent_import (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    topic_id INTEGER NOT NULL,
    at REAL NOT NULL,
    file TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    source TEXT NOT NULL,
    actor TEXT NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'taken',          -- taken | frozen | undone
    reason TEXT NOT NULL DEFAULT '',
    ended_at REAL
);
CREATE INDEX consent_import_by_tenant ON consent_import (tenant_id, id);
ALTER TABLE consent ADD COLUMN import_id INTEGER;
CREATE INDEX consent_by_import ON consent (import_id) WHERE import_id IS NOT NULL;
