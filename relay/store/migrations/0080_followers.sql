-- Followers read events behind a cursor (relay/events/follow.py); the first adds them up by day (relay/events/daily.py).

-- How much an event counts for: recipients of a submission that was taken, copies that one commit found delivered.
ALTER TABLE event ADD COLUMN amount INTEGER NOT NULL DEFAULT 1;

CREATE TABLE follower (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL                     -- id of the last event that it has read
) WITHOUT ROWID;

CREATE TABLE daily (
    tenant_id INTEGER NOT NULL,
    day INTEGER NOT NULL,                         -- days since the epoch, UTC
    stream_id INTEGER NOT NULL,                   -- 0: of no stream
    kind TEXT NOT NULL,                           -- as event.kind; returned: a copy that came back after its delivery
    value INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, day, stream_id, kind)
) WITHOUT ROWID;

-- What is there already: outcomes from the copies, the rest from the events. Notices (stream 0) are nobody's mail.
INSERT INTO daily (tenant_id, day, stream_id, kind, value)
SELECT s.tenant_id, CAST(s.accepted_at AS BIGINT) / 86400, s.stream_id, 'accepted', count(*)
  FROM submission s JOIN recipient r ON r.submission_id = s.id
 WHERE s.stream_id <> 0 AND s.tenant_id > 0 GROUP BY 1, 2, 3;
INSERT INTO daily (tenant_id, day, stream_id, kind, value)
SELECT s.tenant_id, CAST(r.changed_at AS BIGINT) / 86400, s.stream_id,
       CASE r.state WHEN 2 THEN 'delivered' WHEN 3 THEN 'bounced' ELSE 'expired' END, count(*)
  FROM recipient r JOIN submission s ON s.id = r.submission_id
 WHERE r.state IN (2, 3, 4) AND s.stream_id <> 0 AND s.tenant_id > 0 GROUP BY 1, 2, 3, 4;
INSERT INTO daily (tenant_id, day, stream_id, kind, value)
SELECT e.tenant_id, CAST(e.at AS BIGINT) / 86400, coalesce(s.stream_id, 0), e.kind, count(*)
  FROM event e LEFT JOIN submission s ON s.id = e.submission_id
 WHERE e.tenant_id > 0 AND e.kind NOT IN ('accepted', 'bounced', 'expired') GROUP BY 1, 2, 3, 4;
INSERT INTO follower (name, position) SELECT 'daily', coalesce(max(id), 0) FROM event;
