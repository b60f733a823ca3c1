-- What the operator announces to tenants (relay/announcements).
CREATE TABLE announcement (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,                           -- work, notice
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    from_at REAL NOT NULL,
    until_at REAL NOT NULL,
    everybody INTEGER NOT NULL,                   -- 1: all tenants; 0: those of announcement_tenant
    urgent TEXT NOT NULL,                         -- why it can't wait; '': nothing was said
    actor TEXT NOT NULL,
    at REAL NOT NULL,
    told_to INTEGER NOT NULL DEFAULT 0,           -- letters went to tenants up to this id
    told_at REAL,                                 -- when the last of them was written
    withdrawn_at REAL,
    withdrawn_why TEXT NOT NULL DEFAULT '',
    recalled_to INTEGER NOT NULL DEFAULT 0,       -- of those that were told, up to whom it was taken back
    recalled_at REAL
);
CREATE INDEX announcement_until ON announcement (until_at);
CREATE TABLE announcement_tenant (
    announcement_id INTEGER NOT NULL REFERENCES announcement (id) ON DELETE CASCADE,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    PRIMARY KEY (announcement_id, tenant_id)
);
-- Who put one away from their pages.
CREATE TABLE announcement_seen (
    announcement_id INTEGER NOT NULL REFERENCES announcement (id) ON DELETE CASCADE,
    login_id INTEGER NOT NULL REFERENCES login (id) ON DELETE CASCADE,
    PRIMARY KEY (announcement_id, login_id)
);
