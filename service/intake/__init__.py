"""The one door for events: signed callback URLs, and events → one durable transaction."""
