-- Few words need more than ASCII, as in the real log, where one event in 25 shows it.
create macro pick_word(id, purpose, plain_size, size) as
    case when pick(id, purpose + 300, 14) = 0 then pick(id, purpose, size) else pick(id, purpose, plain_size) end;

-- What listeners can choose from (library, by popularity), and the part of it and more that has song files (catalogue).
create table titles as
select
    i as library_no,
    case
        when pick(i, 10, 120) = 0 then odd.plain
        when pick(i, 11, 3) = 0 then adjective.plain || ' ' || noun.plain
        when pick(i, 11, 3) = 1 then noun.plain || ' of ' || other.plain
        else 'The ' || adjective.plain || ' ' || noun.plain || case when pick(i, 12, 40) = 0 then ' (Live)' else '' end
    end || case when pick(i, 13, 300) = 0 then repeat(' / ' || noun.plain, 60) else '' end as title,
    case
        when pick(i, 10, 120) = 0 then odd.logged
        when pick(i, 11, 3) = 0 then adjective.logged || ' ' || noun.logged
        when pick(i, 11, 3) = 1 then noun.logged || ' of ' || other.logged
        else 'The ' || adjective.logged || ' ' || noun.logged || case when pick(i, 12, 40) = 0 then ' (Live)' else '' end
    end || case when pick(i, 13, 300) = 0 then repeat(' / ' || noun.logged, 60) else '' end as logged_title
from range(getvariable('library_size')) as numbers(i)
inner join words as adjective on adjective.kind = 'adjective' and adjective.word_no = pick_word(i, 14, getvariable('plain_adjectives'), getvariable('adjectives'))
inner join words as noun on noun.kind = 'noun' and noun.word_no = pick_word(i, 15, getvariable('plain_nouns'), getvariable('nouns'))
inner join words as other on other.kind = 'noun' and other.word_no = pick_word(i, 16, getvariable('plain_nouns'), getvariable('nouns'))
inner join words as odd on odd.kind = 'odd_title' and odd.word_no = pick(i, 17, getvariable('odd_titles'));

create table artists as
select
    i as artist_no,
    'AR' || upper(format('{:08x}{:08x}', random_int(i, 20), random_int(i, 21))) as artist_id,
    case pick(i, 22, 4)
        when 0 then 'The ' || noun.plain || 's'
        when 1 then adjective.plain || ' ' || noun.plain
        when 2 then noun.plain || ' & ' || other.plain
        else case when pick(i, 26, 200) = 0 then (1000 + pick(i, 27, 9000))::varchar else noun.plain || ' ' || (1 + pick(i, 27, 99)) end
    end as name,
    case pick(i, 22, 4)
        when 0 then 'The ' || noun.logged || 's'
        when 1 then adjective.logged || ' ' || noun.logged
        when 2 then noun.logged || ' & ' || other.logged
        else case when pick(i, 26, 200) = 0 then (1000 + pick(i, 27, 9000))::varchar else noun.logged || ' ' || (1 + pick(i, 27, 99)) end
    end as logged_name,
    case when pick(i, 28, 100) < 55 then place.plain else '' end as location,
    case when pick(i, 29, 100) < 35 then round(uniform(i, 30) * 120 - 50, 5) end as latitude,
    case when pick(i, 29, 100) < 35 then round(uniform(i, 31) * 340 - 170, 5) end as longitude
from range(getvariable('artist_count')) as numbers(i)
inner join words as adjective on adjective.kind = 'adjective' and adjective.word_no = pick_word(i, 23, getvariable('plain_adjectives'), getvariable('adjectives'))
inner join words as noun on noun.kind = 'noun' and noun.word_no = pick_word(i, 24, getvariable('plain_nouns'), getvariable('nouns'))
inner join words as other on other.kind = 'noun' and other.word_no = pick_word(i, 25, getvariable('plain_nouns'), getvariable('nouns'))
inner join words as place on place.kind = 'place' and place.word_no = pick(i, 32, getvariable('places'));

create table library as
select
    titles.library_no,
    titles.title,
    titles.logged_title,
    artists.artist_no,
    artists.name as artist_name,
    artists.logged_name,
    (60 + 420 * pow(uniform(titles.library_no, 40), 1.6))::decimal(10, 5) as duration
from titles
inner join artists on artists.artist_no = pick(titles.library_no, 41, getvariable('artist_count'));

-- Half of the song files are songs that are played, one of twenty of the library; the rest are titles of other artists
-- than are played, and a second recording of some that are.
create table catalogue as
select
    i as song_no,
    'SO' || upper(format('{:08x}{:08x}', random_int(i, 50), random_int(i, 51))) as song_id,
    chr((65 + pick(i, 52, 3))::integer) as letter_1,
    chr((65 + pick(i, 53, 26))::integer) as letter_2,
    chr((65 + pick(i, 54, 26))::integer) as letter_3,
    upper(format('{:08x}{:07x}', random_int(i, 55), random_int(i, 56) >> 4)) as track,
    library.title,
    artists.artist_id,
    -- an artist's second name; the same person under a name with a guest
    artists.name || case when pick(i, 57, 130) = 0 then ' feat. ' || library.title else '' end as artist_name,
    artists.location,
    artists.latitude,
    artists.longitude,
    -- a second recording of the song that the neighbouring row has
    library.duration + case when i % 50 = 49 then 2.35 else 0 end as duration,
    case when pick(i, 58, 100) < 30 then 0 else 1955 + pick(i, 59, 56) end as year
from range(getvariable('songs')) as numbers(i)
inner join library on library.library_no = case
    when i % 2 = 0 then (i * 10) % getvariable('library_size')
    when i % 50 = 49 then ((i - 1) * 10) % getvariable('library_size')
    else (i * 10 + 3) % getvariable('library_size')
end
inner join library as performed on performed.library_no = case
    when i % 2 = 0 or i % 50 = 49 then library.library_no
    else (i * 10 + 8) % getvariable('library_size')
end
inner join artists on performed.artist_no = artists.artist_no;

create table song_files as
select
    concat_ws('/', 'song_data', letter_1, letter_2, letter_3, 'TR' || letter_1 || letter_2 || letter_3 || track || '.json') as path,
    concat(
        '{"artist_id":', to_json(artist_id),
        ',"artist_latitude":', coalesce(latitude::varchar, 'null'),
        ',"artist_location":', to_json(location),
        ',"artist_longitude":', coalesce(longitude::varchar, 'null'),
        -- a name of digits is written as a number, as the real files do
        ',"artist_name":', case when regexp_full_match(artist_name, '[1-9][0-9]*') then artist_name else to_json(artist_name) end,
        ',"duration":', rtrim(rtrim(duration::varchar, '0'), '.'),
        ',"num_songs":1,"song_id":', to_json(song_id),
        ',"title":', to_json(title),
        ',"year":', year, '}'
    ) as record
from catalogue
order by path;

-- The parts of an event that depend on the song alone, ready to be put together.
create table played_songs as
select
    library_no,
    '{"artist":' || to_json(logged_name) as artist_part,
    '"length":' || rtrim(rtrim(duration::varchar, '0'), '.') as length_part,
    '"song":' || to_json(logged_title) as song_part,
    duration::double as seconds
from library;
