-- What look-ups said of names to which mail goes. Nothing in it names a person.
CREATE TABLE name_look (
    name TEXT PRIMARY KEY,                        -- a domain, 'mx:' and MX hosts, or '' for a doubt about all look-ups
    good_at REAL NOT NULL DEFAULT 0,              -- when records were last found; kept of some domains only
    finding TEXT NOT NULL DEFAULT '',             -- why no mail can go there as of the last look; '' if it can
    first_at REAL NOT NULL DEFAULT 0,             -- since when each look has found the same
    last_at REAL NOT NULL DEFAULT 0
);
CREATE INDEX name_look_good ON name_look (good_at) WHERE good_at > 0;
