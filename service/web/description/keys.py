"""Operations on API keys, and the trail of who changed what."""

from service.domain.api_key import Scope
from service.web.answers.document import PageDocument
from service.web.answers.keys import AuditEntryDocument, KeyDocument, KeysDocument, NewKeyDocument, SettingKeyDocument
from service.web.api_keys import KeyToMake
from service.web.audit import AUDIT_PARAMETERS
from service.web.description.figures import NOT_KEPT
from service.web.description.operation import Answer, Body, Follow, Operation, Tag
from service.web.paging import PAGING

KEY_ID = {"id": "The key's id."}

_MADE = (Follow("get_key", {"id": "$response.body#/id"}), Follow("revoke_key", {"id": "$response.body#/id"}))

OPERATIONS = (
    Operation(
        "GET",
        "/v1/keys",
        "list_keys",
        Tag.KEYS,
        Scope.ADMIN,
        "List keys",
        (Answer(200, "Keys without themselves.", KeysDocument),),
        query=PAGING,
    ),
    Operation(
        "POST",
        "/v1/keys",
        "make_key",
        Tag.KEYS,
        Scope.ADMIN,
        "Make a key",
        (Answer(201, "The key, which nothing shows again.", NewKeyDocument, headers=NOT_KEPT, follow=_MADE),),
        "`name` and `scopes` are needed unless it `replaces` another, which then ends `overlap` seconds later. "
        "`expires_in` is in seconds.",
        body=Body(KeyToMake, example={"name": "shop", "scopes": ["write"], "expires_in": 31536000, "note": "the shop"}),
        refuses={
            400: ("invalid_key_name", "invalid_scopes"),
            403: ("beyond_own_scopes",),
            404: ("key_not_found",),
            409: ("key_name_taken", "last_admin_key", "too_many_keys"),
        },
    ),
    Operation(
        "GET",
        "/v1/keys/{id}",
        "get_key",
        Tag.KEYS,
        Scope.ADMIN,
        "Look at a key",
        (
            Answer(
                200,
                "A key without itself; of one of the settings only its name and scopes.",
                KeyDocument | SettingKeyDocument,
            ),
        ),
        where=KEY_ID,
        refuses={404: ("key_not_found",)},
    ),
    Operation(
        "DELETE",
        "/v1/keys/{id}",
        "revoke_key",
        Tag.KEYS,
        Scope.ADMIN,
        "Revoke a key",
        (Answer(204, "Here it is refused from now on, by other processes within seconds."),),
        where=KEY_ID,
        refuses={404: ("key_not_found",), 409: ("key_of_setting", "last_admin_key")},
    ),
    Operation(
        "GET",
        "/v1/audit",
        "list_changes",
        Tag.KEYS,
        Scope.ADMIN,
        "Who changed what",
        (Answer(200, "Changes, the newest first.", PageDocument[AuditEntryDocument]),),
        query=(*AUDIT_PARAMETERS, *PAGING),
    ),
)
