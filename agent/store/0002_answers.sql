-- What other models said to an attempt's prompt. No part of a campaign's lineage.
CREATE TABLE answers (
    id         TEXT PRIMARY KEY,  -- the attempt's id, @, number
    attempt    TEXT NOT NULL REFERENCES attempts (id),
    number     INTEGER NOT NULL,  -- from 1
    prompt_sha TEXT NOT NULL REFERENCES texts (sha),
    reply_sha  TEXT NOT NULL REFERENCES texts (sha),
    kernel_sha TEXT REFERENCES texts (sha),
    data       TEXT NOT NULL,     -- JSON, with the reply's hash in the place of its text
    UNIQUE (attempt, number)
);
