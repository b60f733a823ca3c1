-- Mailings that people write in the account and that the relay works off (relay/mailings).
CREATE TABLE mailing (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    topic TEXT NOT NULL,
    in_groups TEXT NOT NULL DEFAULT '[]',         -- JSON list of names; empty: all people of the topic
    stream TEXT NOT NULL DEFAULT '',              -- by name; '': the first for bulk mail
    author TEXT NOT NULL,
    author_name TEXT NOT NULL DEFAULT '',
    reply_to TEXT NOT NULL DEFAULT '',
    subject TEXT NOT NULL,
    format TEXT NOT NULL,                         -- html, mjml, markdown or text: what was written
    source TEXT NOT NULL,
    written TEXT NOT NULL DEFAULT '',             -- a text of the tenant's own beside the HTML
    html TEXT NOT NULL,                           -- made of source
    text TEXT NOT NULL,
    track TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL,                          -- draft | planned | sending | stopped | done
    made_by TEXT NOT NULL,
    created_at REAL NOT NULL,
    changed_at REAL NOT NULL,
    start_at REAL,                                -- when it is to begin; NULL: at once
    last_at REAL,                                 -- what hasn't left then is dropped
    started_at REAL,
    ended_at REAL,
    reached INTEGER NOT NULL DEFAULT 0,           -- subscriber id: handed in up to there
    up_to INTEGER NOT NULL DEFAULT 0,             -- the highest when it began
    people INTEGER NOT NULL DEFAULT 0,            -- who had agreed when it began
    accepted INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    wait_until REAL,
    why TEXT NOT NULL DEFAULT '',                 -- it waits, or was stopped
    campaign_id INTEGER
);
CREATE INDEX mailing_of_tenant ON mailing (tenant_id, id);
CREATE INDEX mailing_active ON mailing (state) WHERE state IN ('planned', 'sending');
CREATE TABLE mailing_refusal (
    mailing_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    people INTEGER NOT NULL,
    PRIMARY KEY (mailing_id, code)
) WITHOUT ROWID;
-- People who were refused for the moment only, and are asked for again.
CREATE TABLE mailing_later (
    mailing_id INTEGER NOT NULL,
    subscriber_id INTEGER NOT NULL,
    PRIMARY KEY (mailing_id, subscriber_id)
) WITHOUT ROWID;
-- Who agreed to a topic, in order.
CREATE INDEX consent_live ON consent (topic_id, subscriber_id) WHERE withdrawn_at IS NULL;
