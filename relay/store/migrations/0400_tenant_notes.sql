-- What staff write down of a tenant for each other (relay/conduct/tenant_notes.py); the tenant never reads it.
CREATE TABLE tenant_note (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX tenant_note_of ON tenant_note (tenant_id, id);
