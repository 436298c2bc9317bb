import marimo

app = marimo.App(width="medium", app_title="Songplays")


@app.cell
def _():
    import altair as alt
    import marimo as mo

    from door.notebook import open_warehouse

    return alt, mo, open_warehouse


@app.cell
def _(mo):
    mo.md("""
    # An analysis of songplays

    Do paid listeners play different music from free listeners, or just more of it? Change the SQL to explore.
    """)
    return


@app.cell
def _(open_warehouse):
    warehouse = open_warehouse()
    return (warehouse,)


@app.cell
def _(mo, warehouse):
    mo.md(f"""
    ## How much they play

    {
        warehouse.table(
            "select level, count(*) as plays, count(distinct user_id) as listeners, count(distinct song_id) as songs, "
            "count(distinct artist_id) as artists from songplays group by level order by level"
        )
    }
    """)
    return


@app.cell
def _(warehouse):
    hours = warehouse.rows(
        "select cast(extract(hour from start_time) as integer) as hour, coalesce(level, 'unknown') as level, "
        "count(*) as plays from songplays group by cast(extract(hour from start_time) as integer), "
        "coalesce(level, 'unknown') order by hour, level"
    )
    totals = {row["level"]: sum(r["plays"] for r in hours if r["level"] == row["level"]) for row in hours}
    shares = [{**row, "share": row["plays"] / totals[row["level"]]} for row in hours]
    return (shares,)


@app.cell
def _(mo):
    mo.md("""
    ## At what hours

    The share of each level's plays by hour of the day.
    """)
    return


@app.cell
def _(alt, shares):
    alt.Chart(alt.Data(values=shares)).mark_line(point=True).encode(
        x=alt.X("hour:Q", title="hour of the day (UTC)", axis=alt.Axis(tickCount=12)),
        y=alt.Y("share:Q", title="share of the level's plays", axis=alt.Axis(format=".0%")),
        color=alt.Color("level:N"),
    ).properties(height=280)
    return


@app.cell
def _(mo, warehouse):
    mo.md(f"""
    ## Which artists

    The ten artists whose shares of plays differ most between the levels. Shares are in percent of each level's plays;
    the difference is in percentage points, positive if the artist is more popular with paid listeners.

    {
        warehouse.table(
            "with shares as (select artists.name, "
            "100.0 * sum(case when songplays.level = 'paid' then 1 else 0 end) "
            "/ nullif(max(levels.paid), 0) as paid_percent, "
            "100.0 * sum(case when songplays.level = 'free' then 1 else 0 end) "
            "/ nullif(max(levels.free), 0) as free_percent "
            "from songplays inner join artists on songplays.artist_id = artists.artist_id "
            "cross join (select sum(case when level = 'paid' then 1 else 0 end) as paid, "
            "sum(case when level = 'free' then 1 else 0 end) as free from songplays) as levels group by artists.name) "
            "select name as artist, round(paid_percent, 2) as paid_percent, round(free_percent, 2) as free_percent, "
            "round(paid_percent - free_percent, 2) as difference from shares "
            "order by abs(paid_percent - free_percent) desc, name limit 10"
        )
    }
    """)
    return


if __name__ == "__main__":
    app.run()
