-- Names of times end in _at: seconds since the epoch, UTC, REAL.
-- SQL here stays within what SQLite and PostgreSQL both speak where possible.

CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
-- Bumped by the triggers below; readers reload their snapshot when it moves.
INSERT INTO meta (name, value) VALUES ('registry', 1);
-- Bumped by `relay queue retry`; delivery then forgets which sites it leaves alone.
INSERT INTO meta (name, value) VALUES ('retry', 0);

CREATE TABLE tenant (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    contact TEXT NOT NULL,
    postal TEXT NOT NULL DEFAULT '',
    freeze TEXT NOT NULL DEFAULT 'none',          -- none | bulk | all
    freeze_reason TEXT NOT NULL DEFAULT '',
    plan TEXT NOT NULL DEFAULT 'free',
    plan_started_at REAL NOT NULL,
    plan_ends_at REAL,                            -- NULL: no end (free plan)
    created_at REAL NOT NULL
);

CREATE TABLE stream (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,                           -- bulk | transactional
    topic TEXT NOT NULL DEFAULT '*',
    consent TEXT NOT NULL,                        -- required | exempt
    created_at REAL NOT NULL,
    UNIQUE (tenant_id, name)
);

CREATE TABLE credential (
    id INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL REFERENCES stream (id),
    username TEXT UNIQUE,                         -- NULL: known by address only
    secret_hash BLOB,
    only_from TEXT NOT NULL DEFAULT '',           -- CIDR that restricts a password
    ip TEXT NOT NULL DEFAULT '',                  -- CIDR that needs no password
    created_at REAL NOT NULL,
    revoked_at REAL
);

CREATE TABLE api_token (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    created_at REAL NOT NULL,
    revoked_at REAL
);

CREATE TABLE domain (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,                           -- A-labels, lower case
    token TEXT NOT NULL,
    verified_at REAL,
    verified_by TEXT NOT NULL DEFAULT '',         -- 'dns' or who vouched and why
    return_path_at REAL,                          -- return path record seen in place
    created_at REAL NOT NULL,
    UNIQUE (tenant_id, name)
);

CREATE TABLE dkim_key (
    id INTEGER PRIMARY KEY,
    domain_id INTEGER NOT NULL REFERENCES domain (id) ON DELETE CASCADE,
    selector TEXT NOT NULL,
    algorithm TEXT NOT NULL,                      -- rsa-sha256 | ed25519-sha256
    sealed BLOB NOT NULL,                         -- private key, encrypted with the master secret
    public TEXT NOT NULL,                         -- base64 for the p= tag
    created_at REAL NOT NULL,
    retired_at REAL,
    UNIQUE (domain_id, selector)
);

CREATE TABLE topic (
    id INTEGER PRIMARY KEY AUTOINCREMENT,        -- never reused: links and bounces carry it
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    UNIQUE (tenant_id, name)
);

CREATE TABLE subscriber (
    id INTEGER PRIMARY KEY AUTOINCREMENT,        -- never reused: links and bounces carry it
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    address TEXT NOT NULL,                        -- canonical
    created_at REAL NOT NULL,
    UNIQUE (tenant_id, address)
);

CREATE TABLE wording (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    text TEXT NOT NULL,
    created_at REAL NOT NULL,
    UNIQUE (tenant_id, text)
);

CREATE TABLE consent (
    subscriber_id INTEGER NOT NULL REFERENCES subscriber (id),
    topic_id INTEGER NOT NULL REFERENCES topic (id),
    channel TEXT NOT NULL DEFAULT 'email',
    given_at REAL NOT NULL,
    withdrawn_at REAL,                            -- NULL: live
    source TEXT NOT NULL,
    wording_id INTEGER NOT NULL REFERENCES wording (id),
    ip TEXT NOT NULL DEFAULT '',
    page TEXT NOT NULL DEFAULT '',
    means TEXT NOT NULL,                          -- hand | import | api | form | double-opt-in
    recorded_at REAL NOT NULL,
    PRIMARY KEY (subscriber_id, topic_id, channel)
) WITHOUT ROWID;

