-- Recipients refused at RCPT, DATA or by the API, summed by day: however many come, a row a reason.
CREATE TABLE refusal_sum (
    tenant_id INTEGER NOT NULL,
    day INTEGER NOT NULL,                         -- since 1970, UTC
    campaign_id INTEGER NOT NULL DEFAULT 0,       -- 0: none, or not known at RCPT
    code TEXT NOT NULL,                           -- word of the reply (no-consent, quota-messages, …), else its enhanced code
    recipients INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, day, campaign_id, code)
) WITHOUT ROWID;
