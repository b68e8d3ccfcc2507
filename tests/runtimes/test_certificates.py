"""The authorities that functions of Node.js find at /var/runtime/ca-cert.pem are this machine's."""

from pathlib import Path

from lambent.lambda_.runtimes.certificates import authorities
from tests.runtimes.conftest import Start
from tests.runtimes.nodes import answered, body, every_node
from tests.runtimes.runtime_api import Event


def test_the_first_bundle_that_is_there_is_taken_without_its_links(tmp_path: Path) -> None:
    (tmp_path / "real.pem").touch()
    (tmp_path / "link.pem").symlink_to("real.pem")
    (tmp_path / "directory.pem").mkdir()
    bundles = tuple(tmp_path / name for name in ("none.pem", "directory.pem", "link.pem", "real.pem"))
    assert authorities(bundles) == tmp_path / "real.pem"


def test_a_machine_without_a_bundle_has_botocores(tmp_path: Path) -> None:
    assert "-----BEGIN CERTIFICATE-----" in authorities((tmp_path / "none.pem",)).read_text()


@every_node
async def test_nodejs18_alone_names_them_and_others_can(start: Start, runtime: str) -> None:
    code = "return [process.env.NODE_EXTRA_CA_CERTS ?? null]"
    async with start(runtime, body(code), Event()) as run:
        [named] = await answered(run)
    assert named == (str(authorities()) if runtime == "nodejs18.x" else None)
    code = "return [require('tls').rootCertificates.length > 0, require('fs').readFileSync(event, 'utf8').includes('BEGIN')]"
    variables = {"NODE_EXTRA_CA_CERTS": str(authorities())}
    async with start(runtime, body(code), Event(str(authorities())), variables=variables) as run:
        assert await answered(run) == [True, True]
        assert "Ignoring extra certs" not in run.output()
