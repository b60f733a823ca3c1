-- Templates of tenants, each change a version of its own; the highest one is used where none is named.
CREATE TABLE template (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,                           -- '' : none
    html TEXT NOT NULL,                           -- '' : none; made of source where that isn't html
    format TEXT NOT NULL,                         -- html, mjml or markdown: what the tenant wrote
    source TEXT NOT NULL,
    created_at REAL NOT NULL,
    UNIQUE (tenant_id, name, version)
);
