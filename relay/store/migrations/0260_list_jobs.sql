-- Lists that people hand in by the account's pages, and lists that are taken back (relay/uploads). The file stands in
-- data_dir/uploads until it was taken.
CREATE TABLE list_job (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    kind TEXT NOT NULL,                           -- try, take, undo
    state TEXT NOT NULL,                          -- waits, runs, done, failed
    file TEXT NOT NULL,                           -- as its giver calls it
    octets INTEGER NOT NULL,
    wishes TEXT NOT NULL,                         -- JSON
    actor TEXT NOT NULL,
    made_at REAL NOT NULL,
    changed_at REAL NOT NULL,
    claim TEXT NOT NULL DEFAULT '',               -- of the process that works on it
    beat_at REAL NOT NULL DEFAULT 0,
    lines_done INTEGER NOT NULL DEFAULT 0,
    lines INTEGER NOT NULL DEFAULT 0,
    told TEXT NOT NULL DEFAULT '{}',              -- JSON: what came of it
    import_id INTEGER
);
CREATE INDEX list_job_of_tenant ON list_job (tenant_id, id);
