"""The fastest plain script for such a star that we found, which the warehouse is compared with.

It trusts its input: it checks and repairs nothing and keeps no ledger, counts an event that is delivered twice twice,
and gives plays of songs outside the catalogue no song.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import duckdb

EVENTS = """{artist: 'varchar', auth: 'varchar', "firstName": 'varchar', gender: 'varchar', "itemInSession": 'integer',
"lastName": 'varchar', length: 'double', level: 'varchar', location: 'varchar', page: 'varchar', registration: 'double',
"sessionId": 'bigint', song: 'varchar', ts: 'bigint', "userAgent": 'varchar', "userId": 'varchar'}"""
SONGS = """{artist_id: 'varchar', artist_latitude: 'double', artist_location: 'varchar', artist_longitude: 'double',
artist_name: 'varchar', duration: 'double', song_id: 'varchar', title: 'varchar', year: 'integer'}"""

STAR = """
create table songplays as
select
    md5(e."userId" || '-' || e."sessionId" || '-' || e."itemInSession" || '-' || e.ts) as songplay_id,
    make_timestamp(e.ts * 1000) as start_time, e."userId"::bigint as user_id, e.level, s.song_id, s.artist_id,
    e."sessionId" as session_id, e.location, e."userAgent" as user_agent
from events as e
left join songs_landed as s on e.song = s.title and e.artist = s.artist_name and abs(e.length - s.duration) < 0.01
where e.page = 'NextSong';
create table users as
select "userId"::bigint as user_id, arg_max("firstName", ts) as first_name, arg_max("lastName", ts) as last_name,
    arg_max(gender, ts) as gender, arg_max(level, ts) as level
from events where "userId" <> '' group by all;
create table songs as select distinct on (song_id) song_id, title, artist_id, year, duration from songs_landed;
create table artists as
select distinct on (artist_id) artist_id, artist_name, artist_location, artist_latitude, artist_longitude
from songs_landed;
create table time as
select distinct start_time, hour(start_time) as hour, day(start_time) as day, week(start_time) as week,
    month(start_time) as month, year(start_time) as year, dayofweek(start_time) as weekday
from songplays;
"""


def main(source: Path, database: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(str(database)) as connection:
        together = Path(folder, "songs.ndjson")
        with together.open("wb") as file:
            for path in source.glob("song_data/*/*/*/*.json"):
                file.write(path.read_bytes() + b"\n")
        connection.execute("set preserve_insertion_order = false")
        for name, pattern, columns in (
            ("songs_landed", together, SONGS),
            ("events", source / "log_data/*/*/*.json", EVENTS),
        ):
            connection.execute(
                f"create table {name} as select * from "
                f"read_json('{pattern}', format = 'newline_delimited', columns = {columns})"
            )
        connection.execute(STAR)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
