"""Draw the README's pictures again, from running boards: `make pictures` writes docs/pictures.

live.svg: two boards in `nearhum live`, one of them with a ringing bearing. report.png: the report
of that board's log, if there is a browser.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from pathlib import Path

import browser
import synthetic
from nearhum_host.boards import board_files, deployment
from nearhum_host.boards.application import application
from nearhum_host.logs import pulling, seen
from nearhum_host.logs.following import Follower
from nearhum_host.report.live import Live
from nearhum_host.serial_line.link import Link
from nearhum_host.virtual import VirtualBoard

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SPEED = 8


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with (
            board(folder / "a", 1.4, "pump-north") as strange,
            board(folder / "b", 0.0, "pump-south") as sound,
        ):
            svg = asyncio.run(photographed([strange.path, sound.path]))
            (PICTURES / "live.svg").write_text(svg, encoding="utf-8")
            with Link(strange.path) as link:
                pulling.tell_time(link, link.ask("status"))
                pulled = pulling.pull(link, folder / "pump-north.nhl")
                seen.save(pulled.file, seen.look_at(link))
        page = folder / "report.html"
        page.write_text(page.report(pulled.file), encoding="utf-8")
        if browser.executable():
            with browser.browser() as running, browser.opened(running, page) as looked:
                looked.page.screenshot(path=PICTURES / "report.png")
    print(*sorted(PICTURES.glob("*")), sep="\n")


def board(folder: Path, fault: float, name: str) -> VirtualBoard:
    """Return a running board that learned a pump. With a fault, its bearing rings after a while."""
    card = synthetic.card(
        folder,
        (synthetic.hum(240, seed=1), "learn 240"),
        (synthetic.hum(420, seed=2), "~watch"),
        (synthetic.hum(500, fault=fault, seed=3), "~"),
        speed=SPEED,
    )
    running = VirtualBoard("rp2040", sd=card).start()
    with Link(running.path) as link:
        settings = {**synthetic.SETTINGS, "board": name}
        deployment.deploy(
            link, application(board_files.load("virtual"), settings), lambda done, of: None
        )
    return running


async def photographed(ports: list[str]) -> str:
    """Return the picture of the live view, taken when the first board has been in alarm for a
    while.
    """
    app = Live([Follower(port) for port in ports])
    async with app.run_test(size=(132, 44)) as pilot:
        end = time.monotonic() + 240
        first = app.followers[0].followed
        while not (first.status.get("alarm") and first.status.get("n_windows", 0) > 720):
            assert time.monotonic() < end, "no alarm came"
            await pilot.pause(0.2)
        await pilot.pause(1)
        svg = app.export_screenshot(title="nearhum live")
    # Without @font-face the picture loads nothing, and uses the reader's fonts.
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.S)


if __name__ == "__main__":
    main()
