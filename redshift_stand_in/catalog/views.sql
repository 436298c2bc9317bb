-- Views WITH NO SCHEMA BINDING outlive what they read. PostgreSQL's do not, so they are dropped before a table goes and
-- made again as soon as what they read is there.
set allow_system_table_mods = on;

create table stand_in.late_binding_views (
    schema_name name not null,
    view_name name not null,
    owner_name name not null,
    definition text not null,
    primary key (schema_name, view_name)
);
grant select, insert, update, delete on stand_in.late_binding_views to public;

create function stand_in.let_views_go() returns event_trigger
language plpgsql security definer as $$
declare
    late record;
begin
    if current_setting('stand_in.is_busy', true) = 'yes' then
        return;
    end if;
    perform set_config('stand_in.is_busy', 'yes', true);
    for late in
        select late_binding_views.*
        from stand_in.late_binding_views
        where to_regclass(format('%I.%I', schema_name, view_name)) is not null
    loop
        execute format('drop view %I.%I cascade', late.schema_name, late.view_name);
    end loop;
    perform set_config('stand_in.is_busy', '', true);
end
$$;

-- It may be made before what it reads.
create function stand_in.create_late_binding_view(schema_name text, view_name text, definition text) returns void
language plpgsql as $$
begin
    perform set_config('stand_in.is_busy', 'yes', true);
    begin
        execute definition;
    exception
        when undefined_table or undefined_column then null;
    end;
    insert into stand_in.late_binding_views values (schema_name, view_name, current_user, definition)
    on conflict on constraint late_binding_views_pkey do update set definition = excluded.definition;
    perform set_config('stand_in.is_busy', '', true);
end
$$;

-- So that it can be dropped while what it reads is not there.
create function stand_in.stand_in_for_view(schema_name text, view_name text) returns void
language plpgsql as $$
begin
    if to_regclass(format('%I.%I', schema_name, view_name)) is null and exists (
        select from stand_in.late_binding_views as late
        where late.schema_name = stand_in_for_view.schema_name and late.view_name = stand_in_for_view.view_name
    ) then
        execute format('create view %I.%I as select 1 as placeholder', schema_name, view_name);
    end if;
end
$$;

create function stand_in.bring_views_back() returns event_trigger
language plpgsql security definer as $$
declare
    late record;
begin
    if current_setting('stand_in.is_busy', true) = 'yes' then
        return;
    end if;
    perform set_config('stand_in.is_busy', 'yes', true);
    for late in
        select late_binding_views.*
        from stand_in.late_binding_views
        where to_regclass(format('%I.%I', schema_name, view_name)) is null
    loop
        begin
            execute late.definition;
            execute format('alter view %I.%I owner to %I', late.schema_name, late.view_name, late.owner_name);
        exception
            when undefined_table or undefined_column or invalid_schema_name then null;
        end;
    end loop;
    perform set_config('stand_in.is_busy', '', true);
end
$$;

create function stand_in.forget_dropped_views() returns event_trigger
language plpgsql security definer as $$
begin
    if current_setting('stand_in.is_busy', true) is distinct from 'yes' then
        delete from stand_in.late_binding_views as late
        using pg_event_trigger_dropped_objects() as dropped
        where dropped.object_type = 'view' and dropped.original
            and late.schema_name = dropped.schema_name and late.view_name = dropped.object_name;
    end if;
end
$$;
create event trigger late_binding_dropped on sql_drop
when tag in ('DROP VIEW') execute function stand_in.forget_dropped_views();

create event trigger late_binding_before on ddl_command_start
when tag in ('DROP TABLE', 'DROP SCHEMA', 'ALTER TABLE') execute function stand_in.let_views_go();
create event trigger late_binding_after on ddl_command_end
when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'CREATE VIEW', 'ALTER TABLE', 'DROP TABLE', 'DROP VIEW', 'DROP SCHEMA')
execute function stand_in.bring_views_back();

create function pg_catalog.pg_get_late_binding_view_cols() returns setof record
language sql stable security definer
begin atomic
    select
        late.schema_name, late.view_name, attribute.attname,
        format_type(attribute.atttypid, attribute.atttypmod)::varchar, attribute.attnum::integer
    from stand_in.late_binding_views as late
    inner join pg_attribute as attribute
        on attribute.attrelid = to_regclass(format('%I.%I', late.schema_name, late.view_name)) and attribute.attnum > 0;
end;
