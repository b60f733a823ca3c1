-- Private keys (dkim_key.sealed, audit_key.sealed) are sealed anew, bound to the row that they stand in, by
-- `relay migrate` in the same transaction (relay/cli/migrate.py): from here on the earlier form opens no more.
SELECT 1;
