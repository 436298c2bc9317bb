import marimo

app = marimo.App(width="medium", app_title="The source")


@app.cell
def _():
    import altair as alt
    import marimo as mo

    from door.notebook import open_warehouse

    return alt, mo, open_warehouse


@app.cell
def _(mo):
    mo.md("""
    # What is in the source

    The landed tables before cleaning: which pages were requested, which values are missing, and what the staging models
    have to clean.
    """)
    return


@app.cell
def _(open_warehouse):
    warehouse = open_warehouse()
    return (warehouse,)


@app.cell
def _(warehouse):
    pages = warehouse.rows(
        "select page, count(*) as events from staging_events group by page order by events desc, page"
    )
    return (pages,)


@app.cell
def _(alt, pages):
    alt.Chart(alt.Data(values=pages)).mark_bar().encode(
        x=alt.X("events:Q", title="events", scale=alt.Scale(type="symlog")),
        y=alt.Y("page:N", sort="-x", title=None),
    ).properties(height=24 * len(pages))
    return


@app.cell
def _(mo, warehouse):
    columns = ("user_id", "first_name", "gender", "level", "location", "user_agent", "registration", "artist", "length")
    parts = ", ".join(f"count(*) - count({column}) as {column}" for column in columns)
    mo.md(f"""
    ## Missing values by login state

    {
        warehouse.table(
            f"select auth, count(*) as events, {parts} from staging_events group by auth order by events desc, auth"
        )
    }
    """)
    return


@app.cell
def _(mo, warehouse):
    quoted = """'"%"'"""
    problems = {
        "events with double-encoded text": "staging_events where artist like '%Ã_Â%' or song like '%Ã_Â%'",
        "user agents in quotes": f"staging_events where user_agent like {quoted}",
        "events while nobody was logged in": "staging_events where user_id is null",
        "songs without a year": "staging_songs where year = 0",
        "songs without an artist location": "staging_songs where artist_location = ''",
    }
    sql = " union all ".join(
        f"select '{name}' as problem, count(*) as records from {rows}" for name, rows in problems.items()
    )
    mo.md(f"""
    ## Data problems

    What the staging models repair or leave out:

    {warehouse.table(sql + " order by problem")}
    """)
    return


if __name__ == "__main__":
    app.run()
