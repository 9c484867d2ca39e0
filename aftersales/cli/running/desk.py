"""``aftersales desk``: serve the desk, or write who may log in there."""

from typing import Annotated

import typer

from aftersales.cli.exit_status import run
from aftersales.desk.access.users import Role


def desk_command(
    host: Annotated[str | None, typer.Option(help="Address to listen on (AFTERSALES_DESK_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (AFTERSALES_DESK_PORT).")] = None,
    add_user: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Write a user with a password into AFTERSALES_DESK_ACCESS_FILE, and exit."),
    ] = None,
    role: Annotated[Role, typer.Option(help="What the user may do: 查看, 处理, 主管.")] = Role.HANDLE,
    shop: Annotated[
        list[str] | None, typer.Option(help="A shop whose cases the user sees; repeat it for more.  Default: all.")
    ] = None,
    limit: Annotated[str | None, typer.Option(help="Amount (CNY) up to which the user decides.  Default: any.")] = None,
) -> None:
    """Serve the desk, the page on which clerks work their cases, until Ctrl-C; or write a user who may log in there."""
    from aftersales.cli.running.running_desk import add_desk_user, serve_desk

    run(serve_desk(host, port) if add_user is None else add_desk_user(add_user, role, shop or [], limit))
