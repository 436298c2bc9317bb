"""Every page of the docs folder in a Chromium whose network is off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, chromium, needs_chromium
from projects import Project, a_copy

pytestmark = needs_chromium

WIDTHS = (1400, 390)
PAGES = ("index.html", "report.html", "erd.html", "lineage.html")


@pytest.fixture(scope="module")
def folder(sample: Project) -> Path:
    return sample.root / "sparkify_docs"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page


def assert_is_clean(browser: Browser, path: Path) -> None:
    """No error, and nothing asked for but the file itself and what it carries."""
    assert browser.errors == []
    outside = [url for url in browser.requests if not url.startswith(("data:", "blob:", path.as_uri()))]
    assert outside == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_from_disk_without_error_or_request(browser: Browser, folder: Path, name: str, width: int) -> None:
    browser.open(folder / name, width=width)
    assert_is_clean(browser, folder / name)
    assert browser.evaluate("document.body.innerText.trim().length") > 200
    assert not browser.evaluate(
        "[...document.images].some(image => image.complete && !image.naturalWidth && image.src)"
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_chart_is_blank_or_wider_than_the_page(browser: Browser, folder: Path, width: int, dark: bool) -> None:
    browser.open(folder / "report.html", width=width, dark=dark)
    charts = browser.evaluate(
        """[...document.querySelectorAll("figure[data-chart]")].map(figure => {
            const drawing = figure.querySelector("svg");
            if (!drawing) return [figure.dataset.chart, 0, 0, 0, ""];
            const box = drawing.getBoundingClientRect();
            const marks = [...drawing.querySelectorAll(".mark-rect path, .mark-line path, .mark-area path")]
                .filter(mark => { const size = mark.getBoundingClientRect(); return size.width > 1 && size.height > 1; });
            return [figure.dataset.chart, marks.length, box.width, box.height, figure.getAttribute("aria-label") || ""];
        })"""
    )
    assert len(charts) == 18
    for name, marks, wide, high, label in charts:
        assert marks >= 2, name
        assert 250 < wide <= width, name
        assert high > 80, name
        assert len(label) > 60, name
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    ground = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 24, 29)" if dark else "rgb(255, 255, 255)")
    assert_is_clean(browser, folder / "report.html")


def test_the_report_prints_light_and_whole(browser: Browser, folder: Path) -> None:
    browser.open(folder / "report.html", dark=True)
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert browser.evaluate("getComputedStyle(document.querySelector('article footer')).display") == "none"
        printed = browser.call("Page.printToPDF", printBackground=True)
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")
    assert len(printed["data"]) > 50_000


def test_the_diagram_has_every_table_key_and_join(browser: Browser, folder: Path) -> None:
    browser.open(folder / "erd.html")
    drawn = browser.evaluate("[...document.querySelectorAll('.drawing svg .node title')].map(node => node.textContent)")
    assert set(drawn) == {
        "stg_events", "stg_songs", "songplays", "users", "songs", "artists", "time", "dates", "user_levels", "sessions",
        "user_agents",
    }  # fmt: skip
    joins = browser.evaluate("[...document.querySelectorAll('.joins tbody tr')].map(row => row.innerText.trim())")
    assert "songplays.song_id\tsongs.song_id" in joins
    edges = browser.evaluate(
        "[...document.querySelectorAll('.drawing svg .edge path')].filter(path => path.getTotalLength() > 20).length"
    )
    assert edges == len(joins) == 8
    keys = browser.evaluate(
        """[...document.querySelectorAll('.drawing svg .node')].flatMap(node => {
            const texts = [...node.querySelectorAll('text')].map(text => text.textContent.trim());
            return texts.flatMap((text, at) => text === "PK" ? [texts[0] + "." + texts[at + 1]] : []);
        })"""
    )
    assert set(keys) == {
        "stg_events.event_id", "stg_songs.song_id", "songplays.songplay_id", "users.user_id", "songs.song_id",
        "artists.artist_id", "time.start_time", "dates.date_day", "user_levels.user_id", "user_levels.valid_from",
        "sessions.session_key", "user_agents.user_agent_id",
    }  # fmt: skip
    columns = browser.evaluate("document.querySelector('.drawing svg').textContent")
    assert all(name in columns for name in ("item_in_session", "heard_song_id", "is_catalogued", "valid_from"))


def test_lineage_shows_where_the_plays_come_from(browser: Browser, folder: Path) -> None:
    browser.open(folder / "lineage.html")
    nodes = browser.evaluate("[...document.querySelectorAll('.react-flow__node')].map(node => node.innerText)")
    names = {node.split("\n")[0] for node in nodes}
    assert {"songplays", "stg_events", "staging_events", "int_heard_songs"} <= names
    assert browser.evaluate("document.querySelectorAll('.react-flow__edge path').length") >= 10


def test_the_docs_site_begins_with_our_overview(browser: Browser, folder: Path) -> None:
    browser.open(folder / "index.html")
    text = browser.evaluate("document.querySelector('.app-content').innerText")
    assert "Sparkify's data warehouse" in text
    assert "to 1 December 2018, 00:30 UTC" in text
    assert "8,488 plays in all" in text
    assert "10. How many plays are of songs in the catalogue?" in text
    assert "analytics.weekly_song_plays" in text
    assert "[freshness]" not in text
    assert "{{ ref" not in text
    # The lineage graph of dbt's own site.
    browser.open(folder / "index.html", fragment="#!/model/model.sparkify.songplays?g_v=1")
    assert browser.evaluate("document.querySelectorAll('canvas').length") >= 1
    assert "One row per play" in browser.evaluate("document.body.innerText")
    assert_is_clean(browser, folder / "index.html")


@pytest.mark.parametrize("name", PAGES)
def test_pages_lead_to_each_other_and_to_models_that_there_are(browser: Browser, folder: Path, name: str) -> None:
    browser.open(folder / name)
    links = browser.evaluate("[...document.querySelectorAll('a[href]')].map(link => link.getAttribute('href'))")
    links += browser.evaluate(
        "[...document.querySelectorAll('svg a')].map(link => link.getAttribute('xlink:href') || '')"
    )
    local = {link for link in links if link and ":" not in link and not link.startswith(("#", "/"))}
    files = {link.partition("#")[0].partition("?")[0] for link in local} - {""}
    assert files >= ({"index.html", "report.html"} - {name})
    assert all((folder / file).exists() for file in files)
    known = (folder / "index.html").read_text(encoding="utf-8")
    models = {link.partition("#!/model/")[2] for link in links if "#!/model/" in link}
    assert all(f'"{model}"' in known for model in models if model.startswith("model.sparkify"))


def test_an_outdated_diagram_goes_with_the_next_run(sample: Project, tmp_path: Path) -> None:
    project = a_copy(sample, tmp_path)
    diagram = project.root / "sparkify_docs/erd.html"
    assert diagram.exists()
    model = project.root / "models/marts/users.sql"
    model.write_text(model.read_text() + "\n-- changed\n")
    assert project.invoke("run", "-q").returncode == 0
    assert not diagram.exists()
    assert "erd.html" not in diagram.with_name("report.html").read_text(encoding="utf-8")
