"""Browser, system and device as the rules in the seed have them, against the ua-parser library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import ua_parser
from benches import Bench
from duckdb_file import rows
from projects import REAL_DATA
from records import make_event, make_song

from pipeline.console.display import Display
from pipeline.dbt.runner import Dbt
from pipeline.dbt.session import close_connections
from pipeline.load.load import load, plan_load
from pipeline.settings import LoadOptions
from pipeline.source.simulate import Simulation, simulate

WINDOWS_10 = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"

# What the simulator and the real log do not have: other times, other browsers.
OTHERS = [
    f"{WINDOWS_10} {WEBKIT} Chrome/124.0.0.0 Safari/537.36",
    f"{WINDOWS_10} {WEBKIT} Chrome/124.0.0.0 Safari/537.36 Edg/124.0.0.0",
    f"{WINDOWS_10} {WEBKIT} Chrome/64.0.3282.140 Safari/537.36 Edge/17.17134",
    f"{WINDOWS_10} {WEBKIT} Chrome/124.0.0.0 Safari/537.36 OPR/109.0.0.0",
    f"{WINDOWS_10} {WEBKIT} Chrome/122.0.0.0 Safari/537.36 Vivaldi/6.6.3271.57",
    f"{WINDOWS_10} {WEBKIT} Chrome/120.0.0.0 YaBrowser/24.1.0.0 Safari/537.36",
    f"{WINDOWS_10} {WEBKIT} HeadlessChrome/124.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:125.0) Gecko/20100101 Firefox/125.0",
    "Mozilla/5.0 (Windows NT 6.0; rv:20.0) Gecko/20100101 Firefox/20.0",
    "Mozilla/5.0 (Windows NT 6.1; rv:36.0) Gecko/20100101 Firefox/36.0 SeaMonkey/2.33",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)",
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1)",
    "Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.16",
    f"{MAC} {WEBKIT} Chrome/124.0.0.0 Safari/537.36",
    f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
    f"{IPHONE} Version/17.4 Mobile/15E148 Safari/604.1",
    f"{IPHONE} CriOS/124.0.6367.71 Mobile/15E148 Safari/604.1",
    f"{IPHONE} FxiOS/125.0 Mobile/15E148 Safari/605.1.15",
    f"{IPHONE} Mobile/15E148",
    "Mozilla/5.0 (iPad; CPU OS 8_0 like Mac OS X) AppleWebKit/600.1.4 (KHTML, like Gecko) Version/8.0 Mobile/12A365 "
    "Safari/600.1.4",
    "Mozilla/5.0 (iPod touch; CPU iPhone OS 7_1_2 like Mac OS X) AppleWebKit/537.51.2 (KHTML, like Gecko) Version/7.0 "
    "Mobile/11D257 Safari/9537.53",
    "Mozilla/5.0 (X11; Fedora; Linux x86_64; rv:32.0) Gecko/20100101 Firefox/32.0",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0",
    f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/124.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/124.0.0.0 Safari/537.36",
    "curl/8.5.0",
]
# Their devices are makers' model names, which the rules do not try to tell.
ANDROID = [
    f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/124.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 4.4.2; Nexus 5 Build/KOT49H) {WEBKIT} Chrome/36.0.1985.135 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 13; SM-S918B) {WEBKIT} SamsungBrowser/24.0 Chrome/117.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Android 14; Mobile; rv:125.0) Gecko/125.0 Firefox/125.0",
    f"Mozilla/5.0 (Linux; Android 10; Pixel 4) {WEBKIT} Chrome/124.0.0.0 Mobile Safari/537.36 OPR/76.2.4027.73374",
    f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/124.0.0.0 Mobile Safari/537.36 EdgA/124.0.0.0",
]

PLAYS = (
    "select user_agent, browser, browser_version, os, os_version, device, "
    "(select count(*) from songplays where songplays.user_agent_id = user_agents.user_agent_id) from user_agents"
)


def by_library(agent: str) -> tuple[Any, ...]:
    found = ua_parser.parse(agent)
    return (
        found.user_agent.family if found.user_agent else "Other",
        found.user_agent.major if found.user_agent else None,
        found.os.family if found.os else "Other",
        found.os.major if found.os else None,
        found.device.family if found.device else "Other",
    )


def build(bench: Bench, source: Path) -> list[tuple[Any, ...]]:
    plan = plan_load(bench.settings, str(source), LoadOptions())
    load(bench.settings, plan, bench.dbt, Display(quiet=True))
    Dbt(bench.settings).command("build", "--resource-type", "seed", "--resource-type", "model")
    close_connections()
    return rows(bench.settings.work_database, PLAYS)


def share_of_plays_in_agreement(found: list[tuple[Any, ...]]) -> float:
    agreed = sum(plays for agent, *parts, plays in found if tuple(parts) == by_library(agent))
    return agreed / sum(row[-1] for row in found)


def test_simulated_plays(bench: Bench, tmp_path: Path) -> None:
    simulate(tmp_path / "simulated", Simulation(events=5_000, users=200, songs=50))
    assert share_of_plays_in_agreement(build(bench, tmp_path / "simulated")) >= 0.99


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the real data is not beside this checkout")
def test_real_plays(bench: Bench) -> None:
    assert share_of_plays_in_agreement(build(bench, REAL_DATA)) >= 0.99


def test_agents_of_other_times(bench: Bench) -> None:
    events = [make_event(itemInSession=number, userAgent=agent) for number, agent in enumerate(OTHERS + ANDROID)]
    bench.put("log_data/1.json", *events)
    bench.put("song_data/A/1.json", make_song())
    found = {agent: tuple(parts) for agent, *parts, _ in build(bench, bench.source)}
    assert {agent: found[agent] for agent in OTHERS} == {agent: by_library(agent) for agent in OTHERS}
    assert {agent: found[agent][:4] for agent in ANDROID} == {agent: by_library(agent)[:4] for agent in ANDROID}
