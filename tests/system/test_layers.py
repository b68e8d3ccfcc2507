"""What functions really find of their layers: files at /opt, modules, programs, whole runtimes, in the right order."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.system.conftest import TRUST, Server, deployed, started, stopped, zipped

PYTHON = f"python3.{sys.version_info.minor}"
SITE = f"python/lib/{PYTHON}/site-packages"
ACCOUNT = "000000000000"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")

BASH_LOOP = r"""#!/bin/bash
while true; do
  exec 3<>/dev/tcp/127.0.0.1/${AWS_LAMBDA_RUNTIME_API##*:}
  printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n' >&3
  while IFS= read -r line <&3; do
    line=${line%$'\r'}
    [ -z "$line" ] && break
    case "$line" in Lambda-Runtime-Aws-Request-Id:*) id=${line#*: } ;; esac
  done
  exec 3>&-
  answer="\"$(. "$(dirname "$0")/lib/answer.sh")\""
  exec 3<>/dev/tcp/127.0.0.1/${AWS_LAMBDA_RUNTIME_API##*:}
  printf 'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s' \
    "$id" "${#answer}" "$answer" >&3
  IFS= read -r line <&3
  exec 3>&-
done
"""


def published(server: Server, name: str, files: dict[str, str], **members: Any) -> str:
    """The ARN of a new version of the layer, of these files; a double underscore in a name is a dot."""
    content = {"ZipFile": zipped(**files)}
    version = server.client("lambda").publish_layer_version(LayerName=name, Content=content, **members)
    return version["LayerVersionArn"]


def answer(client: Any, name: str, **members: Any) -> Any:
    response = client.invoke(FunctionName=name, **members)
    found = json.loads(response["Payload"].read())
    assert "FunctionError" not in response, found
    return found


def test_a_python_function_imports_from_its_layers_the_last_one_first(server: Server):
    one = {"python/who__py": "NAME = 'one'", "python/only__py": "NAME = 'one'", f"{SITE}/deep__py": "NAME = 'one'"}
    two = {"python/who__py": "NAME = 'two'", f"{SITE}/both__py": "NAME = 'site'", "python/both__py": "NAME = 'plain'"}
    layers = [published(server, "python-one", one), published(server, "python-two", two)]
    code = (
        "import both, deep, only, os, sys, who\n"
        "def handler(event, context):\n"
        "    root = who.__file__.removesuffix('python/who.py')\n"
        "    seen = {root: '/opt/', os.environ['LAMBDA_TASK_ROOT']: '/var/task'}\n"
        "    paths = sys.path[:3]\n"
        "    for here, there in seen.items():\n"
        "        paths = [path.replace(here, there) for path in paths]\n"
        "    return [who.NAME, only.NAME, deep.NAME, both.NAME], paths\n"
    )
    client = deployed(server, "imports", PYTHON, "app.handler", zipped(app__py=code), Layers=layers)
    paths = ["/var/task", f"/opt/{SITE}", "/opt/python"]
    assert answer(client, "imports") == [["two", "one", "one", "site"], paths]
    client.update_function_configuration(FunctionName="imports", Layers=layers[::-1])
    client.get_waiter("function_updated_v2").wait(FunctionName="imports")
    assert answer(client, "imports") == [["one", "one", "one", "site"], paths]


def test_what_a_layer_brings_comes_before_what_the_runtime_has(server: Server):
    layer = published(server, "own-boto3", {"python/boto3__py": "__version__ = 'mine'"})
    code = "import boto3\ndef handler(event, context): return boto3.__version__"
    client = deployed(server, "own-boto3", PYTHON, "app.handler", zipped(app__py=code), Layers=[layer])
    assert answer(client, "own-boto3") == "mine"


def test_programs_of_layers_are_found(server: Server):
    layer = published(server, "programs", {"bin/greet-layer": "#!/bin/sh\necho greetings from $(cat ${0%/bin/*}/data)"})
    data = published(server, "data", {"data": "a layer"})
    code = (
        "import subprocess\ndef handler(event, context): return subprocess.check_output(['greet-layer'], text=True)\n"
    )
    client = deployed(server, "programs", PYTHON, "app.handler", zipped(app__py=code), Layers=[layer, data])
    assert answer(client, "programs") == "greetings from a layer\n"


def test_nothing_in_opt_can_be_changed(tmp_path: Path):
    server = started(tmp_path)
    layers = [published(server, name, {f"{name}/file": "a layer"}) for name in ("fixed-one", "fixed-two")]
    code = (
        "import os\n"
        "FILE = '/opt/fixed-one/file'\n"
        "def handler(event, context):\n"
        "    refused = []\n"
        "    for attempt in (\n"
        "        lambda: open(FILE, 'a'), lambda: os.unlink(FILE), lambda: os.chmod(FILE, 0o777),\n"
        "        lambda: os.mkdir('/opt/new'), lambda: os.rename('/opt/fixed-two', '/opt/x'),\n"
        "        lambda: os.link(FILE, '/tmp/x'),\n"
        "    ):\n"
        "        try:\n"
        "            attempt()\n"
        "        except OSError as error:\n"
        "            refused.append(type(error).__name__)\n"
        "    return len(refused), sorted(os.listdir('/opt')), open(FILE).read()\n"
    )
    client = deployed(server, "fixed", PYTHON, "app.handler", zipped(app__py=code), Layers=layers)
    found = answer(client, "fixed")
    assert stopped(server) == 0
    assert found == [6, ["fixed-one", "fixed-two"], "a layer"]


@needs_node
def test_a_node_function_requires_from_its_layers_the_last_one_first(server: Server):
    version = subprocess.run(["node", "-p", "process.versions.node"], check=True, capture_output=True, text=True).stdout
    major = version.split(".")[0]
    one = {
        "nodejs/node_modules/who__js": "module.exports = 'one'",
        "nodejs/node_modules/only__js": "module.exports = 1",
    }
    own = {f"nodejs/node{major}/node_modules/own__js": "module.exports = 'for this version'"}
    own["nodejs/node_modules/own__js"] = "module.exports = 'for all'"
    two = {"nodejs/node_modules/who__js": "module.exports = 'two'"} | own
    layers = [published(server, "node-one", one), published(server, "node-two", two)]
    code = "exports.handler = async () => [require('who'), require('only'), require('own')]"
    client = deployed(server, "requires", f"nodejs{major}.x", "index.handler", zipped(index__js=code), Layers=layers)
    assert answer(client, "requires") == ["two", 1, "for this version"]


def test_a_custom_runtime_is_in_one_layer_and_what_it_runs_in_another(server: Server):
    runtime = published(server, "runtime", {"bootstrap": BASH_LOOP, "lib/answer__sh": "echo of the runtime"})
    handler = published(server, "handler", {"lib/answer__sh": "echo of the other layer"})
    package = zipped(data="nothing to run")
    client = deployed(server, "custom-in-layers", "provided.al2023", "x", package, Layers=[runtime, handler])
    assert answer(client, "custom-in-layers") == "of the other layer"
    deployed(server, "custom-too", "provided.al2023", "x", package, Layers=[handler, runtime])
    assert answer(client, "custom-too") == "of the runtime"


def test_the_packages_own_bootstrap_comes_before_that_of_a_layer(server: Server):
    runtime = published(server, "shadowed", {"bootstrap": BASH_LOOP, "lib/answer__sh": "echo of the layer"})
    package = zipped(bootstrap=BASH_LOOP, **{"lib/answer__sh": "echo of the package"})
    client = deployed(server, "own-bootstrap", "provided.al2023", "x", package, Layers=[runtime])
    assert answer(client, "own-bootstrap") == "of the package"


def test_a_wrapper_script_of_a_layer_starts_the_runtime(server: Server):
    layer = published(server, "wrapper", {"wrap": '#!/bin/bash\nexport WRAPPED="by a layer"\nexec "$@"\n'})
    code = "import os\ndef handler(event, context): return os.environ['WRAPPED']"
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"}
    package = zipped(app__py=code)
    client = deployed(
        server, "wrapped", PYTHON, "app.handler", package, Layers=[layer], Environment={"Variables": variables}
    )
    assert answer(client, "wrapped") == "by a layer"


def test_a_deleted_layer_stays_with_its_functions_and_their_new_environments(server: Server):
    layer = published(server, "deleted", {"python/there__py": "THERE = True"})
    code = "import there\ndef handler(event, context): return there.THERE"
    client = deployed(server, "keeps", PYTHON, "app.handler", zipped(app__py=code), Layers=[layer])
    client.delete_layer_version(LayerName="deleted", VersionNumber=1)
    client.update_function_configuration(FunctionName="keeps", Timeout=9)
    client.get_waiter("function_updated_v2").wait(FunctionName="keeps")
    assert answer(client, "keeps") is True
    with pytest.raises(ClientError, match=f"Layer version {layer} does not exist"):
        client.update_function_configuration(FunctionName="keeps", Layers=[layer])


@pytest.mark.parametrize("sandbox", ["native", "process"])
def test_layers_survive_kill_9(tmp_path: Path, sandbox: str):
    server = started(tmp_path, "--sandbox", sandbox)
    layers = [published(server, name, {"python/who__py": f"NAME = '{name}'"}) for name in ("one", "two")]
    code = "import who\ndef handler(event, context): return who.NAME"
    deployed(server, "kept", PYTHON, "app.handler", zipped(app__py=code), Layers=layers)
    last = published(server, "two", {"x": ""})
    server.client("lambda").delete_layer_version(LayerName="two", VersionNumber=1)
    stopped(server, signal.SIGKILL)
    server = started(tmp_path, "--sandbox", sandbox)
    try:
        client = server.client("lambda")
        assert answer(client, "kept") == "two"
        assert [layer["LayerName"] for layer in client.list_layers()["Layers"]] == ["one", "two"]
        found = client.list_layer_versions(LayerName="two")["LayerVersions"]
        assert [version["LayerVersionArn"] for version in found] == [last]
        assert published(server, "two", {"y": ""}).endswith(":layer:two:3")
    finally:
        assert stopped(server) == 0


def test_an_account_uses_the_layer_that_another_shares_with_it(tmp_path: Path):
    server = started(tmp_path, "--auth", "open")
    try:
        owner, friend = (
            boto3.client(
                "lambda",
                endpoint_url=server.endpoint,
                region_name="us-east-1",
                aws_access_key_id=account,
                aws_secret_access_key="x",
                config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
            )
            for account in ("111111111111", "222222222222")
        )
        iam = boto3.client(
            "iam", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id="222222222222",
            aws_secret_access_key="x",
        )  # fmt: skip
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        content = {"ZipFile": zipped(**{"python/shared__py": "NAME = 'of a friend'"})}
        layer = owner.publish_layer_version(LayerName="shared", Content=content)["LayerVersionArn"]
        function: dict[str, Any] = {"FunctionName": "f", "Runtime": PYTHON, "Handler": "app.handler", "Role": role}
        code = "import shared\ndef handler(event, context): return shared.NAME"
        function |= {"Code": {"ZipFile": zipped(app__py=code)}, "Layers": [layer], "MemorySize": 1769}
        with pytest.raises(ClientError, match="lambda:GetLayerVersion on resource: " + layer) as caught:
            friend.create_function(**function)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        owner.add_layer_version_permission(
            LayerName="shared",
            VersionNumber=1,
            StatementId="friend",
            Action="lambda:GetLayerVersion",
            Principal="222222222222",
        )
        friend.create_function(**function)
        friend.get_waiter("function_active_v2").wait(FunctionName="f")
        assert answer(friend, "f") == "of a friend"
        owner.remove_layer_version_permission(LayerName="shared", VersionNumber=1, StatementId="friend")
        friend.update_function_configuration(FunctionName="f", Timeout=9)
        friend.get_waiter("function_updated_v2").wait(FunctionName="f")
        assert answer(friend, "f") == "of a friend"
    finally:
        assert stopped(server) == 0
