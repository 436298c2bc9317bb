{#
    A surrogate key: the md5 of some columns as 32 hex digits, the same on both engines. NULL counts as an empty string,
    and values are separated by U+001F, which no name contains. A bare varchar has 256 bytes on Redshift.
#}
{% macro hash_key(expressions) -%}
    md5(
        {%- for expression in expressions -%}
        coalesce(cast({{ expression }} as varchar(2048)), ''){{ " || chr(31) || " if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}


{# The key that a title and artist's name share with the same song in the catalogue and in other plays. #}
{% macro heard_song_key(title, artist_name) -%}
    {{ hash_key([fold_case(title), fold_case(artist_name)]) }}
{%- endmacro %}


{# The id of an artist who was played but is not in the catalogue. #}
{% macro heard_artist_key(artist_name) -%}
    {{ hash_key([fold_case(artist_name)]) }}
{%- endmacro %}
