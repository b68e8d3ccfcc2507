-- What an event source mapping may not have beside it is asked for by these (sources/neighbours.py).
CREATE INDEX event_source_mappings_of_functions
ON resources (account, region, document ->> '$.function_arn.name', document ->> '$.event_source_arn')
WHERE kind = 'event-source-mapping';

CREATE INDEX event_source_mappings_of_consumer_groups
ON resources (
    account,
    region,
    coalesce(
        document ->> '$.settings.AmazonManagedKafkaEventSourceConfig.ConsumerGroupId',
        document ->> '$.settings.SelfManagedKafkaEventSourceConfig.ConsumerGroupId'
    )
)
WHERE kind = 'event-source-mapping';

CREATE INDEX event_source_mappings_of_poller_groups
ON resources (account, region, document ->> '$.settings.ProvisionedPollerConfig.PollerGroupName')
WHERE kind = 'event-source-mapping';
