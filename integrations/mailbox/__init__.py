"""The protocol of mail: IMAP with verified TLS, and the parsing of mail that anybody may have written.

Knows no Django, no models and no settings: values in, dataclasses or errors out. What strangers wrote is parsed in a
bounded subprocess (parser.py) only.
"""