-- Every giving and withdrawing, never changed afterwards.
CREATE TABLE consent_history (
    id INTEGER PRIMARY KEY,
    subscriber_id INTEGER NOT NULL,
    topic_id INTEGER NOT NULL,                    -- 0: everything
    action TEXT NOT NULL,                         -- given | withdrawn
    at REAL NOT NULL,
    recorded_at REAL NOT NULL,
    evidence TEXT NOT NULL                        -- JSON
);
CREATE INDEX consent_history_by_subscriber ON consent_history (subscriber_id);

CREATE TABLE suppression (
    subscriber_id INTEGER NOT NULL REFERENCES subscriber (id),
    topic_id INTEGER NOT NULL DEFAULT 0,          -- 0: everything of the tenant
    reason TEXT NOT NULL,                         -- unsubscribed | hard-bounce | complaint | hand
    since_at REAL NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (subscriber_id, topic_id, reason)
) WITHOUT ROWID;

CREATE TABLE counter (
    tenant_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name)
) WITHOUT ROWID;

CREATE TABLE counted (
    tenant_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    subscriber_id INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name, subscriber_id)
) WITHOUT ROWID;

CREATE TABLE campaign (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    stream_id INTEGER NOT NULL REFERENCES stream (id),
    name TEXT NOT NULL,
    topic TEXT NOT NULL DEFAULT '',
    from_address TEXT NOT NULL DEFAULT '',
    subject TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL,                          -- open | staged | watching | undecided | stopped | released | declined
    created_at REAL NOT NULL,
    recipients INTEGER NOT NULL DEFAULT 0,        -- numbers given out so far
    passed INTEGER NOT NULL DEFAULT 0,            -- let through by the stage
    delivered INTEGER NOT NULL DEFAULT 0,
    bounced INTEGER NOT NULL DEFAULT 0,
    unsubscribed INTEGER NOT NULL DEFAULT 0,
    complained INTEGER NOT NULL DEFAULT 0,
    window_started_at REAL,
    decided_at REAL,
    decided_by TEXT NOT NULL DEFAULT '',
    why TEXT NOT NULL DEFAULT ''
);
CREATE INDEX campaign_by_name ON campaign (tenant_id, stream_id, name, created_at);
CREATE INDEX campaign_running ON campaign (state) WHERE state IN ('staged', 'watching', 'undecided', 'stopped');

CREATE TABLE submission (
    id INTEGER PRIMARY KEY,                       -- time-ordered, see relay/queue/model.py
    tenant_id INTEGER NOT NULL,
    stream_id INTEGER NOT NULL,
    campaign_id INTEGER,
    topic TEXT NOT NULL DEFAULT '',
    reverse_path TEXT NOT NULL,
    message_id TEXT NOT NULL,
    from_domain TEXT NOT NULL,
    subject TEXT NOT NULL DEFAULT '',
    size_octets INTEGER NOT NULL,
    accepted_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    open_recipients INTEGER NOT NULL,
    ret TEXT NOT NULL DEFAULT '',
    envid TEXT NOT NULL DEFAULT '',
    tag TEXT NOT NULL DEFAULT '',
    meta TEXT NOT NULL DEFAULT '',                -- JSON
    give_back TEXT NOT NULL DEFAULT '',           -- counter a copy never sent is given back to
    client TEXT NOT NULL DEFAULT ''
);
CREATE INDEX submission_by_message_id ON submission (message_id);

CREATE TABLE body (
    submission_id INTEGER PRIMARY KEY,
    template BLOB NOT NULL
);

