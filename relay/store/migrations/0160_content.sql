-- Campaigns that are suspected of forbidden content, and what the operator allows a tenant (R17).

ALTER TABLE campaign ADD COLUMN suspicion TEXT NOT NULL DEFAULT '';  -- of what, and by which passage; '': none

CREATE TABLE content_permit (
    tenant_id INTEGER NOT NULL REFERENCES tenant (id),
    class TEXT NOT NULL,                          -- of content, as `relay content classes` names them
    document TEXT NOT NULL,                       -- what it is given on: licence, register entry …
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (tenant_id, class)
) WITHOUT ROWID;

CREATE TRIGGER content_permit_i AFTER INSERT ON content_permit BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT NEW.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER content_permit_u AFTER UPDATE ON content_permit BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT NEW.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER content_permit_d AFTER DELETE ON content_permit BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT OLD.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
