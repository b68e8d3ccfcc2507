-- How much code an account keeps in a region: the packages of all function versions and layer versions. Triggers follow the
-- rows, so that the quota is asked without reading them all.
CREATE TABLE code_sizes (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (account, region)
) WITHOUT ROWID;

CREATE VIEW layer_code_sizes AS
SELECT account, region, key, (
    SELECT coalesce(sum(json_extract(value, '$.code.size_bytes')), 0) FROM json_each(document, '$.versions')
) AS bytes
FROM resources WHERE kind = 'layer';

INSERT INTO code_sizes (account, region, bytes)
SELECT account, region, sum(bytes) FROM (
    SELECT account, region, json_extract(document, '$.code.size_bytes') AS bytes FROM function_versions
    UNION ALL
    SELECT account, region, bytes FROM layer_code_sizes
) GROUP BY account, region;

DROP VIEW layer_code_sizes;

CREATE TRIGGER function_version_added AFTER INSERT ON function_versions BEGIN
    INSERT INTO code_sizes (account, region, bytes)
    VALUES (new.account, new.region, json_extract(new.document, '$.code.size_bytes'))
    ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER function_version_changed AFTER UPDATE ON function_versions BEGIN
    UPDATE code_sizes
    SET bytes = bytes + json_extract(new.document, '$.code.size_bytes') - json_extract(old.document, '$.code.size_bytes')
    WHERE account = new.account AND region = new.region;
END;

CREATE TRIGGER function_version_removed AFTER DELETE ON function_versions BEGIN
    UPDATE code_sizes SET bytes = bytes - json_extract(old.document, '$.code.size_bytes')
    WHERE account = old.account AND region = old.region;
END;

CREATE TRIGGER layer_added AFTER INSERT ON resources WHEN new.kind = 'layer' BEGIN
    INSERT INTO code_sizes (account, region, bytes)
    VALUES (new.account, new.region, (
        SELECT coalesce(sum(json_extract(value, '$.code.size_bytes')), 0) FROM json_each(new.document, '$.versions')
    ))
    ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER layer_changed AFTER UPDATE ON resources WHEN new.kind = 'layer' BEGIN
    UPDATE code_sizes
    SET bytes = bytes + (
        SELECT coalesce(sum(json_extract(value, '$.code.size_bytes')), 0) FROM json_each(new.document, '$.versions')
    ) - (
        SELECT coalesce(sum(json_extract(value, '$.code.size_bytes')), 0) FROM json_each(old.document, '$.versions')
    )
    WHERE account = new.account AND region = new.region;
END;

CREATE TRIGGER layer_removed AFTER DELETE ON resources WHEN old.kind = 'layer' BEGIN
    UPDATE code_sizes
    SET bytes = bytes - (
        SELECT coalesce(sum(json_extract(value, '$.code.size_bytes')), 0) FROM json_each(old.document, '$.versions')
    )
    WHERE account = old.account AND region = old.region;
END;
