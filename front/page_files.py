"""The files of a page, as they lie in its folder and in the one that all pages share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles

# Beside this room in a checkout and where the wheel installs it.
WEB = Path(__file__).resolve().parents[1] / "web"


class PageFiles(StaticFiles):
    """Each file with these headers."""

    def __init__(self, folder: str, *, headers: Mapping[str, str], html: bool = False) -> None:
        super().__init__(directory=WEB / folder, html=html, check_dir=False)
        self.all_directories = [*self.all_directories, WEB / "shared"]
        self._headers = headers

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        """As Starlette's."""
        response = super().file_response(*arguments, **options)
        response.headers.update(self._headers)
        return response
