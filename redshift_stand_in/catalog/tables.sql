-- What Redshift keeps of a table besides its columns: how it is distributed and sorted.
set allow_system_table_mods = on;

create table stand_in.table_attributes (
    table_oid oid primary key,
    diststyle text not null,
    distkey text not null,
    sortkeys text[] not null,
    sortstyle text not null,
    primary_key text[] not null
);
grant select on stand_in.table_attributes to public;

-- A CREATE TABLE comes with its attributes in a comment at its head.
create function stand_in.keep_attributes() returns event_trigger
language plpgsql security definer as $$
declare
    attributes jsonb := substring(current_query() from '^\s*/\*(\{.*?\})\*/')::jsonb;
begin
    if attributes is not null then
        insert into stand_in.table_attributes
        select
            created.objid,
            coalesce(parent.diststyle, attributes ->> 'diststyle'),
            coalesce(parent.distkey, attributes ->> 'distkey'),
            coalesce(parent.sortkeys, array(select jsonb_array_elements_text(attributes -> 'sortkey'))),
            coalesce(parent.sortstyle, attributes ->> 'sortstyle'),
            array(select jsonb_array_elements_text(attributes -> 'primary_key'))
        from pg_event_trigger_ddl_commands() as created
        left join stand_in.table_attributes as parent on parent.table_oid = to_regclass(attributes ->> 'parent')
        where created.object_type = 'table'
        on conflict (table_oid) do nothing;
    end if;
end
$$;
create event trigger keep_attributes on ddl_command_end
when tag in ('CREATE TABLE', 'CREATE TABLE AS') execute function stand_in.keep_attributes();

create function stand_in.check_attributes() returns event_trigger
language plpgsql as $$
declare
    missing text;
begin
    select listed.name into missing
    from pg_event_trigger_ddl_commands() as created
    inner join stand_in.table_attributes as attributes on created.objid = attributes.table_oid
    cross join unnest(array_remove(array_append(attributes.sortkeys, attributes.distkey), '')) as listed (name)
    where not exists (
        select from pg_attribute where attrelid = created.objid and attname = listed.name and attnum > 0
    );
    if missing is not null then
        raise exception 'column "%" named in key does not exist', missing using errcode = '42703';
    end if;
end
$$;
create event trigger keep_attributes_checked on ddl_command_end
when tag in ('CREATE TABLE', 'CREATE TABLE AS') execute function stand_in.check_attributes();

-- Rows on the fullest of some slices by rows on the emptiest; NULLs are all on one slice.
create function stand_in.skew(table_oid oid, distkey text, slices integer default 4) returns numeric
language plpgsql stable security definer as $$
declare
    result numeric;
begin
    execute format(
        'select max(row_count)::numeric / nullif(min(row_count), 0)
        from (
            select count(listed.slice) as row_count
            from generate_series(0, %s) as slices (slice)
            left join (
                select case when %I is null then 0 else abs(hashtextextended(%I::text, 0) %% %s) end as slice from %s
            ) as listed on slices.slice = listed.slice
            group by slices.slice
        ) as counted',
        slices - 1, distkey, distkey, slices, table_oid::regclass
    ) into result;
    return result;
end
$$;

create function stand_in.count_rows(table_oid oid) returns bigint
language plpgsql stable security definer as $$
declare
    result bigint;
begin
    execute format('select count(*) from %s', table_oid::regclass) into result;
    return result;
end
$$;

create view pg_catalog.svv_table_info as
select
    current_database()::varchar as database,
    namespaces.nspname::varchar as schema,
    tables.oid as table_id,
    tables.relname::varchar as "table",
    'Y, AUTO(ENCODE)'::varchar as encoded,
    case
        when attributes.diststyle = 'KEY' then 'KEY(' || attributes.distkey || ')'
        when attributes.diststyle = 'AUTO' then 'AUTO(ALL)'
        else attributes.diststyle
    end::varchar as diststyle,
    coalesce(attributes.sortkeys[1], 'AUTO(SORTKEY)')::varchar as sortkey1,
    (
        select coalesce(max(attribute.atttypmod) - 4, 0)
        from pg_attribute as attribute
        where attribute.attrelid = tables.oid and attribute.atttypid = 'varchar'::regtype
    )::integer as max_varchar,
    'none'::character(32) as sortkey1_enc,
    coalesce(cardinality(attributes.sortkeys), 0) as sortkey_num,
    greatest(1, pg_table_size(tables.oid) / 1048576)::bigint as size,
    0::numeric(10, 4) as pct_used,
    0::bigint as empty,
    0::numeric(5, 2) as unsorted,
    0::numeric(5, 2) as stats_off,
    counted.tbl_rows,
    1::numeric(19, 2) as skew_sortkey1,
    case
        when attributes.diststyle = 'KEY' then stand_in.skew(tables.oid, attributes.distkey)
    end::numeric(19, 2) as skew_rows,
    counted.tbl_rows as estimated_visible_rows,
    null::varchar as risk_event,
    0::numeric(12, 2) as vacuum_sort_benefit,
    null::timestamp as create_time
from pg_class as tables
inner join pg_namespace as namespaces on tables.relnamespace = namespaces.oid
inner join stand_in.table_attributes as attributes on tables.oid = attributes.table_oid
cross join lateral (select stand_in.count_rows(tables.oid)::numeric(38, 0) as tbl_rows) as counted
where tables.relkind = 'r' and counted.tbl_rows > 0 and namespaces.nspname not like 'pg\_%';
grant select on pg_catalog.svv_table_info to public;

create view pg_catalog.svv_redshift_columns as
select
    columns.table_catalog::varchar(128) as database_name,
    columns.table_schema::varchar(128) as schema_name,
    columns.table_name::varchar(128) as table_name,
    columns.column_name::varchar(128) as column_name,
    columns.ordinal_position::integer as ordinal_position,
    format_type(attribute.atttypid, attribute.atttypmod)::varchar(32) as data_type,
    columns.column_default::varchar(4000) as column_default,
    columns.is_nullable::varchar(3) as is_nullable,
    attribute.attname = coalesce(attributes.distkey, '') as distkey,
    coalesce(array_position(attributes.sortkeys, attribute.attname::text), 0) as sortkey
from information_schema.columns as columns
inner join pg_namespace as namespaces on columns.table_schema = namespaces.nspname
inner join pg_class as tables on namespaces.oid = tables.relnamespace and columns.table_name = tables.relname
inner join pg_attribute as attribute on tables.oid = attribute.attrelid and columns.column_name = attribute.attname
left join stand_in.table_attributes as attributes on tables.oid = attributes.table_oid;
grant select on pg_catalog.svv_redshift_columns to public;
