-- What is known of a tenant as a customer (relay/conduct/account.py); without a row: the operator added it, and knows it.
CREATE TABLE account (
    tenant_id INTEGER PRIMARY KEY REFERENCES tenant (id) ON DELETE CASCADE,
    contact_state TEXT NOT NULL,                  -- confirmed, asked (never confirmed yet), lapsed
    contact_confirmed_at REAL,
    contact_by TEXT NOT NULL DEFAULT '',          -- mail, or who vouched and why
    contact_asked_at REAL,                        -- when the latest letter with a link went out; it names the link
    origin TEXT NOT NULL DEFAULT '',              -- network that it signed up from
    terminated_at REAL
);
CREATE TABLE domain_watch (
    domain_id INTEGER PRIMARY KEY,
    checked_at REAL NOT NULL,
    failing_at REAL,                              -- since when its records aren't there
    lost_at REAL                                  -- held since then
);
CREATE TRIGGER account_i AFTER INSERT ON account BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT NEW.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
CREATE TRIGGER account_u AFTER UPDATE ON account BEGIN
    UPDATE meta SET value = value + 1 WHERE name = 'registry';
    INSERT INTO registry_change (tenant_id, version)
    SELECT NEW.tenant_id, value FROM meta WHERE name = 'registry'
    ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version;
END;
