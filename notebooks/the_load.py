import marimo

app = marimo.App(width="medium", app_title="The load")


@app.cell
def _():
    import json

    import marimo as mo

    from door.notebook import open_warehouse
    from pipeline.site.pages import text_on_page

    return json, mo, open_warehouse, text_on_page


@app.cell
def _(mo):
    mo.md("""
    # From a file to a row

    What happens to one play on its way from the bucket to `songplays`. The steps are the same on both engines; Redshift
    reads the files with COPY, DuckDB with read_json.
    """)
    return


@app.cell
def _(open_warehouse):
    warehouse = open_warehouse()
    return (warehouse,)


@app.cell
def _(mo, warehouse):
    mo.md(f"""
    ## The files in the source

    Song files hold one JSON object each, in folders named after letters of the track id. Log files hold one object per
    line, with one file per day. The ledger lists every loaded file with its size and the hash of its bytes.

    {
        warehouse.table(
            "select table_name, count(*) as files, sum(row_count) as records, sum(size_bytes) as bytes, "
            "min(file_key) as first_file, max(file_key) as last_file from load_history where status = 'loaded' "
            "group by table_name order by table_name"
        )
    }
    """)
    return


@app.cell
def _(warehouse):
    play = warehouse.rows(
        "select songplay_id, user_id, session_id, item_in_session, start_time, song_id, load_id from songplays "
        "order by start_time, songplay_id limit 1"
    )[0]
    return (play,)


@app.cell
def _(mo, play):
    mo.md(f"""
    ## One play

    The earliest play: user {play["user_id"]}, session {play["session_id"]}, item {play["item_in_session"]}, at
    {play["start_time"]}. A row of `songplays` has its load, but not its file; the ledger lists the files of that load.
    """)
    return


@app.cell
def _(json, play, warehouse):
    def is_the_play(record):
        found = (record["page"], record["userId"], record["sessionId"], record["itemInSession"])
        return found == ("NextSong", str(play["user_id"]), play["session_id"], play["item_in_session"])

    keys = [
        row["file_key"]
        for row in warehouse.rows(
            "select file_key from load_history where table_name = 'staging_events' and status = 'loaded' "
            f"and load_id = '{play['load_id']}' order by file_key"
        )
    ]
    key, number, line = next(
        (key, number, line)
        for key in keys
        for number, line in enumerate(warehouse.lines(key), start=1)
        if line.strip() and is_the_play(json.loads(line))
    )
    return key, line, number


@app.cell
def _(key, line, mo, number, text_on_page):
    mo.md(f"""
    ## In the file

    Line {number} of <code>{text_on_page(key)}</code>, unchanged. `userId` is a string, `ts` is in milliseconds since
    1970, `registration` has a fraction, and non-ASCII names are double-encoded.

    <pre><code>{text_on_page(line.strip())}</code></pre>
    """)
    return


@app.cell
def _(mo, play, warehouse):
    where = (
        f"user_id = {play['user_id']} and session_id = {play['session_id']} "
        f"and item_in_session = {play['item_in_session']}"
    )
    columns = "user_id, session_id, item_in_session, ts, page, level"
    mo.md(f"""
    ## Landed

    `staging_events` has one row per record, with typed columns and otherwise unchanged. An event that was delivered
    twice has two rows.

    {warehouse.table(f"select {columns}, artist, song, length, user_agent from staging_events where {where}")}

    ## Cleaned

    `stg_events` has one row per event. Text is repaired, the quotes around the user agent are removed, the time is a
    UTC timestamp, and `heard_song_id` is a hash of title and artist that identifies the song.

    {
        warehouse.table(
            "select user_id, event_at, page, level, artist_name, song_title, song_duration, user_agent, heard_song_id "
            f"from stg_events where {where}"
        )
    }
    """)


@app.cell
def _(mo, play, warehouse):
    mo.md(f"""
    ## A row of songplays

    `int_heard_songs` matches the play to a song in the catalogue, or to the recording closest in length if there are
    several. A song that is not in the catalogue gets its own row in `songs`, with `is_catalogued` false. Every play
    therefore has a song and an artist.

    {
        warehouse.table(
            "select songplays.start_time, songplays.user_id, songplays.level, songs.title, artists.name as artist, "
            "songs.is_catalogued, user_agents.browser, user_agents.os from songplays "
            "inner join songs on songplays.song_id = songs.song_id "
            "inner join artists on songplays.artist_id = artists.artist_id "
            "inner join user_agents on songplays.user_agent_id = user_agents.user_agent_id "
            f"where songplays.songplay_id = '{play['songplay_id']}'"
        )
    }
    """)
    return


@app.cell
def _(mo, warehouse):
    counts = warehouse.rows(
        "select (select count(*) from staging_events) as landed, (select count(*) from stg_events) as events, "
        "(select count(*) from stg_events where page = 'NextSong') as plays_of_anybody, "
        "(select count(*) from songplays) as songplays"
    )[0]
    mo.md(f"""
    ## All plays

    {counts["landed"]:,} records were landed, {counts["landed"] - counts["events"]:,} of them repeats.
    {counts["plays_of_anybody"]:,} of the {counts["events"]:,} events are plays. In
    {counts["plays_of_anybody"] - counts["songplays"]:,} of these nobody was logged in, which leaves
    {counts["songplays"]:,} rows in `songplays`.
    """)
    return


if __name__ == "__main__":
    app.run()
