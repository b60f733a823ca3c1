-- Answers of the API kept by Idempotency-Key, each written in the transaction of what it tells.
CREATE TABLE idempotency (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    key BLOB NOT NULL,                            -- SHA-256 of the key
    request BLOB NOT NULL,                        -- SHA-256 of method, path and body
    status INTEGER NOT NULL,
    location TEXT NOT NULL DEFAULT '',
    body BLOB NOT NULL,                           -- deflated
    expires_at REAL NOT NULL,
    UNIQUE (tenant_id, key)
);
CREATE INDEX idempotency_by_end ON idempotency (expires_at);
