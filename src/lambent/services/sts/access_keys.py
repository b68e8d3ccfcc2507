"""Every access key that may sign a request: the account's root key, and the keys of sessions.

The root key (AKIA...) is made at the first start, and read back afterwards; session keys (ASIA...) come out of their
tokens. Both are in memory: a lookup is one in a dict once a token was opened.
"""

from __future__ import annotations

import base64
from typing import Annotated, Final

import msgspec

from lambent.core.clock import Clock
from lambent.core.ids import Ids
from lambent.core.kernel import Caller, SessionTag
from lambent.core.ports import Principal, Roles, SessionCredentials
from lambent.services.sts.limits import TOKEN_MAX_CHARACTERS
from lambent.services.sts.remembered import RememberedSessions
from lambent.services.sts.sealed import KEY_BYTES, Facts, opened, sealed, secret_of
from lambent.storage.directory import DataDirectory
from lambent.storage.secrets import is_guessable, secret

ROOT_KEY: Final = "root.key"


class RootKey(msgspec.Struct, frozen=True):
    """The account's own key, as it stands in root.key (JSON, mode 0600)."""

    access_key_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_]{16,128}\Z")]  # AKIA...; the API's AccessKeyId
    secret_access_key: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9/+=]{40,128}\Z")]
    account: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{12}\Z")]

    @staticmethod
    def of(data: DataDirectory, account: str, ids: Ids) -> RootKey:
        """Read the key of the data directory, or make it; the account of the first start stays.

        Raises SecretUnreadable, SecretExposed, SecretDamaged.
        """

        def create() -> bytes:
            drawn = base64.b64encode(ids.random_bytes(30)).decode("ascii")
            return msgspec.json.encode(RootKey("AKIA" + ids.letters(16), drawn, account))

        return secret(data.path / ROOT_KEY, create, RootKey.parse)

    @staticmethod
    def parse(content: bytes) -> RootKey:
        """Read what stands in root.key. Raises ValueError, which says what is wrong with it."""
        try:
            key = msgspec.json.decode(content, type=RootKey)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(str(error)) from None
        if is_guessable(key.secret_access_key.encode()):
            raise ValueError("its secret can be guessed")
        return key

    @property
    def caller(self) -> Caller:
        """Whoever signs with this key."""
        return Caller(self.account, f"arn:aws:iam::{self.account}:root", self.account, self.access_key_id, is_root=True)


class AccessKeys:
    """Implements the ports `Credentials` and `RoleCredentials`."""

    def __init__(self, root: RootKey, server_key: bytes, roles: Roles, clock: Clock, ids: Ids) -> None:
        self.root = root
        self._root_principal = Principal(root.secret_access_key, root.caller)
        self._key = server_key
        self._roles = roles
        self._clock = clock
        self._ids = ids
        self._sessions = RememberedSessions()

    @staticmethod
    def of(data: DataDirectory, account: str, roles: Roles, clock: Clock, ids: Ids) -> AccessKeys:
        """Make them of the secrets in the data directory, which are made at the first start."""
        server_key = data.random_key("session.key", KEY_BYTES, ids.random_bytes)
        return AccessKeys(RootKey.of(data, account, ids), server_key, roles, clock, ids)

    def lookup(self, access_key_id: str, session_token: str | None) -> Principal | None:
        """Find the key; an expired session is found too."""
        if session_token is None:
            return self._root_principal if access_key_id == self.root.access_key_id else None
        principal = self._sessions.find(session_token) or self._opened(session_token)
        return principal if principal is not None and principal.caller.access_key == access_key_id else None

    def issue(
        self, role_arn: str, session_name: str, duration_s: int, tags: tuple[SessionTag, ...] = ()
    ) -> SessionCredentials:
        """Make credentials of a role session. Raises LookupError when there is no such role."""
        role = self._roles.find(role_arn)
        if role is None:
            raise LookupError(f"there is no role {role_arn}")
        arn = f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session_name}"
        return self.session(role.account, arn, f"{role.role_id}:{session_name}", session_name, duration_s, tags=tags)

    def session(
        self,
        account: str,
        arn: str,
        principal_id: str,
        session_name: str | None,
        duration_s: int,
        *,
        is_root: bool = False,
        tags: tuple[SessionTag, ...] = (),
    ) -> SessionCredentials:
        """Make credentials under which a request is `arn`'s."""
        facts = Facts(
            access_key_id="ASIA" + self._ids.letters(16),
            account=account,
            arn=arn,
            principal_id=principal_id,
            session_name=session_name,
            is_root=is_root,
            expires_at=self._clock.now() + duration_s,
            tags=tags,
        )
        return SessionCredentials(
            facts.access_key_id, secret_of(self._key, facts.access_key_id), sealed(self._key, facts), facts.expires_at
        )

    def _opened(self, token: str) -> Principal | None:
        """The session of a token that is not remembered; None: it is not ours."""
        facts = opened(self._key, token) if len(token) <= TOKEN_MAX_CHARACTERS else None
        if facts is None:
            return None
        caller = Caller(
            facts.account,
            facts.arn,
            facts.principal_id,
            facts.access_key_id,
            facts.is_root,
            facts.session_name,
            facts.tags,
        )
        principal = Principal(secret_of(self._key, facts.access_key_id), caller, facts.expires_at)
        self._sessions.add(token, principal)
        return principal
