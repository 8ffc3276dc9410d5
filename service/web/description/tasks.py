"""Operations on tasks."""

from service.domain.api_key import Scope
from service.web.answers.document import PageDocument
from service.web.answers.tasks import TaskDocument, TaskWithHistoryDocument
from service.web.description.operation import Answer, Body, Follow, Operation, Tag, first_of
from service.web.narrowing import TASK_PARAMETERS, TASK_SORT
from service.web.paging import PAGING
from service.web.tasks import HoldToPut, TagsToChange, TaskToTell

TASK_ID = {"id": "The provider's id of the task."}

_FOLLOW = (Follow("get_task", {"id": "$response.body#/id"}), Follow("retry_task", {"id": "$response.body#/id"}))

OPERATIONS = (
    Operation(
        "GET",
        "/v1/tasks",
        "list_tasks",
        Tag.TASKS,
        Scope.READ,
        "List tasks",
        (
            Answer(
                200,
                "Tasks with their images, the newest first.",
                PageDocument[TaskDocument],
                follow=(first_of("get_task"),),
            ),
        ),
        "Narrowed by as many conditions as you like, which all have to hold.",
        query=(*TASK_PARAMETERS, TASK_SORT, *PAGING),
    ),
    Operation(
        "POST",
        "/v1/tasks",
        "tell_task",
        Tag.TASKS,
        Scope.WRITE,
        "Tell of a task",
        (
            Answer(201, "It was not known; from now on it is watched.", TaskDocument, follow=_FOLLOW),
            Answer(200, "It was known: what was missing has been filled in, and nothing overwritten.", TaskDocument),
        ),
        "For a task that was submitted elsewhere, so that its images are kept with its prompt.",
        body=Body(
            TaskToTell,
            example={
                "id": "task-unified-1757165031-told",
                "prompt": "a lighthouse at dusk",
                "parameters": {"size": "1024x1536", "quality": "high"},
                "ref": "order-1234",
                "tags": {"team": "shop"},
            },
        ),
        refuses={400: ("invalid_task_id",)},
    ),
    Operation(
        "GET",
        "/v1/tasks/{id}",
        "get_task",
        Tag.TASKS,
        Scope.READ,
        "Look at a task",
        (Answer(200, "The task with its images and its history.", TaskWithHistoryDocument),),
        where=TASK_ID,
        refuses={404: ("task_not_found",)},
    ),
    Operation(
        "POST",
        "/v1/tasks/{id}/retry",
        "retry_task",
        Tag.TASKS,
        Scope.ADMIN,
        "Try again what is dead or waiting",
        (Answer(202, "It is tried; the task as it stands.", TaskWithHistoryDocument),),
        where=TASK_ID,
        refuses={404: ("task_not_found",), 409: ("nothing_to_retry", "nobody_to_ask")},
    ),
    Operation(
        "PATCH",
        "/v1/tasks/{id}/tags",
        "tag_task",
        Tag.TASKS,
        Scope.WRITE,
        "Set and remove tags of a task",
        (Answer(200, "The task with the tags that it has now.", TaskWithHistoryDocument),),
        "A merge patch (RFC 7396), also as `application/merge-patch+json`: tags that are not named stay.",
        where=TASK_ID,
        body=Body(TagsToChange, required=False, example={"season": "fall", "team": None}),
        refuses={404: ("task_not_found",), 409: ("too_many_tags",)},
    ),
    Operation(
        "PUT",
        "/v1/tasks/{id}/hold",
        "hold_task",
        Tag.TASKS,
        Scope.ADMIN,
        "Put a legal hold on a task",
        (Answer(200, "Nobody and no rule deletes its images now.", TaskWithHistoryDocument),),
        "Where there is a hold, only its reason changes.",
        where=TASK_ID,
        body=Body(HoldToPut, required=False, example={"reason": "claim 7 of 2026"}),
        refuses={404: ("task_not_found",)},
    ),
    Operation(
        "DELETE",
        "/v1/tasks/{id}/hold",
        "release_task",
        Tag.TASKS,
        Scope.ADMIN,
        "Take the hold off a task",
        (Answer(204, "There is none now."),),
        where=TASK_ID,
        refuses={404: ("task_not_found",)},
    ),
)
