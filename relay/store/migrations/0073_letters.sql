-- Confirmation letters are counted by tenant too, over all its forms, deleted ones as well.
ALTER TABLE asking ADD COLUMN tenant_id INTEGER NOT NULL DEFAULT 0;
UPDATE asking SET tenant_id = coalesce((SELECT f.tenant_id FROM form f WHERE f.id = asking.form_id), 0);
CREATE INDEX asking_by_tenant ON asking (tenant_id, at);

-- Requests that waited when their form was removed: their letters are out, so they count until their links would have
-- ended. One row an hour of ends.
CREATE TABLE form_removed (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    expires_at REAL NOT NULL
);
CREATE INDEX form_removed_by_tenant ON form_removed (tenant_id, expires_at);
CREATE INDEX form_removed_by_end ON form_removed (expires_at);
