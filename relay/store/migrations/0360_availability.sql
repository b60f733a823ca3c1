-- When the relay could be used, to the minute (relay/availability).
CREATE TABLE availability (
    kind TEXT PRIMARY KEY,                        -- service, support
    from_minute INTEGER NOT NULL,                 -- minutes since 1970: since when it is measured
    last_minute INTEGER NOT NULL                  -- the last one in which it could be used
);
CREATE TABLE outage (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    from_minute INTEGER NOT NULL,                 -- the first minute in which it could not
    until_minute INTEGER NOT NULL,                -- the first one in which it could again
    announced INTEGER NOT NULL,                   -- of these minutes, those of planned work that was announced before
    UNIQUE (kind, from_minute)
);
CREATE INDEX outage_until ON outage (until_minute);
