-- People about whom a report came that proves nothing, since the copy it is about was shared (R25): what they get next
-- goes to them alone, under a reverse-path of their own, so that the next report does prove something.
CREATE TABLE apart (
    subscriber_id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    since_at REAL NOT NULL,
    until_at REAL NOT NULL
);
CREATE INDEX apart_by_tenant ON apart (tenant_id, since_at);
CREATE INDEX apart_by_end ON apart (until_at);
