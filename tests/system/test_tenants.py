"""Tenant isolation with real functions: what a runtime is told, and that its memory and its disk are its tenant's alone."""

from __future__ import annotations

import json
import sys
from typing import Any, cast

import pytest

from tests.system.conftest import Server, deployed, zipped
from tests.system.test_first_function import needs_node, node_runtime

PYTHON = f"python3.{sys.version_info.minor}"
PYTHON_CODE = """
import pathlib
seen = []
def handler(event, context):
    seen.append(context.tenant_id)
    with open("/tmp/seen", "a") as file:
        file.write(context.tenant_id + " ")
    return {"memory": seen, "disk": pathlib.Path("/tmp/seen").read_text().split()}
"""
NODE_CODE = """
const fs = require('fs')
const seen = []
exports.handler = async (event, context) => {
  seen.push(context.tenantId)
  fs.appendFileSync('/tmp/seen', context.tenantId + ' ')
  return { memory: seen, disk: fs.readFileSync('/tmp/seen', 'utf8').trim().split(' ') }
}
"""
CODE = {"python": {"app__py": PYTHON_CODE}, "node": {"app__js": NODE_CODE}}


def invoked(client: Any, name: str, tenant: str) -> Any:
    answer = client.invoke(FunctionName=name, TenantId=tenant, Payload=b"{}")
    return json.loads(answer["Payload"].read())


@pytest.mark.parametrize("language", ["python", pytest.param("node", marks=needs_node)])
def test_tenants_share_nothing_and_a_tenant_meets_itself_again(server: Server, language: str):
    name, tenancy = f"tenants-{language}", {"TenantIsolationMode": "PER_TENANT"}
    runtime = PYTHON if language == "python" else node_runtime()
    client = deployed(server, name, runtime, "app.handler", zipped(**CODE[language]), TenancyConfig=tenancy)
    assert client.get_function(FunctionName=name)["Configuration"]["TenancyConfig"] == tenancy
    isolated = "native" in cast("list[str]", server.process.args)  # else everybody has the machine's /tmp
    for times in (1, 2):
        for tenant in ("blue", "green:a/b=c"):
            found = invoked(client, name, tenant)
            assert found["memory"] == [tenant] * times
            assert not isolated or found["disk"] == [tenant] * times
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="Add a valid tenant ID"):
        client.invoke(FunctionName=name)
