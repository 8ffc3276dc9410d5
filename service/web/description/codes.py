"""Every `code` of an error, and what it means. A test holds it to what the code raises."""

from collections.abc import Mapping

CODES: Mapping[str, str] = {
    # any route
    "bad_request": "the request cannot be read",
    "not_found": "nothing is at this path",
    "method_not_allowed": "the path has other methods, named by Allow",
    "internal_error": "something went wrong here",
    "unauthorized": "a valid API key is needed",
    "forbidden": "the key lacks the scope",
    "write_token_needed": "a browser that is logged in changes things for our own pages only",
    "too_many_failures": "too many requests from this address had no valid key",
    "unavailable": "nothing is wrong with the request; send it again later",
    # requests
    "unknown_parameter": "a query parameter that is not taken here",
    "repeated_parameter": "a query parameter was given more than once",
    "invalid_parameter": "a query parameter has a value that it does not take",
    "invalid_limit": "`limit` is a whole number, of a list from 1 to 200",
    "invalid_cursor": "the cursor is not one that this list gave",
    "invalid_day": "a day is written as 2026-05-31",
    "invalid_span": "the days are no span, or too long a one",
    "invalid_request": "a member of the body is wrong",
    "invalid_task_id": "the provider cannot have given this id",
    "body_incomplete": "the body did not arrive whole in time",
    "body_too_large": "the body is too large",
    "unsupported_media_type": "the body is not sent as JSON",
    # what is there
    "task_not_found": "no such task",
    "asset_not_found": "no such image",
    "asset_pending": "the image is not archived yet",
    "asset_dead": "the image was never archived",
    "asset_deleted": "the image was deleted",
    "too_many_tags": "a task has at most 32 tags",
    "task_held": "there is a legal hold on the task, so nothing of it is deleted",
    "no_perceptual_hash": "nobody has looked at the image's pixels yet, or they cannot be read",
    "link_not_found": "no such link, or one that has ended",
    "callback_not_found": "no such callback",
    "callback_url_not_found": "no callback URL of this id was minted here",
    "event_not_found": "no such event",
    "submission_not_found": "no such submission",
    "key_not_found": "no such key",
    # bytes
    "precondition_failed": "these are other bytes than the conditions name",
    "range_not_satisfiable": "the range lies outside the image",
    "several_ranges": "one range at a time is given",
    # callbacks
    "limited": "the callback URL is called too often, or too much of it waits",
    "unreadable": "the body could not be read as a task; it was kept",
    "url_too_long": "the callback URL would be longer than the provider takes",
    # work
    "nothing_to_retry": "nothing of the task is dead or waiting",
    "nobody_to_ask": "only the provider can tell more, and there is no key for it",
    "replay_running": "another replay is running",
    "empty_filter": "nothing is filtered",
    "contradictory_filter": "`all` takes no other filter",
    # the provider's routes
    "invalid_parameters": "a member breaks a documented rule, which the message names",
    "idempotency_key_reused": "the Idempotency-Key was another request's",
    "budget_exceeded": "a budget would be spent",
    "submission_unclear": "the answer was lost: it may have been taken, and is looked for",
    "submission_lost": "the answer was lost, and nothing was heard since; it may be paid",
    "service_unavailable": "the provider cannot be asked just now; nothing was sent",
    # keys
    "invalid_key_name": "a key's name has 1 to 100 printable characters",
    "invalid_scopes": "at least one scope is needed",
    "beyond_own_scopes": "nobody gives a key more than their own has",
    "key_name_taken": "another living key has the name",
    "key_of_setting": "the key stands in the settings, and is taken out there",
    "last_admin_key": "no other key has the scope admin",
    "too_many_keys": "too many keys are alive",
}
