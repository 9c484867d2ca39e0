"""案件: one case, with what may be decided now."""

from starlette.requests import Request
from starlette.responses import Response

from aftersales.desk.rendering import page, user_of


async def case_page(request: Request) -> Response:
    """Show a case."""
    case_id = "{process}/{own_id}".format(**request.path_params)
    seen = await request.app.state.services.cases.read(user_of(request), case_id)
    if seen is None:
        return page(request, "error.html", status=404, words=f"没有此案件 / no such case: {case_id}")
    return page(request, "case.html", case=seen)
