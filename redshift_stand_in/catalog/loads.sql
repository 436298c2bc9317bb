-- What COPY tells of itself.
set allow_system_table_mods = on;

create table stand_in.load_history (
    user_name text, query_id bigint, session_id integer, database_name text, status text, table_name text,
    start_time timestamp, end_time timestamp, data_source text, loaded_rows bigint, source_file_bytes bigint,
    source_file_count integer, error_count bigint
);
create table stand_in.load_detail (
    user_name text, query_id bigint, file_name text, bytes_scanned bigint, lines_scanned bigint, file_etag text,
    start_time timestamp, end_time timestamp
);
create table stand_in.load_error (
    user_name text, query_id bigint, session_id integer, database_name text, table_name text, start_time timestamp,
    file_name text, line_number bigint, column_name text, column_type text, column_length text, position integer,
    error_code integer, error_message text
);

-- Redshift's system views read logs and no snapshot: a transaction sees its own COPYs at once. Here they are until it ends.
create table stand_in.own_load_history (like stand_in.load_history);
create table stand_in.own_load_detail (like stand_in.load_detail);
create table stand_in.own_load_error (like stand_in.load_error);
grant usage on schema stand_in to public;
grant insert on stand_in.own_load_history, stand_in.own_load_detail, stand_in.own_load_error to public;

create view stand_in.every_load_history as
select * from stand_in.load_history
union all
select * from stand_in.own_load_history where query_id not in (select query_id from stand_in.load_history);
create view stand_in.every_load_detail as
select * from stand_in.load_detail
union all
select * from stand_in.own_load_detail where query_id not in (select query_id from stand_in.load_history);
create view stand_in.every_load_error as
select * from stand_in.load_error
union all
select * from stand_in.own_load_error where query_id not in (select query_id from stand_in.load_history);

-- Everybody sees what is their own; a superuser sees all. A character(n) comes padded with blanks.
create function stand_in.sees(user_name text) returns boolean
language sql stable
return user_name = session_user or (select usesuper from pg_user where usename = session_user);

create view pg_catalog.sys_load_history as
select
    (select usesysid::integer from pg_user where usename = user_name) as user_id, query_id, query_id as transaction_id,
    session_id, database_name::varchar as database_name, status::varchar as status, table_name::varchar as table_name, start_time, end_time,
    datediff('microsecond', start_time, end_time) as duration, data_source::varchar as data_source, 'json'::varchar as file_format,
    loaded_rows, source_file_bytes as loaded_bytes, source_file_count, source_file_bytes,
    source_file_count as file_count_scanned, source_file_bytes as file_bytes_scanned, error_count, 0::bigint as copy_job_id
from stand_in.every_load_history
where stand_in.sees(user_name);

create view pg_catalog.sys_load_detail as
select
    (select usesysid::integer from pg_user where usename = user_name) as user_id, query_id,
    file_name::character(256) as file_name, bytes_scanned::integer as bytes_scanned,
    lines_scanned::integer as lines_scanned, end_time as record_time, 1 as splits_scanned, start_time, end_time,
    file_etag::character(256) as file_etag
from stand_in.every_load_detail
where stand_in.sees(user_name);

create view pg_catalog.sys_load_error_detail as
select
    (select usesysid::integer from pg_user where usename = user_name) as user_id, query_id, query_id as transaction_id,
    session_id, database_name::character(64) as database_name, 0 as table_id, start_time,
    file_name::character(256) as file_name, line_number, column_name::character(127) as column_name,
    column_type::character(10) as column_type, column_length::character(10) as column_length, position, error_code,
    error_message::character(512) as error_message
from stand_in.every_load_error
where stand_in.sees(user_name);

-- External tables are not there; dbt asks for their columns.
create view pg_catalog.svv_external_columns as
select
    ''::varchar as redshift_database_name, ''::varchar as schemaname, ''::varchar as tablename, ''::varchar as columnname,
    ''::varchar as external_type, 0 as columnnum, 0 as part_key, ''::varchar as is_nullable
where false;

create view pg_catalog.svv_relation_privileges as
select
    namespaces.nspname::varchar as namespace_name, tables.relname::varchar as relation_name,
    granted.privilege_type::varchar as privilege_type, granted.grantee::integer as identity_id,
    coalesce(roles.rolname, 'public')::varchar as identity_name,
    case when roles.rolname is null then 'public' when roles.rolcanlogin then 'user' else 'role' end::varchar as identity_type,
    granted.is_grantable as admin_option
from pg_class as tables
inner join pg_namespace as namespaces on tables.relnamespace = namespaces.oid
cross join lateral aclexplode(tables.relacl) as granted
left join pg_roles as roles on granted.grantee = roles.oid
where namespaces.nspname not in ('pg_catalog', 'information_schema') and granted.grantee <> tables.relowner;

grant select on pg_catalog.sys_load_history, pg_catalog.sys_load_detail, pg_catalog.sys_load_error_detail,
    pg_catalog.svv_external_columns, pg_catalog.svv_relation_privileges to public;

create view pg_catalog.stv_slices as
select 0 as node, slice, slice as localslice, 'D'::varchar as type
from generate_series(0, 3) as slices (slice);
grant select on pg_catalog.stv_slices to public;
