-- Openings and clicks (R33): only of persons who agreed to it, by a consent of its own.
ALTER TABLE stream ADD COLUMN track TEXT NOT NULL DEFAULT 'none';      -- none, opens, clicks or all
ALTER TABLE stream ADD COLUMN decoy INTEGER NOT NULL DEFAULT 0;        -- 1: a link that only machines find
ALTER TABLE domain ADD COLUMN links_at REAL;                           -- since when links.DOMAIN leads here

CREATE TABLE tracking_consent (
    subscriber_id INTEGER PRIMARY KEY,
    given_at REAL,                                -- NULL: never, but switched off
    withdrawn_at REAL,                            -- NULL: in force
    source TEXT NOT NULL DEFAULT '',
    wording_id INTEGER,
    ip TEXT NOT NULL DEFAULT '',
    page TEXT NOT NULL DEFAULT '',
    means TEXT NOT NULL,
    language TEXT NOT NULL DEFAULT '',
    recorded_at REAL NOT NULL
);

CREATE TABLE hit (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    tenant_id INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL,                 -- 0: none
    stream_id INTEGER NOT NULL,                   -- 0: not known any more
    submission_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    subscriber_id INTEGER NOT NULL,
    kind TEXT NOT NULL,                           -- opened | clicked
    link INTEGER NOT NULL,                        -- place in the message; -1: the picture
    url TEXT NOT NULL,                            -- where it leads, without query
    class TEXT NOT NULL,                          -- human | proxy | prefetch | scanner | unsure
    reason TEXT NOT NULL,
    network TEXT NOT NULL,                        -- cut to /24 or /48; '' by setting
    agent TEXT NOT NULL
);
CREATE INDEX hit_by_copy ON hit (submission_id, number);
CREATE INDEX hit_by_time ON hit (at);
CREATE INDEX hit_by_subscriber ON hit (subscriber_id);

-- What lasts: sums by day and class, and by link. Nobody is named.
CREATE TABLE hit_sum (
    tenant_id INTEGER NOT NULL,
    campaign_id INTEGER NOT NULL,
    day INTEGER NOT NULL,                         -- since 1970, UTC
    stream_id INTEGER NOT NULL,
    site TEXT NOT NULL,                           -- the recipients' domain
    kind TEXT NOT NULL,
    class TEXT NOT NULL,
    copies INTEGER NOT NULL,                      -- each once in its most human class
    hits INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, campaign_id, day, stream_id, site, kind, class)
) WITHOUT ROWID;
CREATE INDEX hit_sum_by_campaign ON hit_sum (campaign_id);

CREATE TABLE hit_link (
    campaign_id INTEGER NOT NULL,
    tenant_id INTEGER NOT NULL,
    url TEXT NOT NULL,
    class TEXT NOT NULL,
    copies INTEGER NOT NULL,
    hits INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, tenant_id, url, class)
) WITHOUT ROWID;
