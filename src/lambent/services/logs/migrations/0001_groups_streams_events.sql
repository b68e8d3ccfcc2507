CREATE TABLE groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    retention_days INTEGER,
    UNIQUE (account, region, name)
);

CREATE TABLE group_tags (
    group_id INTEGER NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (group_id, key)
) WITHOUT ROWID;

CREATE TABLE streams (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id INTEGER NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    first_event_ms INTEGER,
    last_event_ms INTEGER,
    last_ingestion_ms INTEGER,
    stored_bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (group_id, name)
);

CREATE INDEX streams_by_last_event ON streams (group_id, coalesce(last_event_ms, 0), name);

-- No foreign keys: events outlive their group or stream until the sweep comes by, and ids are never given twice.
CREATE TABLE events (
    group_id INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    number INTEGER NOT NULL,
    stream_id INTEGER NOT NULL,
    ingested_ms INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (group_id, timestamp_ms, number)
) WITHOUT ROWID;

CREATE INDEX events_by_stream ON events (stream_id, timestamp_ms, number);

CREATE TABLE last_number (value INTEGER NOT NULL);
INSERT INTO last_number VALUES (0);

CREATE TABLE dead_groups (id INTEGER PRIMARY KEY);
CREATE TABLE dead_streams (id INTEGER PRIMARY KEY);
