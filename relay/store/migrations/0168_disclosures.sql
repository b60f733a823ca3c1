-- What of a list was handed on to authorities and anti-spam bodies: asked by one person, released by another (relay/evidence/).
CREATE TABLE disclosure (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    campaign_id INTEGER,
    form TEXT NOT NULL,                           -- hashed, domains, plain
    recipient TEXT NOT NULL,                      -- to whom
    ground TEXT NOT NULL,
    reference TEXT NOT NULL,                      -- of the case
    asked_at REAL NOT NULL,
    asked_by TEXT NOT NULL,
    released_at REAL,
    released_by TEXT NOT NULL DEFAULT '',
    digest TEXT NOT NULL DEFAULT ''               -- SHA-256 of the file
);
