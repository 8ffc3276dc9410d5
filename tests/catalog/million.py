"""An archive of a million images as it is after two years and a bad hour: nearly all settled, some at work."""

from collections.abc import Mapping

IMAGES = 1_000_000
OPEN = 10_000
"""Tasks that have not ended, all of them to be asked about: the latest."""

ENDED = IMAGES // 2
TASKS = ENDED + OPEN
FETCHING = 300
"""Of those that have ended, the latest, whose images are not archived yet."""

CALLBACKS = TASKS + TASKS // 10
TOKENS = 5_000
_AT = "timestamptz '2024-11-01' + n * interval '126 seconds'"
_STATUS = f"""CASE WHEN n > {ENDED} THEN (CASE WHEN n % 2 = 0 THEN 'pending' ELSE 'processing' END)
    WHEN n % 50 = 0 THEN 'failed' WHEN n % 199 = 0 THEN 'cancelled' WHEN n % 1301 = 0 THEN 'dead'
    ELSE 'completed' END"""
_TAGS = """json_build_object('team', 'team-' || n % 40)"""

_TASKS = f"""
INSERT INTO tasks (id, source, received_at, status, reason, rank, confirmed, conflict, token_id, model, ref, tags,
    prompt, usage, created_at, deadline, settled_at, archive_date, provider_json, callback_rank, expected_images,
    check_at, check_since, check_asked, check_silent_since, version, sidecar_version, named_by, named_bytes)
SELECT 'task-unified-' || lpad(n::text, 8, '0'), 'evolink', at, status,
    CASE WHEN status = 'dead' THEN (ARRAY['no_links', 'never_finished', 'unknown_to_provider'])[1 + n % 3] END,
    CASE status WHEN 'completed' THEN 6 WHEN 'failed' THEN 5 WHEN 'cancelled' THEN 4 ELSE 1 END,
    status <> 'dead' AND n <= {ENDED} AND n % 20 <> 0,
    n % 1009 = 0, 'tok-' || n % {TOKENS}, (ARRAY['gpt-image-2', 'gpt-image-2-beta'])[1 + (n % 10 > 0)::int],
    'order-' || n / 3, {_TAGS}, 'a lighthouse in the fog, number ' || n, json_build_object('credits_used', n % 7),
    at, at + interval '1 day', CASE WHEN n <= {ENDED - FETCHING} THEN at + interval '90 seconds' END,
    CASE WHEN status <> 'pending' THEN at::date END, repeat('{{"provider": "said"}} ', 8), 1, 2,
    CASE WHEN n > {ENDED} THEN at + (n % 120) * interval '1 second' END,
    CASE WHEN n > {ENDED} THEN at END, n % 3, CASE WHEN n > {ENDED} AND n % 9 = 0 THEN at END,
    7, CASE WHEN n BETWEEN {ENDED - 150} AND {ENDED} THEN 6 ELSE 7 END,
    CASE WHEN n > {ENDED} OR n % 1301 = 0 THEN 'tok-' || n % {TOKENS} END, 400
FROM (SELECT n, {_AT} AS at, {_STATUS} AS status FROM generate_series(1, {TASKS}) AS n) AS rows
"""

_ALIKE = ", ".join(
    f"CASE WHEN n % 4 > 0 AND status = 'archived' THEN ('x' || substr(md5(n::text), {at}, 4))::bit(16)::int END"
    for at in (1, 5, 9, 13)
)

