"""Operations on images, their bytes, and links to them."""

from service.domain.api_key import Scope
from service.domain.asset import AssetStatus
from service.web.answers.assets import AssetDocument, LinkDocument, SignedLinkDocument, SimilarDocument
from service.web.answers.document import PageDocument
from service.web.assets import LinkToSign
from service.web.content import DOWNLOAD
from service.web.description.operation import IMAGES, Answer, Body, Follow, Header, Operation, Tag, first_of
from service.web.narrowing import ASSET_PARAMETERS, ASSET_SORT
from service.web.paging import PAGING
from service.web.parameters import Parameter
from service.web.similar import DISTANCE
from service.web.thumbnail import MEDIA_TYPE, SIZE, THUMBNAIL

ASSET_ID = {"id": "The image's id: the task's, a dot, and the index."}

_RANGE = Parameter("Range", "One range of bytes.")
_CONDITIONS = (
    Parameter("If-None-Match", "Answered 304 where the bytes are these."),
    Parameter("If-Modified-Since", "Answered 304 where they were archived before."),
    Parameter("If-Match", "Answered 412 where the bytes are others."),
    Parameter("If-Unmodified-Since", "Answered 412 where they were archived since."),
)
_IF_RANGE = Parameter("If-Range", "`Range` counts only where the bytes are these.")

_ETAG = Header("ETag", "The SHA-256 of the bytes, in quotes.")
_CACHED = (Header("Cache-Control", "How long it may be kept."), Header("Last-Modified", "When it was archived.", False))
_NAMED = Header("Content-Disposition", "`inline` or `attachment`, with a file's name.")
_PART = Header("Content-Range", "Which bytes of how many.")
_NOT_MODIFIED = Answer(304, "The bytes are those that you have.", headers=(_ETAG, *_CACHED))
_BYTES = (
    Answer(200, "The bytes as received.", media=IMAGES, headers=(_ETAG, *_CACHED, _NAMED)),
    Answer(206, "A part of them.", media=IMAGES, headers=(_ETAG, *_CACHED, _NAMED, _PART)),
    _NOT_MODIFIED,
)
_NO_BYTES = {
    404: ("asset_not_found", "asset_dead"),
    409: ("asset_pending",),
    410: ("asset_deleted",),
}
_STATES = f"It is one that is `{AssetStatus.ARCHIVED}`."

