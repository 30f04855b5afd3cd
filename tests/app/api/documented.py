"""Holds an answer against the OpenAPI document: its status, its media type, its shape."""

from typing import Any, Final, cast

import httpx

from tests.app.api.operations import Operation, document, operation_of

PROBLEM: Final = "application/problem+json"
STREAM: Final = "text/event-stream"
_JSON: Final = {"application/json", "application/cloudevents-batch+json", PROBLEM}

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


async def check_documented(response: httpx.Response) -> None:
    """A response hook: whatever is answered must be what the document says."""
    if media_type_of(response) != STREAM:  # which has no end
        await response.aread()
    if response.status_code >= httpx.codes.BAD_REQUEST and response.request.method != "HEAD":
        check_problem(response)
    operation = operation_of(response.request)
    if operation is None or is_of_the_router(response):
        return
    status, media_type = str(response.status_code), media_type_of(response)
    assert status in operation.responses, f"{operation.id} answers {status}: {response.text}"
    content = operation.responses[status].get("content", {})
    assert media_type in content if content else not response.content
    if media_type in _JSON:
        fault = mismatch(response.json(), content[media_type]["schema"])
        assert fault is None, f"{operation.id} {status} {fault}"


def check_problem(response: httpx.Response) -> None:
    """Whatever is not a success is a problem with the members that all of them have."""
    assert media_type_of(response) == PROBLEM, response.text
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"].startswith("/problems/")
    assert problem["title"]
    assert problem["error"]
    assert problem["detail"]
    assert problem["instance"].startswith("urn:uuid:")
    assert problem["request_id"] == response.headers["X-Request-Id"]


def is_of_the_router(response: httpx.Response) -> bool:
    """Whether no operation was reached."""
    kinds = {"/problems/not-found", "/problems/method-not-allowed"}
    return media_type_of(response) == PROBLEM and response.json()["type"] in kinds


def media_type_of(response: httpx.Response) -> str:
    """The media type of the answer, without parameters."""
    return str(response.headers.get("Content-Type", "")).partition(";")[0]


def statuses_of(operation: Operation) -> set[int]:
    """The statuses that the document lists for `operation`."""
    return {int(status) for status in operation.responses}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema`, or what it refers to."""
    if "$ref" not in schema:
        return schema
    found: Any = document()
    for step in schema["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return resolved(found)


def mismatch(value: Any, schema: dict[str, Any], at: str = "$") -> str | None:
    """Say where `value` is not what `schema` describes, or None.

    As much of JSON Schema as the document uses; a member that is not described is a mismatch.
    """
    schema = resolved(schema)
    if options := schema.get("oneOf", schema.get("anyOf")):
        faults = [mismatch(value, option, at) for option in options]
        return None if None in faults else str(faults)
    types = schema.get("type", [])
    allowed = [types] if isinstance(types, str) else types
    if allowed and not any(_is_a(value, name) for name in allowed):
        return f"{at} is {value!r}, not {allowed}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at} is {value!r}, not one of {schema['enum']}"
    if isinstance(value, dict) and "properties" in schema:
        return _members(cast("dict[str, Any]", value), schema, at)
    if isinstance(value, list) and "items" in schema:
        items = cast("list[object]", value)
        faults = [
            mismatch(item, schema["items"], f"{at}[{index}]") for index, item in enumerate(items)
        ]
        return next(filter(None, faults), None)
    return None


def _is_a(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean") == isinstance(value, bool)


def _members(value: dict[str, Any], schema: dict[str, Any], at: str) -> str | None:
    if missing := set(schema.get("required", ())) - value.keys():
        return f"{at} lacks {sorted(missing)}"
    if unknown := value.keys() - schema["properties"].keys():
        return f"{at} has {sorted(unknown)}, which are not described"
    faults = [
        mismatch(member, schema["properties"][name], f"{at}.{name}")
        for name, member in value.items()
    ]
    return next(filter(None, faults), None)
