"""The demo: one command that starts everything, with data to look at and a stand-in for Salesforce.

`python -m config.demo` (`make demo`). Its data are kept in .data; PORT, STAND_IN_PORT and STAND_IN_TLS_PORT
choose other ports.
"""
