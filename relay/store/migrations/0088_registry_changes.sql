-- Whose part of the registry was changed, and as of which of its versions: readers read those tenants anew, no others.
CREATE TABLE registry_change (
    tenant_id INTEGER PRIMARY KEY,                -- also of a tenant that is gone
    version INTEGER NOT NULL                      -- of the registry, see meta
);
CREATE INDEX registry_change_by_version ON registry_change (version);
-- A tenant's credentials without those of all others.
CREATE INDEX credential_by_stream ON credential (stream_id);

DROP TRIGGER tenant_i;
DROP TRIGGER tenant_u;
DROP TRIGGER tenant_d;
DROP TRIGGER stream_i;
DROP TRIGGER stream_u;
DROP TRIGGER credential_i;
DROP TRIGGER credential_u;
DROP TRIGGER domain_i;
DROP TRIGGER domain_u;
DROP TRIGGER domain_d;
DROP TRIGGER dkim_key_i;
DROP TRIGGER dkim_key_u;
DROP TRIGGER dkim_key_d;
DROP TRIGGER topic_i;

-- What goes along with the row that it hangs on (ON DELETE CASCADE) is told by that row's trigger.
CREATE TRIGGER tenant_i AFTER INSERT ON tenant BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT NEW.id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER tenant_u AFTER UPDATE ON tenant BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT NEW.id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER tenant_d AFTER DELETE ON tenant BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT OLD.id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER stream_i AFTER INSERT ON stream BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT NEW.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER stream_u AFTER UPDATE ON stream BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT OLD.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
    INSERT INTO registry_change (tenant_id, version)
    SELECT NEW.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER stream_d AFTER DELETE ON stream BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT OLD.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER domain_i AFTER INSERT ON domain BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT NEW.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER domain_u AFTER UPDATE ON domain BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT OLD.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
    INSERT INTO registry_change (tenant_id, version)
    SELECT NEW.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER domain_d AFTER DELETE ON domain BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT OLD.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER topic_i AFTER INSERT ON topic BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT NEW.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER topic_u AFTER UPDATE ON topic BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT OLD.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
    INSERT INTO registry_change (tenant_id, version)
    SELECT NEW.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER topic_d AFTER DELETE ON topic BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT OLD.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER credential_i AFTER INSERT ON credential BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT (SELECT tenant_id FROM stream WHERE id = NEW.stream_id), value FROM meta
     WHERE name = 'registry' AND (SELECT tenant_id FROM stream WHERE id = NEW.stream_id) IS NOT NULL
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER credential_u AFTER UPDATE ON credential BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT (SELECT tenant_id FROM stream WHERE id = OLD.stream_id), value FROM meta
     WHERE name = 'registry' AND (SELECT tenant_id FROM stream WHERE id = OLD.stream_id) IS NOT NULL
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
    INSERT INTO registry_change (tenant_id, version)
    SELECT (SELECT tenant_id FROM stream WHERE id = NEW.stream_id), value FROM meta
     WHERE name = 'registry' AND (SELECT tenant_id FROM stream WHERE id = NEW.stream_id) IS NOT NULL
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER credential_d AFTER DELETE ON credential BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT (SELECT tenant_id FROM stream WHERE id = OLD.stream_id), value FROM meta
     WHERE name = 'registry' AND (SELECT tenant_id FROM stream WHERE id = OLD.stream_id) IS NOT NULL
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER dkim_key_i AFTER INSERT ON dkim_key BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT (SELECT tenant_id FROM domain WHERE id = NEW.domain_id), value FROM meta
     WHERE name = 'registry' AND (SELECT tenant_id FROM domain WHERE id = NEW.domain_id) IS NOT NULL
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER dkim_key_u AFTER UPDATE ON dkim_key BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT (SELECT tenant_id FROM domain WHERE id = OLD.domain_id), value FROM meta
     WHERE name = 'registry' AND (SELECT tenant_id FROM domain WHERE id = OLD.domain_id) IS NOT NULL
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
    INSERT INTO registry_change (tenant_id, version)
    SELECT (SELECT tenant_id FROM domain WHERE id = NEW.domain_id), value FROM meta
     WHERE name = 'registry' AND (SELECT tenant_id FROM domain WHERE id = NEW.domain_id) IS NOT NULL
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER dkim_key_d AFTER DELETE ON dkim_key BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT (SELECT tenant_id FROM domain WHERE id = OLD.domain_id), value FROM meta
     WHERE name = 'registry' AND (SELECT tenant_id FROM domain WHERE id = OLD.domain_id) IS NOT NULL
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
