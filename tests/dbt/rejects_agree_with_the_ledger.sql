-- Each file of each load in the ledger has as many rows in load_rejects as the ledger counts.
with ledger as (

    select
        load_id,
        source,
        file_key,
        rejected_count
    from {{ source('landed', 'load_history') }}

),

rejects as (

    select
        rejects.load_id,
        rejects.source,
        rejects.file_key,
        count(*) as reject_count,
        count(distinct rejects.line_number) as line_count
    from {{ source('landed', 'load_rejects') }} as rejects
    group by rejects.load_id, rejects.source, rejects.file_key

)

select
    coalesce(ledger.load_id, rejects.load_id) as load_id,
    coalesce(ledger.source, rejects.source) as source,
    coalesce(ledger.file_key, rejects.file_key) as file_key,
    ledger.rejected_count,
    rejects.reject_count,
    rejects.line_count
from ledger
full outer join rejects
    on ledger.load_id = rejects.load_id
    and ledger.source = rejects.source
    and ledger.file_key = rejects.file_key
where
    coalesce(ledger.rejected_count, 0) <> coalesce(rejects.reject_count, 0)
    or coalesce(rejects.reject_count <> rejects.line_count, false)
