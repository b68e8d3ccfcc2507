-- name: insert_group
-- Make a group; nothing happens when it is there.
INSERT INTO groups (account, region, name, created_ms) VALUES (:account, :region, :name, :now_ms) ON CONFLICT DO NOTHING;

-- name: group_named
-- Find a group.
SELECT id, name, created_ms, retention_days, stored_bytes, stream_count FROM groups WHERE account = :account AND region = :region AND name = :name;

-- name: groups_with_prefix
-- List groups by name from behind a name, with the bytes that their streams store.
SELECT id, name, created_ms, retention_days, stored_bytes, stream_count
FROM groups
WHERE account = :account AND region = :region AND name > :after
  AND substr(name, 1, length(:prefix)) = :prefix AND instr(lower(name), lower(:part))
ORDER BY name LIMIT :limit;

-- name: count_groups
-- Count the groups of a place.
SELECT count(*) FROM groups WHERE account = :account AND region = :region;

-- name: grow_group
-- Note on a group that events or streams came, or went where the numbers are negative.
UPDATE groups SET stored_bytes = max(0, stored_bytes + :bytes), stream_count = max(0, stream_count + :streams)
WHERE id = :id;

-- name: bury_group
-- Leave the events of a deleted group to the sweep.
INSERT INTO dead_groups (id) VALUES (:id);

-- name: delete_group
-- Forget a group, with its streams and tags.
DELETE FROM groups WHERE id = :id;

-- name: set_retention
-- Set for how many days a group keeps events; null is for ever.
UPDATE groups SET retention_days = :days WHERE id = :id;

-- name: put_tag
-- Set one tag of a group.
INSERT INTO group_tags (group_id, key, value) VALUES (:id, :key, :value)
ON CONFLICT (group_id, key) DO UPDATE SET value = excluded.value;

-- name: delete_tag
-- Remove one tag of a group.
DELETE FROM group_tags WHERE group_id = :id AND key = :key;

-- name: tags
-- List a group's tags (at most fifty).
SELECT key, value FROM group_tags WHERE group_id = :id ORDER BY key;

-- name: insert_stream
-- Make a stream; nothing happens when it is there.
INSERT INTO streams (group_id, name, created_ms) VALUES (:group_id, :name, :now_ms) ON CONFLICT DO NOTHING;

-- name: stream_named
-- Find a stream of a group.
SELECT id, name, created_ms, first_event_ms, last_event_ms, last_ingestion_ms, stored_bytes
FROM streams WHERE group_id = :group_id AND name = :name;

-- name: streams_by_name
-- List streams by name from behind a name, from a prefix up to the first name beyond it: nothing else is read.
SELECT id, name, created_ms, first_event_ms, last_event_ms, last_ingestion_ms, stored_bytes
FROM streams
WHERE group_id = :group_id AND name >= max(:after, :prefix) AND name < :until AND +name > :after
ORDER BY name LIMIT :limit;

-- name: streams_by_name_descending
-- List streams by name, last first, from before a name; "" is behind all names.
SELECT id, name, created_ms, first_event_ms, last_event_ms, last_ingestion_ms, stored_bytes
FROM streams
WHERE group_id = :group_id
  AND name >= :prefix AND name < iif(:after = '', :until, min(:after, :until))
ORDER BY name DESC LIMIT :limit;

-- name: streams_by_last_event
-- List streams by their last event, oldest first, from behind a time and a name.
SELECT id, name, created_ms, first_event_ms, last_event_ms, last_ingestion_ms, stored_bytes
FROM streams
WHERE group_id = :group_id AND (:after = '' OR (coalesce(last_event_ms, 0), name) > (:after_ms, :after))
ORDER BY coalesce(last_event_ms, 0), name LIMIT :limit;

-- name: streams_by_last_event_descending
-- List streams by their last event, newest first, from before a time and a name.
SELECT id, name, created_ms, first_event_ms, last_event_ms, last_ingestion_ms, stored_bytes
FROM streams
WHERE group_id = :group_id AND (:after = '' OR (coalesce(last_event_ms, 0), name) < (:after_ms, :after))
ORDER BY coalesce(last_event_ms, 0) DESC, name DESC LIMIT :limit;

-- name: bury_stream
-- Leave the events of a deleted stream to the sweep.
INSERT INTO dead_streams (id) VALUES (:id);

-- name: delete_stream
-- Forget a stream.
DELETE FROM streams WHERE id = :id;

-- name: take_numbers
-- Reserve consecutive numbers for events; returns the last of them.
UPDATE last_number SET value = value + :count RETURNING value;

-- name: insert_events
-- Keep events of a stream, numbered from :first on; :events is a list of [timestamp_ms, message] in JSON.
INSERT INTO events (group_id, timestamp_ms, number, stream_id, ingested_ms, message)
SELECT :group_id, value ->> 0, :first + key, :stream_id, :ingested_ms, value ->> 1 FROM json_each(:events);

