-- The audit log: leaves of a Merkle tree (RFC 9162), written in the transaction of what they record.
-- docs/decisions/0009-audit-log.md

-- A leaf stands for one record, or for the records of one batch. Its number is id - 1: ids have no gaps, since a
-- transaction that is taken back takes its id back too.
CREATE TABLE audit_leaf (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,                             -- when it was recorded
    action TEXT NOT NULL,                         -- e.g. consent-given, tenant-frozen
    tenant_id INTEGER NOT NULL,                   -- 0: none
    rows INTEGER NOT NULL,                        -- records it stands for
    root BLOB NOT NULL,                           -- of the tree over their commitments
    hash BLOB NOT NULL                            -- of the leaf itself
);

-- Hashes of whole subtrees: level 8 stands for 256 leaves, 16 for 65,536, and so on.
CREATE TABLE audit_node (
    level INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (level, number)
) WITHOUT ROWID;

CREATE TABLE audit_key (
    number INTEGER PRIMARY KEY,                   -- in the order of making
    id TEXT NOT NULL UNIQUE,                      -- of the public key: first 16 hex digits of its SHA-256
    public BLOB NOT NULL,                         -- Ed25519, 32 octets
    sealed BLOB NOT NULL,                         -- private key, encrypted with the master secret
    created_at REAL NOT NULL,
    retired INTEGER NOT NULL DEFAULT 0            -- 1: verifies, signs no more
);

CREATE TABLE audit_head (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    size INTEGER NOT NULL,                        -- leaves
    root BLOB NOT NULL,
    at REAL NOT NULL,
    key_id TEXT NOT NULL REFERENCES audit_key (id),
    previous BLOB NOT NULL,                       -- SHA-256 of the head before; empty for the first
    signature BLOB NOT NULL
);

-- What a record's commitment needs; 32 octets in place of the 16 of a salt: the record was erased, this is its commitment.
ALTER TABLE consent_history ADD COLUMN leaf_id INTEGER;
ALTER TABLE consent_history ADD COLUMN salt BLOB;
ALTER TABLE audit ADD COLUMN leaf_id INTEGER;
ALTER TABLE audit ADD COLUMN salt BLOB;

-- Suppressions by complaint, hard bounce and hand are recorded in the history from now on; those there are begin it.
INSERT INTO consent_history (subscriber_id, topic_id, action, at, recorded_at, evidence)
SELECT subscriber_id, topic_id, 'suppressed', since_at, since_at, json_object('detail', detail, 'reason', reason)
  FROM suppression WHERE reason <> 'unsubscribed' ORDER BY since_at;

CREATE INDEX consent_history_by_leaf ON consent_history (leaf_id);
CREATE INDEX audit_by_leaf ON audit (leaf_id);

-- Records older than the log, up to these ids, are taken into it before its first head is signed.
INSERT INTO meta (name, value) SELECT 'audit/adopt/consent_history', coalesce(max(id), 0) FROM consent_history;
INSERT INTO meta (name, value) SELECT 'audit/adopt/audit', coalesce(max(id), 0) FROM audit;
