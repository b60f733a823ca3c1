-- What became of the mail, added up by hour and campaign, and by day, campaign and part (relay/statistics/sums.py).
CREATE TABLE stat_hour (
    tenant_id INTEGER NOT NULL,
    hour INTEGER NOT NULL,                        -- since 1970, UTC
    campaign_id INTEGER NOT NULL,                 -- 0: none
    kind TEXT NOT NULL,                           -- accepted, delivered, returned, bounced, expired, unsubscribed …
    value INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, hour, campaign_id, kind)
) WITHOUT ROWID;

CREATE TABLE stat_part (
    tenant_id INTEGER NOT NULL,
    part TEXT NOT NULL,                           -- site: the recipients' domain | class: why copies failed
    day INTEGER NOT NULL,                         -- since 1970, UTC
    campaign_id INTEGER NOT NULL,
    name TEXT NOT NULL,                           -- '': all others of that day and campaign
    kind TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, part, day, campaign_id, name, kind)
) WITHOUT ROWID;

INSERT INTO follower (name, position) SELECT 'statistics', coalesce(max(id), 0) FROM event;
