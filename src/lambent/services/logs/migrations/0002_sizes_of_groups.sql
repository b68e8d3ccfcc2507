ALTER TABLE groups ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE groups ADD COLUMN stream_count INTEGER NOT NULL DEFAULT 0;

UPDATE groups SET
    stored_bytes = (SELECT coalesce(sum(streams.stored_bytes), 0) FROM streams WHERE group_id = groups.id),
    stream_count = (SELECT count(*) FROM streams WHERE group_id = groups.id);
