"""What is said before the operations: of keys, lists, errors and times. Markdown of paragraphs and code alone."""

ABOUT = """\
Darkroom takes the callbacks of an image API whose links expire, fetches the images at once, and keeps them with their \
metadata for ever after.

**Lists** answer `{"items": […], "next": cursor or null}`. Ask for the next page with `cursor`, and for up to 200 \
items with `limit`. A page that was begun is not shifted by what arrives meanwhile.

**Errors** are `application/problem+json` (RFC 9457); `code` is stable, `detail` is for people. A path that does not \
exist is 404 `not_found`, a method that it has not is 405 `method_not_allowed` with `Allow`, and what goes wrong here \
is 500 `internal_error`. What `/evolink` answers has the provider's own shapes.

**Times** are RFC 3339 in UTC. A time that you give needs its offset. What answers GET answers HEAD, too. More members \
may come to answers: take no notice of those you do not know.
"""

KEY_ABOUT = """\
`Authorization: Bearer KEY`. Each operation names the scope that it needs: `read`, `write`, which may all that `read` \
may, or `admin`, which may everything. Addresses that fail too often are answered 429 for a while.
"""