_ASSETS = f"""
INSERT INTO assets (task_id, index, status, reason, links, refused_links, created_at, deadline, attempts,
    next_attempt_at, object_key, sha256, bytes, format, width, height, archived_at, purged,
    details_version, details_after, alike_0, alike_1, alike_2, alike_3)
SELECT task, index, status,
    CASE WHEN status = 'dead' THEN (ARRAY['link_expired', 'refused_host', 'too_large'])[1 + n % 3]
    WHEN n % 997 = 0 THEN 'refuted' END,
    json_build_array('https://files.evolink.ai/a/' || n || '.png'), '[]', at, at + interval '1 day', 1,
    CASE WHEN status = 'pending' THEN at + (n % 600) * interval '1 second' END,
    CASE WHEN status = 'archived' THEN 'evolink/' || to_char(at, 'YYYY/MM/DD') || '/' || task || '/' || index END,
    CASE WHEN status = 'archived' THEN md5(n::text) || md5(n::text) END,
    CASE WHEN status = 'archived' THEN 2000000 + n END, CASE WHEN status = 'archived' THEN
    (CASE WHEN n % 50021 = 0 THEN 'webp' WHEN n % 16 = 0 THEN 'jpeg' ELSE 'png' END) END, 1024,
    CASE WHEN n % 1000 = 0 THEN 1536 ELSE 1024 END,
    CASE WHEN status = 'archived' THEN at + interval '80 seconds' END, status = 'deleted' AND n < {IMAGES - 20_000},
    CASE WHEN n % 4 = 0 THEN 0 ELSE 2 END, CASE WHEN n % 1000 = 0 THEN at END, {_ALIKE}
FROM (SELECT 2 * n + index AS n, 'task-unified-' || lpad(n::text, 8, '0') AS task, index, {_AT} AS at,
    CASE WHEN n > {ENDED - FETCHING} THEN 'pending' WHEN n % 1499 = 0 THEN 'dead' WHEN n % 71 = 0 THEN 'deleted'
    ELSE 'archived' END AS status
    FROM generate_series(1, {ENDED}) AS n, generate_series(0, 1) AS index) AS rows
"""

_CALLBACKS = f"""
INSERT INTO callbacks (source, origin, task_id, body_sha256, body, bytes, headers, token_id, ref, tags, status,
    verdict, deliveries, received_at, last_received_at, cleared_at)
SELECT 'evolink', CASE WHEN n % 30 = 0 THEN 'poll' ELSE 'callback' END,
    CASE WHEN n % 300 = 0 THEN '' ELSE 'task-unified-' || lpad((n % {TASKS} + 1)::text, 8, '0') END, md5(n::text),
    CASE WHEN n > {CALLBACKS * 8 // 10} THEN decode(repeat('7b7d20', 120), 'hex') END, 360, '{{}}',
    'tok-' || n % {TOKENS}, 'order-' || n / 3, {_TAGS}, CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'completed' END,
    CASE WHEN n % 300 = 0 THEN 'unreadable' WHEN n % 211 = 0 THEN 'foreign' ELSE 'accepted' END, 1,
    {_AT.replace("126", "114")}, {_AT.replace("126", "114")},
    CASE WHEN n <= {CALLBACKS * 8 // 10} THEN timestamptz '2026-10-01' END
FROM generate_series(1, {CALLBACKS}) AS n
"""

_HISTORY = f"""
INSERT INTO history (task_id, at, origin, status, standing, effect, rank, callback_id)
SELECT 'task-unified-' || lpad(n::text, 8, '0'), {_AT}, 'callback', 'completed', 'hint',
    CASE WHEN step > 0 THEN 'decided' WHEN n % 4 = 0 THEN 'told' ELSE 'hint' END, 6, n
FROM generate_series(1, {TASKS}) AS n, generate_series(0, 2) AS step
"""

_CALLBACK_TOKENS = f"""
INSERT INTO callback_tokens (id, source, ref, tags, created_at, revoked_at)
SELECT 'tok-' || n, 'evolink', 'order-' || n, {_TAGS}, {_AT}, CASE WHEN n % 100 = 0 THEN {_AT} END
FROM generate_series(0, {TOKENS - 1}) AS n
"""

_SIGNED_LINKS = f"""
INSERT INTO signed_links (id, task_id, index, created_at)
SELECT 'link-' || n, 'task-unified-' || lpad((n * 3)::text, 8, '0'), n % 2, {_AT}
FROM generate_series(1, {TASKS // 4}) AS n
"""

_SEARCH = f"""
INSERT INTO search (seq, terms)
SELECT seq, array_to_tsvector(ARRAY['a', 'lighthouse', 'in', 'the', 'fog', 'number', seq::text, 'team'])
FROM tasks WHERE seq <= {TASKS}
"""

FILLS: Mapping[str, str] = {
    "tasks": _TASKS,
    "assets": _ASSETS,
    "search": _SEARCH,
    "callbacks": _CALLBACKS,
    "history": _HISTORY,
    "callback_tokens": _CALLBACK_TOKENS,
    "signed_links": _SIGNED_LINKS,
}
"""What fills each table, in the order in which they refer to each other."""


def task_id(number: int) -> str:
    return f"task-unified-{number:08}"
