{#
    The surrogate key of some columns: md5 as 32 hex digits, equal on both engines. NULL counts as an empty string, and
    U+001F, which no name has, stands between the values. A bare varchar would be one of 256 bytes on Redshift.
#}
{% macro hash_key(expressions) -%}
    md5(
        {%- for expression in expressions -%}
        coalesce(cast({{ expression }} as varchar(2048)), ''){{ " || chr(31) || " if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}


{# What a title and an artist's name have in common with those of the same song in the catalogue or in another play. #}
{% macro heard_song_key(title, artist_name) -%}
    {{ hash_key([fold_case(title), fold_case(artist_name)]) }}
{%- endmacro %}


{# The id of an artist who was heard and is not in the catalogue. #}
{% macro heard_artist_key(artist_name) -%}
    {{ hash_key([fold_case(artist_name)]) }}
{%- endmacro %}
