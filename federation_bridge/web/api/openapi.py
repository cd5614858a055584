"""The OpenAPI 3.1 document of `/api/v1`. A test holds it against the routes that exist."""

from __future__ import annotations

from federation_bridge import __version__
from federation_bridge.model import JsonObject
from federation_bridge.web.api.administration import document as administration


def _object(**properties: str) -> JsonObject:
    kinds = {"text": {"type": "string"}, "texts": {"type": "array", "items": {"type": "string"}}}
    kinds |= {"flag": {"type": "boolean"}, "instant": {"type": "string", "format": "date-time"}}
    kinds |= {"number": {"type": "integer"}}
    kinds |= {"texts by name": {"type": "object", "additionalProperties": {"type": "string"}}}
    return {"type": "object", "properties": {name: kinds[kind] for name, kind in properties.items()}}


def _answers(schema: str, *refusals: str) -> JsonObject:
    answers: JsonObject = {"200": {"description": "Done.", "content": _json(schema)}}
    for status in refusals:
        answers[status] = {"description": "Refused.", "content": _json("Error")}
    return answers


def _json(schema: str) -> JsonObject:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _list_of(schema: str, name: str) -> JsonObject:
    items = {"$ref": f"#/components/schemas/{schema}"}
    return {"type": "object", "properties": {name: {"type": "array", "items": items}}}


_NAMES = [
    {"name": "account", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[0-9]{12}$"}},
    {"name": "role", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 64}},
]
_DURATION = {"name": "duration", "in": "query", "required": False, "schema": {"type": "string", "maxLength": 16}}
_TOKEN = {
    "name": "X-CSRF-Token",
    "in": "header",
    "required": False,
    "description": "Needed with the session cookie, not with an access token.",
    "schema": {"type": "string"},
}
_SESSION: list[JsonObject] = [{"session": []}, {"dpop": [], "proof": []}, {"bearer": []}]

