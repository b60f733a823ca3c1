-- How many octets a tenant's kept answers take, so that keeping one counts none.
CREATE TABLE idempotency_room (
    tenant_id INTEGER PRIMARY KEY REFERENCES tenant (id),
    octets INTEGER NOT NULL                       -- bodies as stored, and 128 for each
) WITHOUT ROWID;
INSERT INTO idempotency_room (tenant_id, octets)
SELECT tenant_id, sum(length(body) + 128) FROM idempotency GROUP BY tenant_id;
