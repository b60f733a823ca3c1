-- Who a log-in of the staff is to the operator's OpenID provider (relay/accounts/subjects.py).
ALTER TABLE login ADD COLUMN oidc_issuer TEXT;
ALTER TABLE login ADD COLUMN oidc_subject TEXT;
CREATE UNIQUE INDEX login_by_subject ON login (oidc_issuer, oidc_subject) WHERE oidc_subject IS NOT NULL;
