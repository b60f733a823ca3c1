-- Subscription forms and the requests that wait for a confirmation (double opt-in).

CREATE TABLE form (
    id INTEGER PRIMARY KEY AUTOINCREMENT,        -- never reused: tokens carry it
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,                     -- what stands in the form's address
    title TEXT NOT NULL DEFAULT '',
    wording_id INTEGER NOT NULL REFERENCES wording (id),
    language TEXT NOT NULL DEFAULT '',            -- empty: the person's
    ask_age INTEGER NOT NULL DEFAULT 0,           -- 1: asks whether the person is 16 or older
    redirect TEXT NOT NULL DEFAULT '',            -- where a request ends; empty: the relay's own page
    frames TEXT NOT NULL DEFAULT '',              -- origins whose pages may frame it, apart by a space
    created_at REAL NOT NULL,
    UNIQUE (tenant_id, name)
);

CREATE TABLE form_topic (
    form_id INTEGER NOT NULL REFERENCES form (id) ON DELETE CASCADE,
    topic_id INTEGER NOT NULL REFERENCES topic (id),
    place INTEGER NOT NULL,
    PRIMARY KEY (form_id, topic_id)
) WITHOUT ROWID;

-- A request is deleted when its link ends, confirmed or not; what was agreed to is in consent_history.
CREATE TABLE opt_in (
    id INTEGER PRIMARY KEY,                       -- the confirmation mail's submission; links carry it
    form_id INTEGER NOT NULL REFERENCES form (id) ON DELETE CASCADE,
    tenant_id INTEGER NOT NULL,
    address TEXT NOT NULL,                        -- as typed
    person BLOB NOT NULL,                         -- keyed hash of the mailbox
    topics TEXT NOT NULL,                         -- ids of topics, JSON
    wording_id INTEGER NOT NULL,                  -- what was shown
    language TEXT NOT NULL,
    evidence TEXT NOT NULL,                       -- of the asking, JSON
    asked_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    confirmed_at REAL
);
CREATE INDEX opt_in_by_end ON opt_in (expires_at);
CREATE INDEX opt_in_by_person ON opt_in (person);
CREATE INDEX opt_in_by_tenant ON opt_in (tenant_id);
CREATE INDEX opt_in_by_form ON opt_in (form_id);

-- One row a confirmation mail, for a day: what limits them. Nothing in it names a person.
CREATE TABLE asking (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    person BLOB NOT NULL,                         -- keyed hash of the mailbox
    network BLOB NOT NULL,                        -- keyed hash of the client's network
    form_id INTEGER NOT NULL
);
CREATE INDEX asking_by_person ON asking (person, at);
CREATE INDEX asking_by_network ON asking (network, at);
CREATE INDEX asking_by_form ON asking (form_id, at);
CREATE INDEX asking_by_time ON asking (at);

-- Who asked never to be asked again by a tenant.
CREATE TABLE never_ask (
    tenant_id INTEGER NOT NULL,
    person BLOB NOT NULL,                         -- keyed hash of the mailbox
    since_at REAL NOT NULL,
    PRIMARY KEY (tenant_id, person)
) WITHOUT ROWID;
