"""Which direct route a request is for, found by the look of its path."""

from collections.abc import Iterable, Iterator
from typing import Final

from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.convertors import PathConvertor
from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from services.chassis.routes import DirectRoute

# Where the last segment is a parameter.
_ANY_END: Final = ""


class RouteIndex:
    """Finds a direct route; every other request goes to the router.

    The router asks one route after the other, which with forty of them costs a command a third of
    its way to the handler. Here as there, the first of several routes that match counts.
    """

    def __init__(self, router: Router) -> None:
        self._router = router
        # FastAPI's own way of answering wants this around it.
        self._otherwise: ASGIApp = AsyncExitStackMiddleware(router)
        self._candidates: dict[tuple[str, int, str], list[Route]] = {}
        routes = list(_with_one_look(router.routes))
        looks = {_look(route.path) for route in routes}
        for route in routes:
            for look in looks:
                if _may_match(route, look):
                    for method in route.methods or ():
                        self._candidates.setdefault((method, *look), []).append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the direct route for the request, if there is one."""
        route = self._find(scope) if scope["type"] == "http" else None
        if route is None:
            await self._otherwise(scope, receive, send)
        else:
            await route.app(scope, receive, send)

    def _find(self, scope: Scope) -> DirectRoute | None:
        """The route, after what a router notes of it in the scope."""
        method, (segments, end) = scope["method"], _look(scope["path"])
        candidates = self._candidates.get((method, segments, end))
        if candidates is None:
            candidates = self._candidates.get((method, segments, _ANY_END), [])
        for route in candidates:
            match, noted = route.matches(scope)
            if match is Match.FULL:
                if not (isinstance(route, DirectRoute) and route.is_direct):
                    return None
                scope.update(noted, router=self._router)
                return route
        return None


def _with_one_look(routes: Iterable[BaseRoute]) -> Iterator[Route]:
    """The routes before the first one whose paths may have any number of segments."""
    for route in routes:
        if not isinstance(route, Route) or _spans_segments(route):
            return
        yield route


def _spans_segments(route: Route) -> bool:
    return any(isinstance(each, PathConvertor) for each in route.param_convertors.values())


def _look(path: str) -> tuple[int, str]:
    """How many segments a path or a template has, and the last one if it is not a parameter."""
    # As in Starlette, whose expressions end in `$`, a line break at the end does not count.
    end = path.rpartition("/")[2].removesuffix("\n")
    return path.count("/"), _ANY_END if "{" in end else end


def _may_match(route: Route, look: tuple[int, str]) -> bool:
    segments, end = _look(route.path)
    return segments == look[0] and end in {look[1], _ANY_END}
