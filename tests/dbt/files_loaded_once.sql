-- Each file has at most one ledger entry with status `loaded`, so its rows are in the warehouse once.
select
    source,
    file_key,
    count(*) as loaded_entries
from {{ source('landed', 'load_history') }}
where status = 'loaded'
group by source, file_key
having count(*) > 1
