"""Operations that count."""

from service.domain.api_key import Scope
from service.web.answers.figures import FacetsDocument, StatsDocument
from service.web.costs import SPAN_PARAMETERS
from service.web.description.operation import Answer, Header, Operation, Tag
from service.web.export_query import EXPORT_PARAMETERS
from service.web.narrowing import ASSET_PARAMETERS, TASK_PARAMETERS

NOT_KEPT = (Header("Cache-Control", "`no-store`."),)

OPERATIONS = (
    Operation(
        "GET",
        "/v1/stats",
        "get_stats",
        Tag.FIGURES,
        Scope.READ,
        "How much there is, and what it cost",
        (Answer(200, "Of now; costs of the days that were asked for.", StatsDocument, headers=NOT_KEPT),),
        query=SPAN_PARAMETERS,
        refuses={400: ("invalid_span",)},
    ),
    Operation(
        "GET",
        "/v1/facets/tasks",
        "count_tasks",
        Tag.FIGURES,
        Scope.READ,
        "How tasks divide",
        (Answer(200, "How many the conditions find, and their most frequent values.", FacetsDocument),),
        query=TASK_PARAMETERS,
    ),
    Operation(
        "GET",
        "/v1/export",
        "export",
        Tag.FIGURES,
        Scope.READ,
        "Take it with you",
        (
            Answer(
                200,
                "All that the conditions find, as a stream; one that breaks off is an answer without its end. NDJSON: "
                "each line has the cursor to go on from, and the last one `next` and `count`, which a part lacks. "
                "CSV: each row has the cursor; a part looks like a whole, but for what follows its last row. "
                "ZIP: a part has no directory and cannot be opened; a whole one has `next` in `export.json`.",
                media=("application/x-ndjson", "text/csv", "application/zip"),
                headers=(
                    Header("Content-Disposition", "`attachment`, with a file's name."),
                    Header("Cache-Control", "`no-store`."),
                ),
            ),
        ),
        query=EXPORT_PARAMETERS,
    ),
    Operation(
        "GET",
        "/v1/facets/assets",
        "count_assets",
        Tag.FIGURES,
        Scope.READ,
        "How images divide",
        (Answer(200, "How many the conditions find, and their most frequent values.", FacetsDocument),),
        query=ASSET_PARAMETERS,
    ),
)
