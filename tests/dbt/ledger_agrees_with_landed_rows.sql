-- Each load has as many rows in the landed tables as in the ledger (which has no counts on Redshift). Loads that were
-- undone and files that were replaced have no rows left.
with ledger as (

    select
        table_name,
        load_id,
        sum(row_count) as row_count
    from {{ source('landed', 'load_history') }}
    where status = 'loaded'
    group by table_name, load_id

),

landed as (

    select
        'staging_events' as table_name,
        load_id,
        count(*) as row_count
    from {{ source('landed', 'staging_events') }}
    group by load_id

    union all

    select
        'staging_songs' as table_name,
        load_id,
        count(*) as row_count
    from {{ source('landed', 'staging_songs') }}
    group by load_id

)

select
    coalesce(ledger.table_name, landed.table_name) as table_name,
    coalesce(ledger.load_id, landed.load_id) as load_id,
    ledger.row_count as ledger_rows,
    landed.row_count as landed_rows
from ledger
full outer join landed
    on ledger.table_name = landed.table_name
    and ledger.load_id = landed.load_id
where
    ledger.load_id is null
    or (ledger.row_count > 0 and landed.load_id is null)
    or coalesce(ledger.row_count <> landed.row_count, false)
