-- What a staged campaign said, without what was personal, for complaints that come when its copies are gone.
CREATE TABLE exemplar (
    campaign_id INTEGER PRIMARY KEY,
    made_at REAL NOT NULL,
    compared INTEGER NOT NULL,                    -- copies that it was made of
    content TEXT NOT NULL                         -- JSON, relay/exemplars/values.py
);
CREATE INDEX exemplar_by_time ON exemplar (made_at);
