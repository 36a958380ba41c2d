"""A real browser without a window: open a page, and report what goes wrong.

It is Debian's chromium or chromium-headless-shell, or what NEARHUM_CHROMIUM names, driven by
playwright. `python tests/browser.py PAGE.html STEM` takes pictures of a page in light and dark, on
a desktop and on a phone.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")


def executable() -> str | None:
    """Return the browser to use, None if there is none."""
    named = os.environ.get("NEARHUM_CHROMIUM")
    return (
        shutil.which(named)
        if named
        else next((found for name in NAMES if (found := shutil.which(name))), None)
    )


@dataclass
class Looked:
    """An open page.

    complaints: messages of the console, errors of scripts, requests for anything but the file
        itself.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)

    def widths(self) -> tuple[int, int]:
        """Return (width of the content, width of the window). One must scroll sideways if the first
        is larger.
        """
        wide, window = self.page.evaluate(
            "[document.documentElement.scrollWidth, window.innerWidth]"
        )
        return int(wide), int(window)


@contextmanager
def browser() -> Iterator[Browser]:
    """Run the browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium's sandbox does not work for root in a container. The pages are our own.
        running = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        try:
            yield running
        finally:
            running.close()


@contextmanager
def opened(
    running: Browser, file: Path, size: str = "desk", scheme: str = "light"
) -> Iterator[Looked]:
    """Open a file in a window of that size and colour scheme."""
    width, height = SIZES[size]
    dark = "dark" if scheme == "dark" else "light"
    context = running.new_context(viewport={"width": width, "height": height}, color_scheme=dark)
    page = context.new_page()
    looked = Looked(page)
    url = file.resolve().as_uri()
    page.on("console", lambda message: looked.complaints.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: looked.complaints.append(f"error: {error}"))
    page.on(
        "request", lambda r: None if r.url == url else looked.complaints.append(f"request: {r.url}")
    )
    try:
        page.goto(url)
        yield looked
    finally:
        context.close()


def photograph(file: Path, stem: Path) -> list[Path]:
    """Write a picture of the whole page in each size and scheme. Returns the files."""
    out = []
    with browser() as running:
        for size in SIZES:
            for scheme in SCHEMES:
                with opened(running, file, size, scheme) as looked:
                    out.append(stem.with_name(f"{stem.name}-{size}-{scheme}.png"))
                    looked.page.screenshot(path=out[-1], full_page=True)
    return out


if __name__ == "__main__":
    print(*photograph(Path(sys.argv[1]), Path(sys.argv[2])), sep="\n")
