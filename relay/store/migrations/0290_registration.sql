-- People who register for an account (relay/registration), invitations, and the terms that were accepted (relay/tenants/terms.py).
CREATE TABLE registration (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    state TEXT NOT NULL,                          -- asked (not confirmed), waiting, admitted, refused
    email TEXT NOT NULL,
    person BLOB NOT NULL,                         -- keyed hash of the mailbox
    name TEXT NOT NULL,
    surname TEXT NOT NULL DEFAULT '',
    phone TEXT NOT NULL,
    country TEXT NOT NULL,                        -- ISO 3166-1, two letters
    city TEXT NOT NULL,
    company TEXT NOT NULL DEFAULT '',
    postal TEXT NOT NULL DEFAULT '',
    website TEXT NOT NULL DEFAULT '',
    about TEXT NOT NULL DEFAULT '',
    language TEXT NOT NULL,
    terms TEXT NOT NULL DEFAULT '',               -- hash of the version that was accepted; '': there were none
    ip TEXT NOT NULL,
    agent TEXT NOT NULL,
    invite_id INTEGER,
    token BLOB UNIQUE,                            -- hash of the link that works now
    token_at REAL NOT NULL,
    confirmed_at REAL,
    decided_at REAL,
    decided_by TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    resembles TEXT NOT NULL DEFAULT '[]',         -- JSON: what it has in common with customers
    tenant_id INTEGER REFERENCES tenant (id) ON DELETE CASCADE
);
CREATE INDEX registration_by_state ON registration (state, id);
CREATE INDEX registration_by_person ON registration (person);
CREATE INDEX registration_by_tenant ON registration (tenant_id);
-- What limits count; keyed hashes.
CREATE TABLE registration_try (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    network BLOB NOT NULL,
    person BLOB NOT NULL
);
CREATE INDEX registration_try_network ON registration_try (network, at);
CREATE INDEX registration_try_person ON registration_try (person, at);
CREATE INDEX registration_try_at ON registration_try (at);
CREATE TABLE invite (
    id INTEGER PRIMARY KEY,
    code BLOB NOT NULL UNIQUE,                    -- a hash
    at REAL NOT NULL,
    made_by TEXT NOT NULL,
    email TEXT NOT NULL DEFAULT '',               -- for this address alone
    note TEXT NOT NULL DEFAULT '',
    expires_at REAL NOT NULL,
    used_at REAL,
    revoked_at REAL
);
CREATE TABLE terms (
    version TEXT PRIMARY KEY,                     -- SHA-256 of the text, hexadecimal
    text TEXT NOT NULL,
    at REAL NOT NULL                              -- when it was first accepted
);
CREATE TABLE terms_acceptance (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    version TEXT NOT NULL,
    at REAL NOT NULL,
    accepted_by TEXT NOT NULL,
    ip TEXT NOT NULL,
    agent TEXT NOT NULL
);
CREATE INDEX terms_acceptance_by_tenant ON terms_acceptance (tenant_id, id);
-- By which a customer is known again (relay/conduct/second_accounts.py); digits alone.
ALTER TABLE account ADD COLUMN phone TEXT NOT NULL DEFAULT '';
