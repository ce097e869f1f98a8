"""The description of the figures for other programs (OpenAPI 3.1), in English: the makers of programs read it."""

from __future__ import annotations

from typing import Any

from hcrm.reporting.domain.measures import MEASURES, Link
from hcrm.reporting.domain.reports import (
    IMPERSONAL_GROUPINGS,
    REVISIT_GROUPINGS,
    SATISFACTION_GROUPINGS,
    Basis,
    By,
)

VERSION = "1.0"


def description(base_url: str) -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "HCRM figures",
            "version": VERSION,
            "description": "Follow-up, revisits and satisfaction, by the same functions as the pages and "
            "`hcrm report`. No patient can be told from these numbers; groups of fewer than five answers are "
            "suppressed.",
        },
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "paths": {
            "/api/figures/followup": _path(
                "The follow-up funnel; rate = completed / due", IMPERSONAL_GROUPINGS, [_choice("basis", list(Basis))]
            ),
            "/api/figures/revisits": _path(
                "Patients who came back",
                REVISIT_GROUPINGS,
                [_measure(), _choice("link", list(Link))],
            ),
            "/api/figures/satisfaction": _path(
                "What patients say; rate = share satisfied",
                SATISFACTION_GROUPINGS,
                [{"name": "questionnaire", "in": "query", "schema": {"type": "string"}}],
            ),
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Report": _report(), "Error": _error()},
        },
    }


def _path(summary: str, groupings: tuple[By, ...], more: list[dict[str, Any]]) -> dict[str, Any]:
    day = {"type": "string", "format": "date"}
    parameters = [
        {"name": "from", "in": "query", "schema": day, "description": "First day; none: all."},
        {"name": "to", "in": "query", "schema": day, "description": "Last day; none: all."},
        _choice("by", list(groupings)),
        *more,
    ]
    problem = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    return {
        "get": {
            "summary": summary,
            "parameters": parameters,
            "responses": {
                "200": {
                    "description": "The report",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Report"}}},
                },
                "400": {"description": "A parameter makes no sense", **problem},
                "401": {"description": "No token, or one that is not valid", **problem},
                "403": {"description": "The token is not for this report", **problem},
            },
        }
    }


def _choice(name: str, values: list[Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string", "enum": [str(value) for value in values]}}


def _measure() -> dict[str, Any]:
    shipped = ", ".join(MEASURES)
    return {
        "name": "measure",
        "in": "query",
        "schema": {"type": "string", "default": "readmit_30d"},
        "description": f"One of {shipped}, or the code of a measure that the hospital made.",
    }


def _report() -> dict[str, Any]:
    share = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
    row = {
        "type": "object",
        "required": ["group", "numerator", "denominator", "rate", "low", "high", "excluded", "provisional"],
        "properties": {
            "group": {"type": "string"},
            "code": {"type": "string"},
            "numerator": {"type": ["integer", "null"]},
            "denominator": {"type": "integer"},
            "rate": share,
            "low": share,
            "high": share,
            "excluded": {"type": "object", "additionalProperties": {"type": "integer"}},
            "provisional": {"type": "boolean"},
            "withheld": {
                "type": "boolean",
                "description": "Follow-up only: a person with fewer than 30 tasks due, whose shares are null",
            },
        },
        "additionalProperties": True,
    }
    return {
        "type": "object",
        "required": ["measure", "definition", "from", "to", "by", "rows", "total"],
        "properties": {
            "measure": {"type": "string"},
            "definition": {"type": "string"},
            "from": {"type": ["string", "null"]},
            "to": {"type": ["string", "null"]},
            "by": {"type": "string"},
            "rows": {"type": "array", "items": row},
            "total": row,
        },
        "additionalProperties": True,
    }


def _error() -> dict[str, Any]:
    return {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
