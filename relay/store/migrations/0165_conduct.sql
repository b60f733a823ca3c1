-- How tenants' mail fares over seven days, and where each tenant stands by it (relay/conduct/).
CREATE TABLE rate_sum (
    tenant_id INTEGER NOT NULL,
    slot INTEGER NOT NULL,                        -- of ten minutes, since 1970
    stream_id INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL,                 -- 0: of none, or not told (what was delivered)
    measure TEXT NOT NULL,                        -- relay/conduct/sums.py
    value INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, slot, stream_id, campaign_id, measure)
);
CREATE TABLE rate_site (
    tenant_id INTEGER NOT NULL,
    day INTEGER NOT NULL,                         -- since 1970, UTC
    stream_id INTEGER NOT NULL,
    site TEXT NOT NULL,                           -- where the copies went; '': sites beyond those that are kept apart
    delivered INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, day, stream_id, site)
);
CREATE TABLE rate_reporter (
    site TEXT PRIMARY KEY,                        -- a loop's report came from there
    at REAL NOT NULL                              -- the latest
);
CREATE TABLE rate_level (
    tenant_id INTEGER NOT NULL,
    scope TEXT NOT NULL,                          -- '' the tenant, else stream:ID, kind:bulk, campaign:ID
    measure TEXT NOT NULL,                        -- bounces, complaints
    level INTEGER NOT NULL,                       -- 0 fine, 1 advice, 2 review, 3 pause
    at REAL NOT NULL,                             -- since when
    PRIMARY KEY (tenant_id, scope, measure)
);
ALTER TABLE tenant ADD COLUMN judged_from REAL NOT NULL DEFAULT 0;  -- what lies before was judged by a person

-- Why something was done to a tenant, what it answered, and what came of that.
CREATE TABLE statement (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    at REAL NOT NULL,
    action TEXT NOT NULL,                         -- warned, frozen, declined, held …
    about TEXT NOT NULL DEFAULT '',               -- campaign:12, domain:example.com …; '': the account
    rule TEXT NOT NULL,                           -- of docs/RULES.md
    reason TEXT NOT NULL,
    facts TEXT NOT NULL DEFAULT '{}',             -- JSON: names and values
    automatic INTEGER NOT NULL,                   -- 1: no person decided
    actor TEXT NOT NULL,
    ended_at REAL,                                -- when it was undone, or ran out
    ended_by TEXT NOT NULL DEFAULT '',
    answer TEXT NOT NULL DEFAULT '',              -- the tenant's
    answered_at REAL,
    answered_by TEXT NOT NULL DEFAULT '',
    decision TEXT NOT NULL DEFAULT '',            -- the operator's, on the answer
    decided_at REAL,
    decided_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX statement_of_tenant ON statement (tenant_id, id);

UPDATE event SET kind = 'tenant.' || substr(kind, 8) WHERE kind IN ('tenant-warned', 'tenant-frozen', 'tenant-unfrozen');
