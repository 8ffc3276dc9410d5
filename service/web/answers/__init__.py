"""The JSON that callers get, as types: what routes return is held to them, and the API's description is made of them.

A member's sentence is its description in `/openapi.json`. Names end in `Document`, which the description leaves out.
"""