DOCUMENT: JsonObject = {
    "openapi": "3.1.0",
    "info": {
        "title": "Federation bridge",
        "version": __version__,
        "description": "Roles, credentials and console links of the signed-in person, and administration.",
    },
    "paths": {
        "/openapi.json": {"get": {"summary": "This document.", "responses": {"200": {"description": "Done."}}}},
        "/me": {"get": {"summary": "Who is signed in.", "security": _SESSION, "responses": _answers("Me", "401")}},
        "/roles": {"get": {"summary": "My roles.", "security": _SESSION, "responses": _answers("Roles", "401")}},
        "/explanation": {
            "get": {
                "summary": "Why I have each role, and why the other rules give me none.",
                "security": _SESSION,
                "responses": _answers("Explanation", "401"),
            }
        },
        "/roles/{account}/{role}/credentials": {
            "post": {
                "summary": "Short-lived credentials of one role.",
                "security": _SESSION,
                "parameters": [*_NAMES, _TOKEN],
                "requestBody": {"content": _json("RoleRequest")},
                "responses": _answers("Credentials", "400", "401", "403", "502", "503"),
            }
        },
        "/roles/{account}/{role}/length": {
            "get": {
                "summary": "How long a session would be that is asked for now, and which cap decides it.",
                "security": _SESSION,
                "parameters": [*_NAMES, _DURATION],
                "responses": _answers("Length", "400", "401", "403"),
            }
        },
        "/roles/{account}/{role}/web-identity-token": {
            "post": {
                "summary": "A signed token to exchange at STS, where the operator and the role allow it.",
                "description": "Not given to an access token that is bound to no key.",
                "security": [{"session": []}, {"dpop": [], "proof": []}],
                "parameters": [*_NAMES, _TOKEN],
                "requestBody": {"content": _json("Reason")},
                "responses": _answers("WebIdentityToken", "400", "401", "403", "503"),
            }
        },
        "/roles/{account}/{role}/favourite": {
            "post": {
                "summary": "Keeps a role on top of the person's lists, or no longer.",
                "security": _SESSION,
                "parameters": [*_NAMES, _TOKEN],
                "requestBody": {"content": _json("FavouriteRequest")},
                "responses": _answers("Favourite", "400", "401", "403"),
            }
        },
        "/roles/{account}/{role}/console": {
            "post": {
                "summary": "A console sign-in link, or the form to post. Whoever holds it is signed in.",
                "security": _SESSION,
                "parameters": [*_NAMES, _TOKEN],
                "requestBody": {"content": _json("ConsoleRequest")},
                "responses": _answers("Departure", "400", "401", "403", "502", "503"),
            }
        },
        "/sign-out": {
            "post": {
                "summary": "Ends this session or command line. Credentials live on until their own end.",
                "security": _SESSION,
                "parameters": [_TOKEN],
                "responses": _answers("SignedOut", "401", "403"),
            }
        },
        **administration.paths(),
    },
    "components": {
        "securitySchemes": {
            "session": {"type": "apiKey", "in": "cookie", "name": "__Host-bridge-session"},
            "dpop": {"type": "http", "scheme": "DPoP", "description": "An access token bound to a key (RFC 9449)."},
            "proof": {"type": "apiKey", "in": "header", "name": "DPoP", "description": "The proof of that key."},
            "bearer": {"type": "http", "scheme": "bearer", "description": "An access token bound to no key."},
            **administration.SECURITY,
        },
        "schemas": {
            **administration.schemas(),
            "Me": _object(
                person="text",
                connection="text",
                name="text",
                email="text",
                signed_in_at="instant",
                ends_at="instant",
                csrf_token="text",  # noqa: S106 - the kind of a field
            ),
            "Role": _object(
                account="text",
                account_name="text",
                partition="text",
                region="text",
                role="text",
                role_arn="text",
                max_duration="text",
                rule="text",
                because="texts",
                has_session_policy="flag",
            ),
            "Offer": {
                "allOf": [
                    {"$ref": "#/components/schemas/Role"},
                    _object(
                        description="text",
                        account_description="text",
                        environment="text",
                        color="text",
                        aliases="texts",
                        tags="texts by name",
                        is_favourite="flag",
                        recent="number",
                    ),
                ]
            },
            "FavouriteRequest": _object(keep="flag"),
            "Favourite": _object(is_favourite="flag"),
            "Roles": _list_of("Offer", "roles"),
            "RuleOutcome": _object(rule="text", granted="texts", reasons="texts", description="text", owner="text"),
            "Explanation": {
                "type": "object",
                "properties": {
                    **_list_of("Role", "roles")["properties"],
                    **_list_of("RuleOutcome", "rules")["properties"],
                },
            },
            "RoleRequest": _object(duration="text", reason="text", agent="flag"),
            "ConsoleRequest": _object(duration="text", reason="text", to="text", show_link="flag"),
            "Credentials": _object(
                access_key_id="text",
                secret_access_key="text",  # noqa: S106 - the kind of a field
                session_token="text",  # noqa: S106 - the kind of a field
                expires_at="instant",
                account="text",
                role="text",
                region="text",
                assumed_role_arn="text",
                cap="text",
                duration="text",
            ),
            "Length": _object(duration="text", cap="text"),
            "Reason": _object(reason="text"),
            "WebIdentityToken": _object(
                token="text",  # noqa: S106 - the kind of a field
                expires_at="instant",
                account="text",
                role="text",
                role_arn="text",
                session_name="text",
                region="text",
                max_duration="text",
            ),
            "Departure": {
                "type": "object",
                "properties": {"url": {"type": "string"}, "form": {"type": ["object", "null"]}},
            },
            "SignedOut": _object(signed_out="flag"),
            "Error": {
                "type": "object",
                "properties": {"error": _object(code="text", message="text", reference="text")},
            },
        },
    },
}
