CREATE TABLE texts (
    sha   TEXT PRIMARY KEY,  -- SHA-256 of the bytes
    bytes BLOB NOT NULL
);

CREATE TABLE campaigns (
    id      TEXT PRIMARY KEY,
    created TEXT NOT NULL,
    data    TEXT NOT NULL    -- JSON
);

CREATE TABLE attempts (
    id         TEXT PRIMARY KEY,
    campaign   TEXT NOT NULL REFERENCES campaigns (id),
    number     INTEGER NOT NULL,
    parent     TEXT REFERENCES attempts (id),
    prompt_sha TEXT REFERENCES texts (sha),
    reply_sha  TEXT REFERENCES texts (sha),
    kernel_sha TEXT REFERENCES texts (sha),
    data       TEXT NOT NULL,  -- JSON, with the reply's hash in the place of its text
    UNIQUE (campaign, number)
);
