"""`/api/v1/administration`: what the pages for administrators show and do, for programs (ADR 41)."""
