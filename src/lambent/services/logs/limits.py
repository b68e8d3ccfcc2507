"""What CloudWatch Logs allows (CloudWatch Logs API reference, PutLogEvents and User Guide, "quotas"), and our own
bounds.
"""

from __future__ import annotations

from typing import Final

from lambent.storage.database import SCAN_LIMIT

# PutLogEvents
BATCH_BYTES: Final = 1_048_576  # the messages in UTF-8, and core.ports.EVENT_OVERHEAD_BYTES for each
BATCH_SPAN_MS: Final = 24 * 3_600_000
FUTURE_MS: Final = 2 * 3_600_000
PAST_MS: Final = 14 * 24 * 3_600_000

# Reading
PAGE_EVENTS: Final = 10_000  # at most, and when no limit is given
PAGE_BYTES: Final = 1_048_576
DESCRIBE_PAGE: Final = 50
TAGS_PER_GROUP: Final = 50

RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)

# Ours
EXAMINED_EVENTS: Final = 100_000  # by one FilterLogEvents; then the page ends, with a token to go on
FILTER_S: Final = 0.1  # of a processor, for one FilterLogEvents; the same happens then
GUEST_FILTER_S: Final = 0.01  # for one of a guest, which holds invocations up meanwhile
SCANS: Final = SCAN_LIMIT  # long reads at once; one caller has all but one of the places
GUEST_SCANS: Final = 2  # of them for all guests together, each of which has one
SCANS_WAITING: Final = 32  # of each guest or caller
PUTS: Final = 4  # batches, of a megabyte each, that wait to be written; others wait before them, so that deletes do not
PUTS_WAITING: Final = 64  # before them, of each guest or caller
# Of one message, by one pattern. A message that would take more does not match. Each is up to 50 ms of a processor, of which
# nothing takes more than 5 ms without a pause; wildcards that were made for it take four times as much.
FILTER_VALUES: Final = (
    20_000  # looked at by the conditions of a JSON pattern: for each condition, at each step of its selector
)
FILTER_CHARACTERS: Final = 1 << 22  # looked through by wildcards, or for terms: for each of them
FILTER_DIGITS: Final = 40  # of an integer that is compared as text
FREELY_READ_CHARACTERS: Final = (
    1 << 18
)  # of JSON; what is longer has no more than FILTER_VALUES commas and opening brackets
FILTER_PATTERN_DEPTH: Final = 32  # parentheses within each other
GROUPS_PER_PLACE: Final = 10_000  # that CreateLogGroup makes in an account and region; AWS's quota is a million
STREAM_BYTES: Final = 2_048  # what a stream without events takes of its group's room: a row and two entries of indexes
SWEEP_DELAY_S: Final = 5.0  # between two looks for groups and streams that were deleted
EXPIRY_DELAY_S: Final = 60.0  # between two looks for events past their group's retention
SWEEP_EVENTS: Final = 5_000  # deleted in one transaction, at most
SWEEP_BYTES: Final = 4 << 20  # and of so many bytes
DAY_MS: Final = 86_400_000
END_OF_TIME_MS: Final = 2**62
