"""One image by its task and its index, for statements that are built once and executed with `this_asset`."""

import sqlalchemy as sa

from service.catalog.tables import assets

ONE_ASSET = (assets.c.task_id == sa.bindparam("its_task"), assets.c.index == sa.bindparam("its_index"))
"""Conditions; no column has the names of these parameters, which SQLAlchemy keeps for values."""


def this_asset(task_id: str, index: int) -> dict[str, object]:
    """What `ONE_ASSET` asks for."""
    return {"its_task": task_id, "its_index": index}
