"""The methods that a path takes, as OPTIONS tells them."""

from litestar import Litestar
from litestar.enums import HttpMethod
from litestar.routes import HTTPRoute


def tell(app: Litestar) -> None:
    """Have OPTIONS tell all methods of each path.

    Where two handlers share a path, Litestar makes its route anew for the second one and keeps
    the handler of OPTIONS that knows of the first one alone.
    """
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            told = route.create_options_handler(route.path)
            told.owner = app
            told.on_registration(app)
            model = told.create_kwargs_model(path_parameters=route.path_parameters)
            route.route_handler_map[HttpMethod.OPTIONS.value] = (told, model)
