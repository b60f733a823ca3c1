-- How many agreed by each wording, without looking at all consents (relay/people/wordings.py).
CREATE INDEX consent_by_wording ON consent (wording_id) WHERE withdrawn_at IS NULL;
