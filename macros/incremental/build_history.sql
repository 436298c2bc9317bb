{#
    The loads that each model contains: build_history(model_name, load_id), written in the model's own transaction. A
    model takes the loads that all its parents contain and it does not. Load ids and times are never compared, because a
    load may be committed late.

    A model without rows there is built from everything in its parents. Code that removes landed rows therefore empties
    the table in the same transaction, and the next run rebuilds every model.

    The row of a seed has an empty load_id and the hash of the file that it was last written from.
#}

{# Overrides dbt's macro, which materializations and is_incremental() use to decide whether to rebuild a model. #}
{% macro should_full_refresh() %}
    {% if flags.FULL_REFRESH or model.resource_type != 'model' %}
        {{ return(flags.FULL_REFRESH) }}
    {% endif %}
    {{ return(build_state().is_from_nothing) }}
{% endmacro %}


{#
    The state for building a model, queried once and cached while the model is rendered: whether to rebuild it, and the
    loads that all its parents contain and it does not. A model that new songs can change anywhere has
    rebuilt_with_catalogue in its meta, and is rebuilt when songs arrive.
#}
{% macro build_state() %}
    {% if 'build_state' not in model %}
        {% set history = landed_source('build_history') %}
        {% set state = {'is_from_nothing': true, 'new_loads': []} %}
        {# dbt compile can run before the table exists, and someone may have dropped the table #}
        {% if adapter.get_relation(history.database, history.schema, history.name) and load_cached_relation(this) %}
            {% for load_id, is_taken in run_query(loads_and_whether_taken()).rows %}
                {% if is_taken %}
                    {% do state.update(is_from_nothing=false) %}
                {% else %}
                    {% do state.new_loads.append(load_id) %}
                {% endif %}
            {% endfor %}
            {% set is_rebuilt_with_catalogue = config.get('meta', {}).get('rebuilt_with_catalogue', false) %}
            {% if is_rebuilt_with_catalogue and not state.is_from_nothing and has_new_songs(state.new_loads) %}
                {% do state.update(is_from_nothing=true) %}
            {% endif %}
        {% endif %}
        {% do model.update(build_state=state) %}
    {% endif %}
    {{ return(model.build_state) }}
{% endmacro %}


{% macro loads_and_whether_taken() -%}
    select
        built.load_id,
        own.load_id is not null as is_taken
    from ({{ loads_of_parents() }}) as built
    left join {{ build_history() }} as own
        on built.load_id = own.load_id
        and own.model_name = {{ literal(model.name) }}
    order by built.load_id
{%- endmacro %}


{#
    At the start of a dbt run: forget what was built by different code, and record the loads that exist now. All models
    of the run use this list, whatever is loaded in the meantime.
#}
{% macro begin_build() %}
    {% if execute and flags.WHICH in ('run', 'build') %}
        {% set current = ["model_name = 'landed'", "load_id = ''"] %}
        {% set macros = macros_text() %}
        {% for id in graph.nodes if id.startswith('model.') %}
            {% do current.append(
                "(model_name = " ~ literal(graph.nodes[id].name)
                ~ " and code_fingerprint = " ~ literal(code_fingerprint(id, macros)) ~ ")"
            ) %}
        {% endfor %}
        {% do run_query("delete from " ~ build_history() ~ " where not (" ~ current | join(" or ") ~ ")") %}
        {% do run_query(
            "insert into " ~ build_history() ~ " select distinct 'landed', load_id, '' from "
            ~ source('landed', 'load_history') ~ " where status = 'loaded' and load_id not in ("
            ~ landed_loads() ~ ")"
        ) %}
    {% endif %}
{% endmacro %}


{# A build without rows would record that it has taken every load. #}
{% macro refuse_empty_builds() %}
    {% if flags.EMPTY %}
        {% do exceptions.raise_compiler_error("--empty cannot be used: models record which loads they contain. Run dbt without it.") %}
    {% endif %}
{% endmacro %}


{#
    Post-hook of seeds: if a seed was written from a different file than before, the models that use it forget their
    loads.
#}
{% macro record_seed() %}
    {% if execute %}
    {% set history = build_history() %}
    {% set fingerprint = literal(local_md5(model.checksum.checksum)) %}
    {% set names = models_made_of(model.unique_id) %}
    {% if names %}
    delete from {{ history }}
    where
        model_name in ({{ literals(names) }})
        and not exists (
            select 1 from {{ history }}
            where model_name = {{ literal(model.name) }} and code_fingerprint = {{ fingerprint }}
        );
    {% endif %}
    delete from {{ history }} where model_name = {{ literal(model.name) }};
    insert into {{ history }} values ({{ literal(model.name) }}, '', {{ fingerprint }})
    {% endif %}
{% endmacro %}


{% macro models_made_of(seed_id) %}
    {% set names = [] %}
    {% for id in graph.nodes if id.startswith('model.') and seed_id in ancestry(id) %}
        {% do names.append(graph.nodes[id].name) %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}


{#
    Pre-hook of models, at the start of their transaction. The loads are kept in a temporary table until the post-hook:
    on Redshift the adapter may run a failed statement again on a new connection, outside the transaction. The temporary
    table does not exist there, so a model's history is never written without its rows.

    A model that reads all rows of its parents records nothing while one parent is ahead of another, and is rebuilt the
    next time.
#}
{% macro take_loads() %}
    create temporary table {{ taken_loads() }} as
    {{ loads_of_parents() if is_incremental() else loads_of_parents(of_even_ones=true) }}
{% endmacro %}


{# Post-hook of models, the last before the transaction is committed. #}
{% macro record_build() %}
    {% if execute %}
    {% set history = build_history() %}
    {% set fingerprint = literal(code_fingerprint(model.unique_id, macros_text())) %}
    {% if config.get('meta', {}).get('has_corrections', false) %}
    {{ ask_for_rebuild() }};
    {% endif %}
    {% if not is_incremental() %}
    delete from {{ history }} where model_name = {{ literal(model.name) }};
    {% endif %}
    insert into {{ history }}
    select {{ literal(model.name) }}, load_id, {{ fingerprint }}
    from {{ taken_loads() }}
    where load_id not in (select load_id from {{ history }} where model_name = {{ literal(model.name) }})
    {% endif %}
{% endmacro %}


{#
    If a new load has changed an event that models already contain, rebuild the models: an incremental build handles
    events that are added, not events that change. If the events themselves were rebuilt, nobody knows which of them
    changed, so the models are always rebuilt.
#}
{% macro ask_for_rebuild() -%}
    delete from {{ build_history() }}
    where
        load_id != ''
        and model_name not in ('landed', 'stg_songs', {{ literal(model.name) }})
        {%- if is_incremental() %}
        and exists (select 1 from {{ this }} where {{ in_new_loads() }} and replaced_load_id is not null)
        {%- endif %}
{%- endmacro %}


{# The name of the table. With source(), it would be a parent of every model in the lineage. #}
{% macro build_history() -%}
    {{ return(landed_source('build_history').relation_name if execute else 'build_history') }}
{%- endmacro %}


{% macro landed_loads() -%}
    select load_id from {{ build_history() }} where model_name = 'landed'
{%- endmacro %}


{% macro taken_loads() -%}
    {{ return("taken_by_" ~ model.name) }}
{%- endmacro %}


{# The loads that every parent of the model contains. of_even_ones: none if one parent has a load that another lacks. #}
{% macro loads_of_parents(of_even_ones=false) -%}
    {%- set parents = [] -%}
    {%- for name in model.depends_on.nodes -%}
        {%- if name.startswith('source.') and 'landed' not in parents -%}
            {%- do parents.append('landed') -%}
        {%- elif name.startswith('model.') -%}
            {%- do parents.append(name.split('.')[-1]) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set names = literals(parents) -%}
    select load_id
    from {{ build_history() }}
    where
        model_name in ({{ names }})
        {%- if of_even_ones and parents | length > 1 %}
        and not exists (
            select 1
            from {{ build_history() }}
            where model_name in ({{ names }})
            group by load_id
            having count(distinct model_name) < {{ parents | length }}
        )
        {%- endif %}
    group by load_id
    having count(distinct model_name) = {{ parents | length }}
{%- endmacro %}


{#
    A hash of what a model is made from: its SQL, the parts of its configuration and columns that affect the table, the
    same of all models that it reads, and the project's macros. Properties that dbt adds to nodes while compiling are
    left out. So are seeds, because a seed's file says nothing about its table until it is loaded (record_seed).
#}
{% macro code_fingerprint(unique_id, macros) %}
    {% set parts = [macros] %}
    {% for id in ancestry(unique_id) | sort if id.startswith('model.') %}
        {% set node = graph.nodes[id] %}
        {% do parts.append([node.checksum.checksum, node.config.materialized, node.config.get('dist'), node.config.get('sort')]) %}
        {% for column in node.columns.values() %}
            {% do parts.append([column.name, column.data_type, column.constraints | map(attribute='type') | list]) %}
        {% endfor %}
    {% endfor %}
    {{ return(local_md5(parts | string)) }}
{% endmacro %}


{# A node with the models and seeds that it is made from. #}
{% macro ancestry(unique_id, found=none) %}
    {% set found = [] if found is none else found %}
    {% if unique_id in graph.nodes and unique_id not in found %}
        {% do found.append(unique_id) %}
        {% for id in graph.nodes[unique_id].depends_on.nodes %}
            {% do ancestry(id, found) %}
        {% endfor %}
    {% endif %}
    {{ return(found) }}
{% endmacro %}


{# The code of the macros that models are made from. Macros for loads and grants do not change models. #}
{% macro macros_text() %}
    {% set texts = [] %}
    {% for name, macro in sparkify | dictsort
        if macro.macro.original_file_path.split('/')[1] not in ('loading', 'grants') %}
        {% do texts.append(macro.macro.macro_sql) %}
    {% endfor %}
    {{ return(texts | join) }}
{% endmacro %}
