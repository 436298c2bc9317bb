{#
    What each model has in it: build_history(model_name, load_id), written in the model's own transaction. A model takes the
    loads that all its parents have and it has not. Nothing compares load ids or times: a load may be committed late.

    A model without a row there is built from all that its parents hold. So whoever takes landed rows away empties the table
    in the same transaction, and the next run of any model makes it anew.

    A seed's row has an empty load_id, and a hash of the file that it was last written from.
#}

{# dbt's own macro, which its materializations and is_incremental() ask: whether a model is to be built from nothing. #}
{% macro should_full_refresh() %}
    {% if flags.FULL_REFRESH or model.resource_type != 'model' %}
        {{ return(flags.FULL_REFRESH) }}
    {% endif %}
    {{ return(build_state().is_from_nothing) }}
{% endmacro %}


{#
    What a model's build goes by, asked once and kept with the model while it is rendered: whether it is from nothing, and the
    loads that all of its parents have and it has not. A model that new songs can change anywhere says so in its meta, and is
    built from nothing with them.
#}
{% macro build_state() %}
    {% if 'build_state' not in model %}
        {% set history = landed_source('build_history') %}
        {% set state = {'is_from_nothing': true, 'new_loads': []} %}
        {# dbt compile can come before there is a history; somebody can have dropped the table #}
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
    As a dbt run begins: what was built by other code than there is now is forgotten, and the loads that there are now are
    noted. All models of the run see these, whatever is loaded meanwhile.
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


{# A build without rows would note that it has taken every load. #}
{% macro refuse_empty_builds() %}
    {% if flags.EMPTY %}
        {% do exceptions.raise_compiler_error("--empty: models here note the loads that they have in them; leave it out") %}
    {% endif %}
{% endmacro %}


{# A seed's post-hook: models that are made of it forget what they have where it was written from another file than before. #}
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
    A model's pre-hook, with which its transaction begins. The loads are kept in a temporary table until the post-hook: on
    Redshift the adapter may run a failed statement again on a new connection, outside of the transaction. The table is not
    there, and so a model's history is never written without its rows.

    A model that takes all rows of its parents can note nothing while one parent is ahead of another, and is made from
    nothing again the next time.
#}
{% macro take_loads() %}
    create temporary table {{ taken_loads() }} as
    {{ loads_of_parents() if is_incremental() else loads_of_parents(of_even_ones=true) }}
{% endmacro %}


{# A model's post-hook, the last before its transaction is committed. #}
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
    Where a new load has changed an event that models have in them, they are to be built from nothing: they are made for
    events that come to those they know, not for events that become others. Events made from nothing do not tell what they
    were before.
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


{# The table's name; by source() it would stand above every model in the lineage. #}
{% macro build_history() -%}
    {{ return(landed_source('build_history').relation_name if execute else 'build_history') }}
{%- endmacro %}


{% macro landed_loads() -%}
    select load_id from {{ build_history() }} where model_name = 'landed'
{%- endmacro %}


{% macro taken_loads() -%}
    {{ return("taken_by_" ~ model.name) }}
{%- endmacro %}


{# The loads that every parent of the model has; of_even_ones: none where one of them has a load that another has not. #}
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
    A hash of what a model is made of: its SQL, what of its configuration and columns stands in the table, the same of all
    models that it reads, and the project's macros. dbt adds to what it knows of a node while it compiles, so nothing of that
    is in it. Nor is a seed: its file says nothing of its table until it is written (record_seed).
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


{# A node, and the models and seeds that it is made from. #}
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


{# The text of the macros that models are made of. A load or a grant changes no model. #}
{% macro macros_text() %}
    {% set texts = [] %}
    {% for name, macro in sparkify | dictsort
        if macro.macro.original_file_path.split('/')[1] not in ('loading', 'grants') %}
        {% do texts.append(macro.macro.macro_sql) %}
    {% endfor %}
    {{ return(texts | join) }}
{% endmacro %}