OPERATIONS = (
    Operation(
        "GET",
        "/v1/assets",
        "list_assets",
        Tag.ASSETS,
        Scope.READ,
        "List images",
        (
            Answer(
                200,
                "Images, the newest first unless `sort` says otherwise.",
                PageDocument[AssetDocument],
                follow=(first_of("get_asset"), first_of("get_content")),
            ),
        ),
        "Narrowed by as many conditions as you like, which all have to hold.",
        query=(*ASSET_PARAMETERS, ASSET_SORT, *PAGING),
    ),
    Operation(
        "GET",
        "/v1/assets/{id}",
        "get_asset",
        Tag.ASSETS,
        Scope.READ,
        "Look at an image",
        (Answer(200, "What is known of it.", AssetDocument),),
        where=ASSET_ID,
        refuses={404: ("asset_not_found",)},
    ),
    Operation(
        "DELETE",
        "/v1/assets/{id}",
        "delete_asset",
        Tag.ASSETS,
        Scope.ADMIN,
        "Delete an image for good",
        (Answer(204, "It is gone, and nothing brings it back; the bytes follow at once."),),
        where=ASSET_ID,
        refuses={404: ("asset_not_found",), 409: ("task_held",)},
    ),
    Operation(
        "GET",
        "/v1/assets/{id}/content",
        "get_content",
        Tag.ASSETS,
        Scope.READ,
        "Get the bytes",
        (
            *_BYTES,
            Answer(
                307,
                "Where the bucket gives them, for five minutes; with `DARKROOM_STORAGE__REDIRECT`.",
                headers=(Header("Location", "A URL that takes no key."),),
            ),
        ),
        _STATES,
        where=ASSET_ID,
        query=(DOWNLOAD,),
        strict_query=False,
        headers=(_RANGE, _IF_RANGE, *_CONDITIONS),
        refuses={**_NO_BYTES, 412: ("precondition_failed",), 416: ("range_not_satisfiable", "several_ranges")},
    ),
    Operation(
        "GET",
        "/v1/assets/{id}/thumbnail",
        "get_thumbnail",
        Tag.ASSETS,
        Scope.READ,
        "Get a small picture",
        (
            Answer(
                200,
                "A WebP; where the image cannot be read a placeholder, which says why in `Darkroom-Placeholder`.",
                media=(MEDIA_TYPE,),
                headers=(
                    Header("Darkroom-Derived-From", "`sha256:` and the hash of the image."),
                    Header("Darkroom-Placeholder", "Why there is no thumbnail.", always=False),
                    Header("ETag", "The SHA-256 of the thumbnail, in quotes.", always=False),
                    *_CACHED,
                    _NAMED,
                ),
            ),
            _NOT_MODIFIED,
        ),
        _STATES,
        where=ASSET_ID,
        query=(SIZE,),
        headers=_CONDITIONS,
        refuses={**_NO_BYTES, 412: ("precondition_failed",)},
    ),
    Operation(
        "GET",
        "/v1/assets/{id}/similar",
        "list_similar",
        Tag.ASSETS,
        Scope.READ,
        "Find what looks like it",
        (Answer(200, "At most 100 archived images, the nearest first.", SimilarDocument),),
        _STATES,
        where=ASSET_ID,
        query=(DISTANCE,),
        refuses={404: ("asset_not_found",), 409: ("no_perceptual_hash",)},
    ),
    Operation(
        "GET",
        "/v1/assets/{id}/links",
        "list_links",
        Tag.ASSETS,
        Scope.READ,
        "List the signed links to an image",
        (Answer(200, "Links, the newest first.", PageDocument[LinkDocument]),),
        where=ASSET_ID,
        query=PAGING,
        refuses={404: ("asset_not_found",)},
    ),
    Operation(
        "POST",
        "/v1/assets/{id}/links",
        "sign_link",
        Tag.ASSETS,
        Scope.WRITE,
        "Sign a link to an image",
        (
            Answer(
                201,
                "The link, for `<img>` and for people without a key.",
                SignedLinkDocument,
                follow=(
                    Follow("revoke_link", {"id": "$response.body#/asset_id", "link": "$response.body#/id"}),
                    Follow("list_links", {"id": "$response.body#/asset_id"}),
                ),
            ),
        ),
        _STATES,
        where=ASSET_ID,
        body=Body(LinkToSign, required=False, example={"expires_in": 86400}),
        refuses=_NO_BYTES,
    ),
    Operation(
        "DELETE",
        "/v1/assets/{id}/links/{link}",
        "revoke_link",
        Tag.ASSETS,
        Scope.ADMIN,
        "Revoke a signed link",
        (Answer(204, "It opens nothing any more."),),
        where={**ASSET_ID, "link": "The link's id."},
        refuses={404: ("asset_not_found", "link_not_found")},
    ),
    Operation(
        "GET",
        "/a/{token}",
        "open_link",
        Tag.ASSETS,
        None,
        "Open a signed link",
        _BYTES,
        "The bytes, or with `thumbnail` a small picture of them. A wrong, expired or revoked link looks like none.",
        where={"token": "What was signed."},
        query=(THUMBNAIL, DOWNLOAD),
        strict_query=False,
        headers=(_RANGE, _IF_RANGE, *_CONDITIONS),
        refuses={
            404: ("link_not_found", "asset_dead"),
            409: ("asset_pending",),
            412: ("precondition_failed",),
            416: ("range_not_satisfiable", "several_ranges"),
            503: ("unavailable",),
        },
    ),
)
