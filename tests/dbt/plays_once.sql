-- Promise 1: as many songplays as there are distinct NextSong events of users in the source, and each of them.
with landed as (

    select distinct
        user_id,
        session_id,
        item_in_session,
        ts
    from {{ source('landed', 'staging_events') }}
    where page = 'NextSong' and user_id is not null

),

counts as (

    select
        (select count(*) from landed) as landed_plays,
        (select count(*) from {{ ref('songplays') }}) as songplays

)

select * from counts
where landed_plays <> songplays
