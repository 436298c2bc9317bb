-- Random numbers that depend on the seed alone: the finalizer of MurmurHash3 over a row's number and a purpose. Unlike
-- hash() it is the same in every version of DuckDB. Products of two 32-bit numbers fit UBIGINT.
create macro low32(x) as x & 4294967295::ubigint;
create macro mix_1(x) as low32(xor(x, x >> 16) * 2246822507::ubigint);
create macro mix_2(x) as low32(xor(x, x >> 13) * 3266489909::ubigint);
create macro mix_3(x) as xor(x, x >> 16);
create macro random_int(id, purpose) as mix_3(mix_2(mix_1(
    low32(id::ubigint * 2654435769::ubigint + purpose::ubigint * 40503::ubigint + getvariable('seed')::ubigint * 2246822519::ubigint)
)));
create macro uniform(id, purpose) as random_int(id, purpose) / 4294967296.0;
create macro pick(id, purpose, size) as (random_int(id, purpose) % size::ubigint)::integer;
