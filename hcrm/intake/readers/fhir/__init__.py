"""Reads FHIR R4: Bundles, single resources and NDJSON, to rows about stays and what else is said of patients."""
