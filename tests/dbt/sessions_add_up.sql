-- The sessions hold every play of songplays, and no other.
with counts as (

    select
        (select sum(play_count) from {{ ref('sessions') }}) as plays_in_sessions,
        (select count(*) from {{ ref('songplays') }}) as songplays

)

select * from counts
where coalesce(plays_in_sessions, 0) <> songplays
