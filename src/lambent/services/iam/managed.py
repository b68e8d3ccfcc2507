"""The managed policies of AWS that users of Lambda attach: rows of data in managed.json, the same for every account.

AWS has more than a thousand; those that are not here answer NoSuchEntity when attached. The documents name what AWS's
own grant, shortened for the very wide ones (ReadOnlyAccess lists the services that Lambent has or is about to have).
Ids are derived from the names: AWS's are arbitrary too, and nobody can depend on them. Source: AWS Managed Policy
Reference Guide.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from lambent.services.iam.policies import ManagedPolicy

CREATED_AT: Final = 1_423_180_800.0  # 2015-02-06, when AWS published its first managed policies


@lru_cache(maxsize=1)
def aws_managed_policies() -> Mapping[str, ManagedPolicy]:
    """Return AWS's managed policies by ARN."""
    text = files("lambent.services.iam").joinpath("managed.json").read_text("utf-8")
    rows: dict[str, dict[str, Any]] = json.loads(text)
    policies = (_policy(name, row) for name, row in rows.items())
    return {policy.arn: policy for policy in policies}


def _policy(name: str, row: dict[str, Any]) -> ManagedPolicy:
    path: str = row.get("Path", "/")
    statements = [
        {"Effect": "Allow", "Action": actions, "Resource": resource} for resource, actions in row["Allow"].items()
    ]
    return ManagedPolicy(
        name=name,
        policy_id="ANPA" + hashlib.sha256(name.encode()).hexdigest()[:17].upper(),
        path=path,
        arn=f"arn:aws:iam::aws:policy{path}{name}",
        description=row.get("Description"),
        document=json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=4),
        created_at=CREATED_AT,
    )
