select
    artists.name as artist,
    count(*) as plays
from {{ ref('songplays') }} as songplays
inner join {{ ref('artists') }} as artists on songplays.artist_id = artists.artist_id
group by artists.name
order by plays desc, artists.name asc
limit 10
