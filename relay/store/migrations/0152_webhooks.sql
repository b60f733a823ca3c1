-- Webhooks: who is called of which events. The events themselves stay where they are (relay/events/stream.py): a
-- webhook has its place in the stream, and rows for those events alone that have to be tried again.
CREATE TABLE webhook (
    id INTEGER PRIMARY KEY AUTOINCREMENT,         -- never reused: sealed keys are bound to it
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    url TEXT NOT NULL,
    types TEXT NOT NULL DEFAULT '',               -- words with blanks between; empty: all
    created_at REAL NOT NULL,
    at_row INTEGER NOT NULL,                      -- place in the stream: all up to it were tried at least once
    at_number INTEGER NOT NULL,
    failing_since REAL,                           -- first failure after the last success
    paused_until REAL,                            -- what its server asked for (Retry-After)
    ended_at REAL,                                -- not called any more since then
    ended_why TEXT NOT NULL DEFAULT ''
);
CREATE INDEX webhook_by_tenant ON webhook (tenant_id);

CREATE TABLE webhook_key (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id INTEGER NOT NULL REFERENCES webhook (id),
    sealed BLOB NOT NULL,                         -- 32 octets for HMAC, 32 of an Ed25519 seed; relay/keys/secrets.py
    public BLOB NOT NULL,                         -- Ed25519
    created_at REAL NOT NULL,
    ends_at REAL                                  -- signs beside its successor until then
);
CREATE INDEX webhook_key_by_webhook ON webhook_key (webhook_id);

CREATE TABLE webhook_again (
    webhook_id INTEGER NOT NULL REFERENCES webhook (id),
    at_row INTEGER NOT NULL,                      -- the event
    at_number INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    due_at REAL NOT NULL,
    PRIMARY KEY (webhook_id, at_row, at_number)
) WITHOUT ROWID;
CREATE INDEX webhook_again_due ON webhook_again (webhook_id, due_at);

CREATE TABLE webhook_try (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id INTEGER NOT NULL REFERENCES webhook (id),
    at_row INTEGER NOT NULL,
    at_number INTEGER NOT NULL,
    type TEXT NOT NULL,
    at REAL NOT NULL,
    number INTEGER NOT NULL,                      -- 1: the first
    status INTEGER NOT NULL,                      -- of the answer; 0: there was none
    took_ms INTEGER NOT NULL,
    says TEXT NOT NULL                            -- beginning of the answer, or why there was none
);
CREATE INDEX webhook_try_by_webhook ON webhook_try (webhook_id, id);
INSERT INTO meta (name, value) VALUES ('webhooks', 1);
