"""Quotas of event source mappings that the service model does not carry, as data, each with its source.

"ref" is reference/lambda.md. Where a number is ours and not AWS's, the line says so.
"""

from __future__ import annotations

from typing import Final

PAGE_MAX: Final = 100  # mappings a page, whatever MaxItems says; ref 1.1

FILTERS_MAX: Final = 5  # a mapping; ref 4.2 (10 on request)
FILTER_DEPTH_MAX: Final = 64  # objects within objects of a pattern; ours, so that no pattern exhausts a stack

FIFO_BATCH_SIZE_MAX: Final = 10  # ref 4.1
BATCH_SIZE_WITHOUT_WINDOW_MAX: Final = 10  # of a standard queue; ref 4.1, recorded (14)
RECORD_AGE_MIN_S: Final = 60  # below it only -1, for ever; ref 4.1

SQS_POLLERS_MIN: Final = 2  # MinimumPollers and MaximumPollers; ref 4.1
KAFKA_POLLERS_MAX: Final = 2_000  # MaximumPollers; ref 4.1, where the model's 10,000 is for queues
POLLERS_DEFAULT_MAX: Final = 200  # MaximumPollers where it is not given; ref 4.1
POLLER_GROUP_MAPPINGS_MAX: Final = 100  # ref 4.1
POLLER_GROUP_POLLERS_MAX: Final = 2_000  # MaximumPollers of all mappings of a group together; ref 4.1
