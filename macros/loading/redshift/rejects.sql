{#
    Run the COPYs of a load and roll them back, to find out which records they skip. Logs one line for each table, with
    the query ids of the COPYs and the number of rows that break one of the load's own rules.
#}
{% macro try_copy(manifest) %}
    {% do run_query(redshift__begin(manifest)) %}
    {% set trials = [] %}
    {% for table_name, input in manifest.tables.items() %}
        {% set copy_ids = [] %}
        {% for copy in input.copies %}
            {% do run_query(
                redshift__copy_records(table_name, json_columns(table_name), copy, input.jsonpaths, manifest)
            ) %}
            {% do copy_ids.append(redshift__last_copy_id()) %}
        {% endfor %}
        {% set broken = run_query(
            "select count(*) from loading_" ~ table_name ~ " where " ~ redshift__broken_rules(table_name)
        ).rows[0][0] %}
        {% do trials.append({"table_name": table_name, "copy_ids": copy_ids, "broken_count": broken | int}) %}
    {% endfor %}
    {% do run_query("rollback") %}
    {% for trial in trials %}
        {% do log(tojson(trial), info=true) %}
    {% endfor %}
{% endmacro %}


{% macro redshift__delete_broken(table_name) %}
    delete from loading_{{ table_name }}
    where
        {{ redshift__broken_rules(table_name) }}
{% endmacro %}


{% macro redshift__copy_rejects(manifest) %}
    copy loading_rejects
    from {{ redshift__literal(manifest.rejects) }}
    iam_role {{ redshift__literal(manifest.copy_role_arn) }}
    region {{ redshift__literal(manifest.region) }}
    json 'auto'
    maxerror 0
    compupdate off
    statupdate off
{% endmacro %}


{% macro redshift__insert_rejects() %}
    insert into {{ source('landed', 'load_rejects') }}
    select * from loading_rejects
{% endmacro %}


{% macro redshift__last_copy_id() %}
    {{ return(run_query("select pg_last_copy_id()").rows[0][0] | int) }}
{% endmacro %}


{#
    Every line scanned by COPY is either a row or a reject. The view may lag; pipeline/load/redshift/copy.py waits a moment
    at each "pause". Some lines may be blank, which only reading the files can show: the caller then counts the records
    itself, and the load must match that count (input.records).
#}
{% macro redshift__refuse_uncounted_records(table_name, input, copy_ids) %}
    {% set rows = run_query("select count(*) from loading_" ~ table_name).rows[0][0] | int %}
    {% set found = namespace(records=input.records) %}
    {% if input.records is not defined %}
        {% set found.records = 0 %}
        {% set scanned %}
            select coalesce(sum(lines_scanned), 0)
            from sys_load_detail
            where query_id in ({{ copy_ids | join(', ') }})
        {% endset %}
        {% for attempt in range(10) %}
            {% if attempt and found.records < rows + input.rejects %}
                {% do log("pause", info=true) %}
            {% endif %}
            {% if found.records < rows + input.rejects %}
                {% set found.records = run_query(scanned).rows[0][0] | int %}
            {% endif %}
        {% endfor %}
    {% endif %}
    {% if found.records != rows + input.rejects %}
        {% do exceptions.raise_compiler_error(
            "uncounted records: " ~ tojson({
                "file_key": table_name, "records": found.records, "rows": rows, "rejects": input.rejects,
            })
        ) %}
    {% endif %}
{% endmacro %}
