"""待办: the open cases, the most urgent first."""

from starlette.requests import Request
from starlette.responses import Response

from aftersales.desk.rendering import page
from aftersales.desk.waiting import waiting_cases


async def home(request: Request) -> Response:
    """Show the open cases that the user sees."""
    services = request.app.state.services
    return page(request, "home.html", rows=await waiting_cases(services, request.state.user))
