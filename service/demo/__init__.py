"""The demonstration: a real service process and the stand-in provider on real TLS sockets, and the proof at the end.

It speaks to the service as any user would, over HTTP, and looks at the folder it leaves; it imports nothing of it.
"""