-- name: note_events
-- Note on a stream that events came.
UPDATE streams SET
    first_event_ms = min(coalesce(first_event_ms, :first_ms), :first_ms),
    last_event_ms = max(coalesce(last_event_ms, :last_ms), :last_ms),
    last_ingestion_ms = :now_ms,
    stored_bytes = stored_bytes + :stored_bytes
WHERE id = :id;

-- name: events_forward
-- Read a stream's events within a time, oldest first, from behind a position.
SELECT timestamp_ms, number, ingested_ms, message FROM events
WHERE stream_id = :stream_id AND timestamp_ms >= :start_ms AND timestamp_ms < :end_ms
  AND (timestamp_ms, number) > (:after_ms, :after_number)
ORDER BY timestamp_ms, number LIMIT :limit;

-- name: events_backward
-- Read a stream's events within a time, newest first, from before a position.
SELECT timestamp_ms, number, ingested_ms, message FROM events
WHERE stream_id = :stream_id AND timestamp_ms >= :start_ms AND timestamp_ms < :end_ms
  AND (timestamp_ms, number) < (:before_ms, :before_number)
ORDER BY timestamp_ms DESC, number DESC LIMIT :limit;

-- name: group_events
-- Read a group's events within a time, oldest first, from behind a position, with the names of their streams.
SELECT timestamp_ms, number, ingested_ms, message, streams.name, stream_id FROM events
JOIN streams ON streams.id = stream_id
WHERE events.group_id = :group_id AND timestamp_ms >= :start_ms AND timestamp_ms <= :end_ms
  AND (timestamp_ms, number) > (:after_ms, :after_number)
ORDER BY timestamp_ms, number;

-- name: groups_that_forget
-- List the groups whose events end some day.
SELECT id, retention_days FROM groups WHERE retention_days IS NOT NULL;

-- name: delete_expired
-- Delete events of a group from before a time, up to a number and a size; says of which stream and how large each was.
DELETE FROM events WHERE group_id = :group_id AND (timestamp_ms, number) IN (
    SELECT timestamp_ms, number FROM (
        SELECT timestamp_ms, number, sum(size) OVER (ORDER BY timestamp_ms, number) - size AS before_bytes FROM (
            SELECT timestamp_ms, number, octet_length(message) AS size FROM events
            WHERE group_id = :group_id AND timestamp_ms < :before_ms ORDER BY timestamp_ms, number LIMIT :limit
        )
    ) WHERE before_bytes < :bytes
) RETURNING stream_id, octet_length(message);

-- name: shrink_stream
-- Note on a stream that events were forgotten.
UPDATE streams SET
    stored_bytes = max(0, stored_bytes - :bytes),
    first_event_ms = (SELECT min(timestamp_ms) FROM events WHERE stream_id = :id),
    last_event_ms = (SELECT max(timestamp_ms) FROM events WHERE stream_id = :id)
WHERE id = :id;

-- name: dead_group
-- Find a deleted group that may have events yet.
SELECT id FROM dead_groups LIMIT 1;

-- name: dead_stream
-- Find a deleted stream that may have events yet.
SELECT id FROM dead_streams LIMIT 1;

-- name: delete_stream_events
-- Delete events of a deleted stream, up to a number and a size.
DELETE FROM events WHERE (group_id, timestamp_ms, number) IN (
    SELECT group_id, timestamp_ms, number FROM (
        SELECT group_id, timestamp_ms, number, sum(size) OVER (ORDER BY timestamp_ms, number) - size AS before_bytes FROM (
            SELECT group_id, timestamp_ms, number, octet_length(message) AS size FROM events
            WHERE stream_id = :id ORDER BY timestamp_ms, number LIMIT :limit
        )
    ) WHERE before_bytes < :bytes
);

-- name: delete_group_events
-- Delete events of a deleted group, up to a number and a size.
DELETE FROM events WHERE group_id = :id AND (timestamp_ms, number) IN (
    SELECT timestamp_ms, number FROM (
        SELECT timestamp_ms, number, sum(size) OVER (ORDER BY timestamp_ms, number) - size AS before_bytes FROM (
            SELECT timestamp_ms, number, octet_length(message) AS size FROM events
            WHERE group_id = :id ORDER BY timestamp_ms, number LIMIT :limit
        )
    ) WHERE before_bytes < :bytes
);

-- name: group_is_gone
-- Note that a deleted group has no events any more.
DELETE FROM dead_groups WHERE id = :id;

-- name: stream_is_gone
-- Note that a deleted stream has no events any more.
DELETE FROM dead_streams WHERE id = :id;
