-- Passkeys (WebAuthn) of people who log in (relay/accounts/passkeys.py).
CREATE TABLE login_passkey (
    id INTEGER PRIMARY KEY,
    login_id INTEGER NOT NULL,
    credential BLOB NOT NULL UNIQUE,              -- as the device calls it
    public_key BLOB NOT NULL,                     -- COSE
    sign_count INTEGER NOT NULL,                  -- the last one that the device told; 0 of those that don't count
    transports TEXT NOT NULL,                     -- words with commas, for the browser
    name TEXT NOT NULL,
    created_at REAL NOT NULL,
    used_at REAL
);
CREATE INDEX login_passkey_by_login ON login_passkey (login_id, id);
-- Challenges that were answered: each is taken once.
CREATE TABLE login_challenge (
    challenge BLOB PRIMARY KEY,
    at REAL NOT NULL
);
CREATE INDEX login_challenge_at ON login_challenge (at);
ALTER TABLE login ADD COLUMN handle BLOB;         -- random; what devices know its owner by
ALTER TABLE login_session ADD COLUMN via TEXT NOT NULL DEFAULT 'password';
ALTER TABLE login_session ADD COLUMN passkey_id INTEGER;
