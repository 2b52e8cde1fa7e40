"""Reads for the pages, one module a page: plain values in and out, so that a template never causes a query."""
