-- Whether a person is suppressed at all is asked at every RCPT: by an index that is small enough to stay in memory.
CREATE INDEX suppressed ON suppression (subscriber_id);
