{#
    dbt casts the texts of a unit test's rows to varchar without a length. Redshift folds such a cast away and then
    refuses to partition a window by it ("constant expressions are not supported in partition by clauses"). A length
    hides the constant.
#}
{% macro redshift__safe_cast(field, type) %}
    cast({{ field }} as {{ 'varchar(65535)' if type | lower in ('character varying', 'varchar', 'text') else type }})
{% endmacro %}
