-- name: select_functions
-- Every function there is, in the order of its versions' rows.
SELECT functions.account, functions.region, functions.name, tags, serving, coalesce(last, 0)
FROM functions LEFT JOIN function_version_numbers USING (account, region, name)
ORDER BY functions.account, functions.region, functions.name;

-- name: select_function
-- One function, if it exists.
SELECT account, region, name, tags, serving, coalesce(last, 0)
FROM functions LEFT JOIN function_version_numbers USING (account, region, name)
WHERE account = :account AND region = :region AND name = :name;

-- name: select_all_versions
-- Every version of every function, $LATEST first.
SELECT account, region, name, number, document FROM function_versions ORDER BY account, region, name, number;

-- name: select_versions
-- Every version of one function, $LATEST first.
SELECT number, document FROM function_versions
WHERE account = :account AND region = :region AND name = :name ORDER BY number;

-- name: select_last_number
-- The highest version number that a function of this name ever had.
SELECT last FROM function_version_numbers WHERE account = :account AND region = :region AND name = :name;

-- name: put_function
-- Write a function's own row, new or not.
INSERT INTO functions (account, region, name, tags, serving) VALUES (:account, :region, :name, :tags, :serving)
ON CONFLICT DO UPDATE SET tags = excluded.tags, serving = excluded.serving;

-- name: put_version
-- Write a version's row, new or not.
INSERT INTO function_versions (account, region, name, number, document)
VALUES (:account, :region, :name, :number, :document)
ON CONFLICT DO UPDATE SET document = excluded.document;

-- name: put_last_number
-- Remember a version number as given.
INSERT INTO function_version_numbers (account, region, name, last) VALUES (:account, :region, :name, :last)
ON CONFLICT DO UPDATE SET last = excluded.last;

-- name: delete_version
-- Forget one published version.
DELETE FROM function_versions WHERE account = :account AND region = :region AND name = :name AND number = :number;

-- name: delete_function
-- Forget a function and, by cascade, its versions.
DELETE FROM functions WHERE account = :account AND region = :region AND name = :name;

-- name: select_all_parts
-- Every part of every function.
SELECT account, region, name, kind, qualifier, document FROM function_parts
ORDER BY account, region, name, kind, qualifier;

-- name: select_parts
-- Every part of one function.
SELECT kind, qualifier, document FROM function_parts
WHERE account = :account AND region = :region AND name = :name ORDER BY kind, qualifier;

-- name: put_part
-- Write a part's row, new or not.
INSERT INTO function_parts (account, region, name, kind, qualifier, document)
VALUES (:account, :region, :name, :kind, :qualifier, :document)
ON CONFLICT DO UPDATE SET document = excluded.document;

-- name: delete_part
-- Forget one part of a function.
DELETE FROM function_parts
WHERE account = :account AND region = :region AND name = :name AND kind = :kind AND qualifier = :qualifier;

-- name: select_resources
-- Every resource of a kind.
SELECT account, region, key, document FROM resources WHERE kind = :kind ORDER BY account, region, key;

-- name: select_resource
-- One resource, if it exists.
SELECT document FROM resources WHERE kind = :kind AND account = :account AND region = :region AND key = :key;

-- name: put_resource
-- Write a resource's row, new or not.
INSERT INTO resources (kind, account, region, key, document) VALUES (:kind, :account, :region, :key, :document)
ON CONFLICT DO UPDATE SET document = excluded.document;

-- name: delete_resource
-- Forget one resource.
DELETE FROM resources WHERE kind = :kind AND account = :account AND region = :region AND key = :key;

-- name: select_mappings_between
-- The event source mappings of a function, whatever the qualifier, and a source; all self-managed clusters have no ARN.
SELECT document FROM resources
WHERE kind = 'event-source-mapping' AND account = :account AND region = :region
    AND document ->> '$.function_arn.name' = :name AND document ->> '$.event_source_arn' IS :event_source_arn;

-- name: select_mappings_of_consumer_group
-- The event source mappings that consume as one Kafka consumer group, of whatever cluster.
SELECT document FROM resources
WHERE kind = 'event-source-mapping' AND account = :account AND region = :region
    AND coalesce(
        document ->> '$.settings.AmazonManagedKafkaEventSourceConfig.ConsumerGroupId',
        document ->> '$.settings.SelfManagedKafkaEventSourceConfig.ConsumerGroupId'
    ) = :consumer_group;

-- name: select_mappings_of_poller_group
-- The event source mappings of a group of provisioned pollers.
SELECT document FROM resources
WHERE kind = 'event-source-mapping' AND account = :account AND region = :region
    AND document ->> '$.settings.ProvisionedPollerConfig.PollerGroupName' = :poller_group;

-- name: select_claimed
-- What the functions of an account in a region, but for one, claim of its concurrent executions (concurrency/claims).
SELECT coalesce(sum(coalesce(reserved, provisioned)), 0) FROM (
    SELECT
        max(CASE kind WHEN 'reserved-concurrency' THEN document ->> 'executions' END) AS reserved,
        sum(CASE kind WHEN 'provisioned-concurrency' THEN document ->> 'executions' ELSE 0 END) AS provisioned
    FROM function_parts
    WHERE account = :account AND region = :region AND name <> :but
      AND kind IN ('reserved-concurrency', 'provisioned-concurrency')
    GROUP BY name
);

-- name: select_code_size
-- How many bytes of code an account keeps in a region, if it ever kept any.
SELECT bytes FROM code_sizes WHERE account = :account AND region = :region;

-- name: select_part_with_config
-- A function of an account in a region whose part of a kind names this configuration, if there is one.
SELECT name FROM function_parts
WHERE account = :account AND region = :region AND kind = :kind
AND json_extract(document, '$.config_arn') = :config_arn LIMIT 1;
