import marimo

app = marimo.App(width="medium", app_title="The load")


@app.cell
def _():
    import json

    import marimo as mo

    from pipeline.notebooks import open_warehouse
    from pipeline.pages import text_on_page

    return json, mo, open_warehouse, text_on_page


@app.cell
def _(mo):
    mo.md("""
    # From a file to a row

    What happens to one play between the bucket and `songplays`. The same way is taken on Redshift, where COPY reads the
    files, and on DuckDB, where read_json does.
    """)
    return


@app.cell
def _(open_warehouse):
    warehouse = open_warehouse()
    return (warehouse,)


@app.cell
def _(mo, warehouse):
    mo.md(f"""
    ## What lies in the source

    Songs are one JSON object a file, in folders named after letters of their track; events are one file a day, one
    object a line. The ledger has every file that was loaded, with its size and the hash of its bytes.

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

    The first play of all: user {play["user_id"]}, session {play["session_id"]}, item {play["item_in_session"]}, at
    {play["start_time"]}. A row knows its load and not its file; the ledger has the files of that load.
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

    Line {number} of <code>{text_on_page(key)}</code>, as it lies there. `userId` is a text, `ts` counts milliseconds
    since 1970, `registration` has a fraction, and names outside ASCII are encoded twice.

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

    `staging_events` has a row for each record, typed and otherwise untouched. An event that was delivered twice stands
    here twice.

    {warehouse.table(f"select {columns}, artist, song, length, user_agent from staging_events where {where}")}

    ## Cleaned

    `stg_events` has each event once: text repaired, the quotes around the agent gone, the time a timestamp in UTC, and
    a hash of title and artist by which the song is found.

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

    `int_heard_songs` says which song of the catalogue was heard, the nearest in duration of several; what the catalogue
    lacks becomes a song of its own with `is_catalogued` false. So every play has a song and an artist.

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
    ## All of them

    {counts["landed"]:,} records were landed, of which {counts["landed"] - counts["events"]:,} were delivered before;
    {counts["plays_of_anybody"]:,} of {counts["events"]:,} events are plays, and
    {counts["plays_of_anybody"] - counts["songplays"]:,} of those were nobody's. That leaves {counts["songplays"]:,}.
    """)
    return


if __name__ == "__main__":
    app.run()
