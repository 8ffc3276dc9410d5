"""All operations, in the order of the document."""

from service.web.description import assets, callbacks, events, evolink, figures, keys, service, tasks
from service.web.description.operation import Operation, Tag

_IN_ORDER = list(Tag)

OPERATIONS: tuple[Operation, ...] = tuple(
    sorted(
        (
            one
            for module in (callbacks, tasks, assets, evolink, events, figures, keys, service)
            for one in module.OPERATIONS
        ),
        key=lambda one: _IN_ORDER.index(one.tag),
    )
)
