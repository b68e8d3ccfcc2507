"""AWS's quotas and rules that the service model does not carry, as data, each with its source.

What the model does say (a description's 256 characters, a single architecture) is checked by the kernel before an
operation runs. "ref" is reference/lambda.md. Where a number is ours and not AWS's, the line says so.
"""

from __future__ import annotations

from typing import Final

import msgspec

FUNCTION_NAME_MAX: Final = 64  # characters; ref 1.3 (recorded)
TIMEOUT_MAX_S: Final = 900  # ref 1.5; the model's 5400 is for Managed Instances
TIMEOUT_DEFAULT_S: Final = 3  # ref 1.5
MEMORY_MAX_MIB: Final = 10_240  # ref 1.5; the model's 32768 is for Managed Instances
MEMORY_DEFAULT_MIB: Final = 128  # ref 1.5
TMP_MIN_MIB: Final = 512  # ref 1.5, 2.4; EphemeralStorage.Size
TMP_MAX_MIB: Final = 10_240  # ref 1.5; the model's 32768 is for accelerator functions
SNAP_START_FAMILIES: Final = {
    "java": (11,),
    "python": (3, 12),
    "dotnet": (8,),
}  # oldest version; developer guide, SnapStart
SNAP_START_TMP_MAX_MIB: Final = 512  # developer guide, SnapStart
TAGS_MAX: Final = 50  # a resource; ref 6
RESERVED_TAG_PREFIX: Final = "aws:"  # of keys, in either case; Tagging AWS Resources User Guide, "Tag naming limits"
ALIAS_WEIGHTS_MAX: Final = 1  # versions beside the alias' own; ref 6
POLICY_MAX_BYTES: Final = 20_480  # of a resource policy as it is shown; ref 2.4, the model
PAGE_MAX: Final = 50  # functions or versions a page, whatever MaxItems says; ref 1.1

ENVIRONMENT_MAX_BYTES: Final = 4096  # of the variables as JSON without spaces; ref 2.4, sentence recorded (14)
RESERVED_ENVIRONMENT: Final = frozenset(  # ref 2.7, the rows marked reserved
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_FORMAT",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_LEVEL",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)

ZIPPED_MAX_BYTES: Final = 52_428_800  # a package uploaded in the request; ref 2.4 (recorded)
UNZIPPED_MAX_BYTES: Final = 262_144_000  # with the layers; ref 2.4 (recorded)
UNPACKED_LIMIT_BYTES: Final = (
    80_530_636_800  # of all code, unpacked; ours: as much as AWS gives an account for its zips
)
LAYERS_MAX: Final = 5  # of a function; ref 5
LAYER_POLICY_MAX_BYTES: Final = 20_480  # of a layer version's policy, as JSON; ref 5, of functions' policies
OBJECT_MAX_BYTES: Final = UNZIPPED_MAX_BYTES + 16 * 1024 * 1024  # a package in a bucket; ours: AWS names none, and this
# is what a package that unpacks to the limit takes at most, with room for the archive's own words
ENTRIES_MAX: Final = 100_000  # files and directories of a package; ours: AWS names none, and every one costs an inode
DEPTH_MAX: Final = 100  # directories above a file; ours, so that a tree can be walked
LINK_TARGET_MAX_BYTES: Final = 4095  # PATH_MAX
PATH_MAX_BYTES: Final = 3072  # an entry's path; ours: PATH_MAX less room for where the tree lies
COMPONENT_MAX_BYTES: Final = 255  # NAME_MAX

URL_BODY_MAX_BYTES: Final = 6_291_456  # of a request to a function URL; ref 2.3
URL_RESPONSE_HEAD_MAX_BYTES: Final = 65_536  # headers of its answer; ours: what our own door takes of a client
URL_PAGE_MAX: Final = 50  # URLs a page; ref 1.1


UNRESERVED_MIN: Final = (
    100  # executions left to functions without a reservation; recorded (14). Accounts whose limit is
)
# lower report their own limit here ("[10]", "[50]"), so that they can reserve nothing but 0.
REQUESTS_PER_EXECUTION: Final = 10  # requests a second for each concurrent execution; ref 2.4
SCALING_ENVIRONMENTS: Final = 1000  # environments that a function may start in SCALING_S, not accrued; ref 2.4, 5
SCALING_S: Final = 10.0
TENANT_ENVIRONMENTS_PER_EXECUTION: Final = 2.5  # of a function whose tenants are isolated, at work or idle; ref 2.4
PROVISIONED_INIT_MIN_S: Final = (
    130.0  # INIT of a provisioned environment may take so long, or the function's timeout; 2.10
)


class AccountLimits(msgspec.Struct, frozen=True):
    """The quotas of an account in a region that GetAccountSettings shows; ref 5."""

    concurrent_executions: int = 1000
    total_code_size_bytes: int = 80_530_636_800
    code_size_unzipped_bytes: int = UNZIPPED_MAX_BYTES
    code_size_zipped_bytes: int = ZIPPED_MAX_BYTES
