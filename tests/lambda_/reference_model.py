"""A small model of Lambda's control plane, for tests: what each operation answers, or the code with which it refuses.

It is written for reading, from AWS's documentation and not from our code: plain dictionaries, one method an operation, named
and called as AWS names it. An answer holds the members that the model predicts; Lambent's may hold more (times, revisions).
Everything is settled before the next call, so nothing is ever Pending here.
"""

# ruff: noqa: N802, N803  - operations and members have AWS's names

from __future__ import annotations

import base64
import hashlib
from copy import deepcopy
from typing import Any, NoReturn

from tests.lambda_.plane import ARN, ROLE

Members = dict[str, Any]

NOT_FOUND = "ResourceNotFoundException"
CONFLICT = "ResourceConflictException"
INVALID = "InvalidParameterValueException"
ACCOUNT_CONCURRENCY = 1000
MINIMUM_UNRESERVED = 100


class Refused(Exception):
    """The operation answers an error with this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def refuse(code: str) -> NoReturn:
    raise Refused(code)


def sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


class Function:
    """One function with everything that hangs on it."""

    def __init__(self, latest: Members, tags: dict[str, str], last: int) -> None:
        self.latest = latest
        self.tags = tags
        self.last = last  # the highest number ever given to a version of this name
        self.versions: dict[str, Members] = {}
        self.aliases: dict[str, Members] = {}
        self.parts: dict[tuple[str, str], Members] = {}  # by kind and qualifier
        self.recursion = "Terminate"
        self.reserved: int | None = None

    def configuration(self, qualifier: str | None) -> Members:
        """What the qualifier names."""
        if qualifier in self.aliases:
            qualifier = self.aliases[qualifier]["FunctionVersion"]
        if qualifier in (None, "$LATEST"):
            return self.latest
        return self.versions.get(qualifier) or refuse(NOT_FOUND)

    def forget(self, qualifier: str) -> None:
        self.parts = {place: part for place, part in self.parts.items() if place[1] != qualifier}

    def publish(self) -> Members:
        settings = {key: value for key, value in self.latest.items() if key != "Version"}
        last = self.versions.get(str(max(map(int, self.versions)))) if self.versions else None
        if last is not None and last["of"] == settings:
            return last
        self.last += 1
        version = {**deepcopy(settings), "Version": str(self.last), "of": deepcopy(settings)}
        self.versions[str(self.last)] = version
        return version


class Model:
    """All functions of one account in one region."""

    def __init__(self) -> None:
        self.functions: dict[str, Function] = {}
        self.last_numbers: dict[str, int] = {}

    def named(self, name: str) -> Function:
        return self.functions.get(name) or refuse(NOT_FOUND)

    # --- functions

    def CreateFunction(self, *, FunctionName: str, Code: Members, Publish: bool = False, **given: Any) -> Members:
        if FunctionName in self.functions:
            refuse(CONFLICT)
        tags = given.pop("Tags", {})
        defaults = {"Description": "", "Timeout": 3, "MemorySize": 128}
        code = {"CodeSha256": sha256(Code["ZipFile"]), "CodeSize": len(Code["ZipFile"])}
        latest = {"FunctionName": FunctionName, "Version": "$LATEST", "Role": ROLE} | defaults | given | code
        function = Function(latest, dict(tags), self.last_numbers.get(FunctionName, 0))
        self.functions[FunctionName] = function
        return self.shown(function.publish() if Publish else latest)

    def UpdateFunctionCode(self, *, FunctionName: str, ZipFile: bytes, Publish: bool = False) -> Members:
        function = self.named(FunctionName)
        function.latest |= {"CodeSha256": sha256(ZipFile), "CodeSize": len(ZipFile)}
        return self.shown(function.publish() if Publish else function.latest)

    def UpdateFunctionConfiguration(self, *, FunctionName: str, **given: Any) -> Members:
        function = self.named(FunctionName)
        function.latest |= given
        return self.shown(function.latest)

    def GetFunctionConfiguration(self, *, FunctionName: str, Qualifier: str | None = None) -> Members:
        return self.shown(self.named(FunctionName).configuration(Qualifier))

    def DeleteFunction(self, *, FunctionName: str, Qualifier: str | None = None) -> Members:
        if Qualifier == "$LATEST":
            refuse(INVALID)
        function = self.named(FunctionName)
        if Qualifier is None:
            self.last_numbers[FunctionName] = function.last
            del self.functions[FunctionName]
        elif Qualifier in function.aliases:
            refuse(INVALID)
        elif Qualifier not in function.versions:
            if not Qualifier.isdecimal():
                refuse(NOT_FOUND)
        else:
            if any(Qualifier in self.routed(alias) for alias in function.aliases.values()):
                refuse(CONFLICT)
            del function.versions[Qualifier]
            function.forget(Qualifier)
        return {"StatusCode": 204}

    def ListFunctions(self) -> Members:
        return {"Functions": [self.shown(self.functions[name].latest) for name in sorted(self.functions)]}

    # --- versions

    def PublishVersion(self, *, FunctionName: str, CodeSha256: str | None = None) -> Members:
        function = self.named(FunctionName)
        if CodeSha256 not in (None, function.latest["CodeSha256"]):
            refuse(INVALID)
        return self.shown(function.publish())

    def ListVersionsByFunction(self, *, FunctionName: str) -> Members:
        function = self.named(FunctionName)
        versions = [function.versions[number] for number in sorted(function.versions, key=int)]
        return {"Versions": [self.shown(version) for version in (function.latest, *versions)]}

    # --- aliases

    def CreateAlias(
        self,
        *,
        FunctionName: str,
        Name: str,
        FunctionVersion: str,
        RoutingConfig: Members | None = None,
        Description: str = "",
    ) -> Members:
        function = self.named(FunctionName)
        if Name in function.aliases:
            refuse(CONFLICT)
        alias: Members = {"Name": Name, "FunctionVersion": FunctionVersion, "Description": Description}
        return self.aliased(function, alias, RoutingConfig)

    def UpdateAlias(
        self, *, FunctionName: str, Name: str, RoutingConfig: Members | None = None, **given: str
    ) -> Members:
        function = self.named(FunctionName)
        present = function.aliases.get(Name) or refuse(NOT_FOUND)
        return self.aliased(function, present | given, RoutingConfig)

    def GetAlias(self, *, FunctionName: str, Name: str) -> Members:
        return self.named(FunctionName).aliases.get(Name) or refuse(NOT_FOUND)

    def DeleteAlias(self, *, FunctionName: str, Name: str) -> Members:
        function = self.named(FunctionName)
        function.aliases.pop(Name, None)
        function.forget(Name)
        return {}

    def ListAliases(self, *, FunctionName: str) -> Members:
        aliases = self.named(FunctionName).aliases
        return {"Aliases": [aliases[name] for name in sorted(aliases)]}

    def aliased(self, function: Function, alias: Members, routing: Members | None) -> Members:
        if routing is not None:
            alias.pop("RoutingConfig", None)
            if routing.get("AdditionalVersionWeights"):
                alias["RoutingConfig"] = routing
        version, *others = self.routed(alias)
        if others and (version == "$LATEST" or version in others):
            refuse(INVALID)
        for number in (version, *others):
            if number != "$LATEST" and number not in function.versions:
                refuse(NOT_FOUND)
        function.aliases[alias["Name"]] = alias
        return alias

    def routed(self, alias: Members) -> tuple[str, ...]:
        """Every version that invocations of the alias may run."""
        weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        return (alias["FunctionVersion"], *weights)

    # --- what hangs on a function, a version or an alias

    def PutFunctionEventInvokeConfig(self, *, FunctionName: str, Qualifier: str = "$LATEST", **given: int) -> Members:
        function = self.functions.get(FunctionName) or refuse(NOT_FOUND)
        function.configuration(Qualifier)
        config = {"FunctionArn": f"{ARN}{FunctionName}:{Qualifier}", **given}
        function.parts["event-invoke", Qualifier] = config
        return config

    def UpdateFunctionEventInvokeConfig(
        self, *, FunctionName: str, Qualifier: str = "$LATEST", **given: int
    ) -> Members:
        config = self.GetFunctionEventInvokeConfig(FunctionName=FunctionName, Qualifier=Qualifier)
        config |= given
        return config

    def GetFunctionEventInvokeConfig(self, *, FunctionName: str, Qualifier: str = "$LATEST") -> Members:
        return self.named(FunctionName).parts.get(("event-invoke", Qualifier)) or refuse(NOT_FOUND)

    def DeleteFunctionEventInvokeConfig(self, *, FunctionName: str, Qualifier: str = "$LATEST") -> Members:
        self.GetFunctionEventInvokeConfig(FunctionName=FunctionName, Qualifier=Qualifier)
        del self.named(FunctionName).parts["event-invoke", Qualifier]
        return {}

    def ListFunctionEventInvokeConfigs(self, *, FunctionName: str) -> Members:
        parts = self.named(FunctionName).parts
        return {"FunctionEventInvokeConfigs": self.listed(parts, "event-invoke")}

    def listed(self, parts: dict[tuple[str, str], Members], kind: str) -> list[Members]:
        """$LATEST, the versions by number, the aliases by name."""
        places = [place for place in parts if place[0] == kind]
        places.sort(key=lambda p: (p[1] != "$LATEST", not p[1].isdecimal(), len(p[1]) if p[1].isdecimal() else 0, p[1]))
        return [parts[place] for place in places]

    def PutFunctionRecursionConfig(self, *, FunctionName: str, RecursiveLoop: str) -> Members:
        self.named(FunctionName).recursion = RecursiveLoop
        return {"RecursiveLoop": RecursiveLoop}

    def GetFunctionRecursionConfig(self, *, FunctionName: str) -> Members:
        return {"RecursiveLoop": self.named(FunctionName).recursion}

    # --- permissions

    def AddPermission(self, *, FunctionName: str, StatementId: str, Qualifier: str | None = None, **_: str) -> Members:
        statements = self.policy_place(FunctionName, Qualifier)
        if StatementId in statements:
            refuse(CONFLICT)
        statements[StatementId] = {}
        return {}

    def RemovePermission(self, *, FunctionName: str, StatementId: str, Qualifier: str | None = None) -> Members:
        statements = self.policy_place(FunctionName, Qualifier)
        if StatementId not in statements:
            refuse(NOT_FOUND)
        del statements[StatementId]
        return {}

    def Statements(self, *, FunctionName: str, Qualifier: str | None = None) -> list[str]:
        """Not an operation: the statement ids in GetPolicy's answer, in order; none when there is no policy."""
        return list(self.named(FunctionName).parts.get(("policy", Qualifier or "$LATEST"), {}))

    def policy_place(self, name: str, qualifier: str | None) -> Members:
        function = self.named(name)
        if qualifier == "$LATEST":
            refuse(INVALID)
        if qualifier is not None:
            function.configuration(qualifier)
        return function.parts.setdefault(("policy", qualifier or "$LATEST"), {})

    # --- function URLs

    def CreateFunctionUrlConfig(self, *, FunctionName: str, AuthType: str, Qualifier: str | None = None) -> Members:
        function = self.named(FunctionName)
        if Qualifier is not None and Qualifier not in function.aliases:
            refuse(NOT_FOUND)
        if ("url", Qualifier or "$LATEST") in function.parts:
            refuse(CONFLICT)
        arn = f"{ARN}{FunctionName}" + (f":{Qualifier}" if Qualifier else "")
        config = {"FunctionArn": arn, "AuthType": AuthType}
        function.parts["url", Qualifier or "$LATEST"] = config
        return config

    def UpdateFunctionUrlConfig(self, *, FunctionName: str, AuthType: str, Qualifier: str | None = None) -> Members:
        config = self.GetFunctionUrlConfig(FunctionName=FunctionName, Qualifier=Qualifier)
        config["AuthType"] = AuthType
        return config

    def GetFunctionUrlConfig(self, *, FunctionName: str, Qualifier: str | None = None) -> Members:
        return self.named(FunctionName).parts.get(("url", Qualifier or "$LATEST")) or refuse(NOT_FOUND)

    def DeleteFunctionUrlConfig(self, *, FunctionName: str, Qualifier: str | None = None) -> Members:
        self.GetFunctionUrlConfig(FunctionName=FunctionName, Qualifier=Qualifier)
        del self.named(FunctionName).parts["url", Qualifier or "$LATEST"]
        return {}

    def ListFunctionUrlConfigs(self, *, FunctionName: str) -> Members:
        return {"FunctionUrlConfigs": self.listed(self.named(FunctionName).parts, "url")}

    # --- concurrency

    def PutFunctionConcurrency(self, *, FunctionName: str, ReservedConcurrentExecutions: int) -> Members:
        function = self.named(FunctionName)
        others = sum(each.reserved or 0 for each in self.functions.values() if each is not function)
        if others + ReservedConcurrentExecutions > ACCOUNT_CONCURRENCY - MINIMUM_UNRESERVED:
            refuse(INVALID)
        function.reserved = ReservedConcurrentExecutions
        return {"ReservedConcurrentExecutions": ReservedConcurrentExecutions}

    def GetFunctionConcurrency(self, *, FunctionName: str) -> Members:
        reserved = self.named(FunctionName).reserved
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    def DeleteFunctionConcurrency(self, *, FunctionName: str) -> Members:
        self.named(FunctionName).reserved = None
        return {}

    # --- tags and the account

    def TagResource(self, *, Resource: str, Tags: dict[str, str]) -> Members:
        function = self.named(Resource.removeprefix(ARN))
        function.tags |= Tags
        return {}

    def UntagResource(self, *, Resource: str, TagKeys: list[str]) -> Members:
        function = self.named(Resource.removeprefix(ARN))
        function.tags = {key: value for key, value in function.tags.items() if key not in TagKeys}
        return {}

    def ListTags(self, *, Resource: str) -> Members:
        return {"Tags": self.named(Resource.removeprefix(ARN)).tags}

    def GetAccountSettings(self) -> Members:
        versions = [v for f in self.functions.values() for v in (f.latest, *f.versions.values())]
        usage = {"FunctionCount": len(self.functions), "TotalCodeSize": sum(v["CodeSize"] for v in versions)}
        unreserved = ACCOUNT_CONCURRENCY - sum(function.reserved or 0 for function in self.functions.values())
        return {"AccountUsage": usage, "AccountLimit": {"UnreservedConcurrentExecutions": unreserved}}

    def shown(self, version: Members) -> Members:
        return {key: value for key, value in version.items() if key != "of"}
