"""Test the report in a real browser: no requests, no errors, no sideways scrolling, legible."""

import re
from pathlib import Path

import browser
import pytest
from host.report.test_report import EVIL, journal
from host.report.test_report_words import told
from nearhum_host.logs import seen
from nearhum_host.report import page

LABELS = "first,last,label\n1000,1499,normal\n1500,1599,fault\n1600,2999,normal\n"
# contrast of WCAG 2.2, 1.4.3: text of this size against what is behind it
LEAST_CONTRAST = 4.5

pytestmark = pytest.mark.skipif(
    browser.executable() is None, reason="no Chromium: apt-get install chromium"
)


@pytest.fixture(scope="module")
def chromium():
    with browser.browser() as running:
        yield running


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    """Reports of an ordinary log with labels, of one whose label is hostile and long, and of a long
    one.
    """
    folder = tmp_path_factory.mktemp("pages")
    labels = folder / "labels.csv"
    labels.write_text(LABELS)
    logs = {
        "plain": journal(),
        "hostile": journal(label=EVIL + "x" * 400 + " ‮ &amp; '\""),
        "long": journal(60_000, 1000, tuple((2000 + 500 * i, 2020 + 500 * i) for i in range(110))),
    }
    out = {}
    for name, raw in logs.items():
        (folder / f"{name}.nhl").write_bytes(raw)
        seen.save(folder / f"{name}.nhl", told([10, -20, 120], [10, -20, 8], [2, 2, 1]))
        out[name] = folder / f"{name}.html"
        out[name].write_text(
            page.report(folder / f"{name}.nhl", labels if name == "plain" else None), "utf-8"
        )
    return out


CASES = [("plain", size, scheme) for size in browser.SIZES for scheme in browser.SCHEMES]


@pytest.mark.parametrize(
    ("name", "size", "scheme"), [*CASES, ("hostile", "phone", "light"), ("long", "phone", "dark")]
)
def test_it_opens_without_a_word_and_fits(chromium, pages, name, size, scheme):
    with browser.opened(chromium, pages[name], size, scheme) as looked:
        for details in looked.page.locator("summary").all():
            details.click()
        assert looked.complaints == []
        wide, window = looked.widths()
        assert wide <= window
        shown = looked.page.locator("svg.chart:visible").all()
        assert shown
        for chart in shown:
            box = chart.bounding_box()
            assert box is not None
            assert box["width"] > 0.5 * min(window, 360) or name == "plain"
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= window


@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_tables_stay_within_their_cards_on_a_telephone(chromium, pages, name):
    with browser.opened(chromium, pages[name], "phone") as looked:
        for details in looked.page.locator("summary").all():
            details.click()
        assert looked.page.locator("table.apart").is_visible()
        assert looked.page.locator("table.events").is_visible()
        beyond = looked.page.evaluate(
            """() => [...document.querySelectorAll('section table:not(.confusion)')].map(table => {
              const card = table.closest('section'), style = getComputedStyle(card);
              const edge = card.getBoundingClientRect().right - parseFloat(style.paddingRight);
              return [table.className, table.getBoundingClientRect().right - edge];
            }).filter(([_, over]) => over > 1.5)"""
        )
        assert beyond == []


@pytest.mark.parametrize("size", browser.SIZES)
def test_the_verdict_comes_first(chromium, pages, size):
    with browser.opened(chromium, pages["plain"], size) as looked:
        box = looked.page.locator(".verdict").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < browser.SIZES[size][1]  # seen without scrolling
        assert looked.page.locator(".verdict h2").inner_text() == "Normal now, after 2 alarms"


@pytest.mark.parametrize("scheme", browser.SCHEMES)
def test_text_stands_out_from_what_is_behind_it(chromium, pages, scheme):
    """Every text of the page against the background it lies on, in both schemes."""
    with browser.opened(chromium, pages["plain"], "desk", scheme) as looked:
        found = looked.page.evaluate(
            """() => [...document.querySelectorAll(
              'p, h1, h2, td, th, li, span, strong, figcaption, svg text')]
            .filter(e => e.textContent.trim() && e.getClientRects().length).map(e => {
              const s = getComputedStyle(e);
              let b = e;
              while (b && getComputedStyle(b).backgroundColor === 'rgba(0, 0, 0, 0)')
                b = b.parentElement;
              return [e.textContent.trim().slice(0, 30),
                      e.namespaceURI.endsWith('svg') ? s.fill : s.color,
                      getComputedStyle(b || document.body).backgroundColor];
            })"""
        )
    assert len(found) > 50
    for text, front, behind in found:
        if behind.startswith("rgb("):  # a mixed colour of the confusion table is none
            assert contrast(front, behind) >= LEAST_CONTRAST, (text, front, behind)


def contrast(front: str, behind: str) -> float:
    """Return the contrast of two CSS colours, 1 to 21: WCAG 2.2, relative luminance."""

    def luminance(colour: str) -> float:
        parts = [int(v) / 255 for v in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (
            v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(front), luminance(behind)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_it_prints_on_paper(chromium, pages):
    with browser.opened(chromium, pages["plain"], "desk", "dark") as looked:
        looked.page.emulate_media(media="print")
        behind = looked.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert behind == "rgb(255, 255, 255)"
        pdf = looked.page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 8
