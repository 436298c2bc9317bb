-- Of the ledger's entries of a file one at most is `loaded`: its rows are in the warehouse once.
select
    source,
    file_key,
    count(*) as loaded_entries
from {{ source('landed', 'load_history') }}
where status = 'loaded'
group by source, file_key
having count(*) > 1
