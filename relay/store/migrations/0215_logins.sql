-- People who log in to the pages (relay/accounts). tenant_id NULL: the operator's staff.
CREATE TABLE login (
    id INTEGER PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,                 -- canonical
    shown TEXT NOT NULL,                          -- as it was given
    tenant_id INTEGER REFERENCES tenant (id),
    role TEXT NOT NULL,
    password TEXT NOT NULL,                       -- argon2id, PHC form
    password_at REAL NOT NULL,
    created_at REAL NOT NULL,
    disabled_at REAL,
    totp BLOB,                                    -- sealed key of the second factor
    totp_at REAL,                                 -- since when it is asked for; NULL: it is being set up
    totp_step INTEGER NOT NULL DEFAULT 0          -- the last one that was used
);
CREATE INDEX login_by_tenant ON login (tenant_id, id);
CREATE TABLE login_session (
    id INTEGER PRIMARY KEY,
    login_id INTEGER NOT NULL,
    token BLOB NOT NULL UNIQUE,                   -- a hash
    half INTEGER NOT NULL,                        -- 1: the second factor is still asked for
    at REAL NOT NULL,
    seen_at REAL NOT NULL,
    ip TEXT NOT NULL,
    agent TEXT NOT NULL
);
CREATE INDEX login_session_by_login ON login_session (login_id);
-- Tries to sign in and wishes for a new password, which the brakes count; keyed hashes.
CREATE TABLE login_try (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    account BLOB NOT NULL,
    place BLOB NOT NULL,                          -- account and network together
    network BLOB NOT NULL
);
CREATE INDEX login_try_account ON login_try (account, at);
CREATE INDEX login_try_place ON login_try (place, at);
CREATE INDEX login_try_network ON login_try (network, at);
CREATE INDEX login_try_at ON login_try (at);
-- Places from which somebody signed in: a stranger's tries don't keep them out.
CREATE TABLE login_place (
    place BLOB PRIMARY KEY,
    at REAL NOT NULL
);
CREATE TABLE login_code (
    login_id INTEGER NOT NULL,
    code BLOB NOT NULL,                           -- keyed hash
    used_at REAL,
    PRIMARY KEY (login_id, code)
);
CREATE TABLE login_reset (
    login_id INTEGER PRIMARY KEY,                 -- the latest link alone works
    token BLOB NOT NULL UNIQUE,                   -- a hash
    at REAL NOT NULL
);
CREATE TABLE login_action (
    id INTEGER PRIMARY KEY,
    login_id INTEGER NOT NULL,
    at REAL NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL,
    ip TEXT NOT NULL,
    agent TEXT NOT NULL
);
CREATE INDEX login_action_by_login ON login_action (login_id, id);
CREATE INDEX login_action_at ON login_action (at);
