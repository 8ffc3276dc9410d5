"""What the routes are, as data: one `Operation` for each method and path, and the OpenAPI 3.1 document made of them.

A new route gets its Operation in the module of its kind, in its OPERATIONS; its answer is a type of `web.answers`, its
body the model that reads it, its query the Parameters that read it.
"""
