-- What a tenant was told of its plan's limits: the highest mark of the period told last (relay/conduct/quota_watch.py).
CREATE TABLE quota_told (
    tenant_id INTEGER NOT NULL,
    measure TEXT NOT NULL,                        -- messages, subscribers
    period TEXT NOT NULL,                         -- as its counters'
    percent INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, measure)
);