CREATE TABLE recipient (
    submission_id INTEGER NOT NULL,
    number INTEGER NOT NULL,                      -- 0, 1, … within the submission
    tenant_id INTEGER NOT NULL,
    campaign_id INTEGER,
    subscriber_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    domain TEXT NOT NULL,
    state INTEGER NOT NULL,                       -- relay/queue/model.py: State
    due_at REAL NOT NULL,                         -- ready: next attempt; leased: end of the lease
    owner TEXT,                                   -- who holds the lease
    fence INTEGER NOT NULL DEFAULT 0,             -- grows with every lease
    attempts INTEGER NOT NULL DEFAULT 0,
    slots TEXT NOT NULL DEFAULT '',               -- JSON of the policies' slot values
    notify TEXT NOT NULL DEFAULT '',
    orcpt TEXT NOT NULL DEFAULT '',
    hold_reason TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT '',              -- last reply or reason
    remote TEXT NOT NULL DEFAULT '',              -- host [address] it was given to or tried at
    changed_at REAL NOT NULL,
    PRIMARY KEY (submission_id, number)
) WITHOUT ROWID;
CREATE INDEX recipient_due ON recipient (due_at) WHERE state = 0;
CREATE INDEX recipient_held ON recipient (campaign_id) WHERE state = 1;

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    submission_id INTEGER,
    number INTEGER,
    campaign_id INTEGER,
    detail TEXT NOT NULL DEFAULT ''               -- JSON
);
CREATE INDEX event_by_submission ON event (submission_id) WHERE submission_id IS NOT NULL;
CREATE INDEX event_by_tenant ON event (tenant_id, at);

-- Administrator actions, freezes, verdicts: who, what, when, why.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    tenant_id INTEGER,
    detail TEXT NOT NULL DEFAULT ''               -- JSON
);

CREATE TRIGGER tenant_i AFTER INSERT ON tenant BEGIN UPDATE meta SET value = value + 1 WHERE name = 'registry'; END;
CREATE TRIGGER tenant_u AFTER UPDATE ON tenant BEGIN UPDATE meta SET value = value + 1 WHERE name = 'registry'; END;
CREATE TRIGGER tenant_d AFTER DELETE ON tenant BEGIN UPDATE meta SET value = value + 1 WHERE name = 'registry'; END;
CREATE TRIGGER stream_i AFTER INSERT ON stream BEGIN UPDATE meta SET value = value + 1 WHERE name = 'registry'; END;
CREATE TRIGGER stream_u AFTER UPDATE ON stream BEGIN UPDATE meta SET value = value + 1 WHERE name = 'registry'; END;
CREATE TRIGGER credential_i AFTER INSERT ON credential BEGIN UPDATE meta SET value = value + 1 WHERE name = 'registry'; END;
CREATE TRIGGER credential_u AFTER UPDATE ON credential BEGIN UPDATE meta SET value = value + 1 WHERE name = 'registry'; END;
CREATE TRIGGER domain_i AFTER INSERT ON domain BEGIN UPDATE meta SET value = value + 1 WHERE name = 'registry'; END;
CREATE TRIGGER domain_u AFTER UPDATE ON domain BEGIN UPDATE meta SET value = value + 1 WHERE name = 'registry'; END;
CREATE TRIGGER domain_d AFTER DELETE ON domain BEGIN UPDATE meta SET value = value + 1 WHERE name = 'registry'; END;
CREATE TRIGGER dkim_key_i AFTER INSERT ON dkim_key BEGIN UPDATE meta SET value = value + 1 WHERE name = 'registry'; END;
CREATE TRIGGER dkim_key_u AFTER UPDATE ON dkim_key BEGIN UPDATE meta SET value = value + 1 WHERE name = 'registry'; END;
CREATE TRIGGER dkim_key_d AFTER DELETE ON dkim_key BEGIN UPDATE meta SET value = value + 1 WHERE name = 'registry'; END;
CREATE TRIGGER topic_i AFTER INSERT ON topic BEGIN UPDATE meta SET value = value + 1 WHERE name = 'registry'; END;
