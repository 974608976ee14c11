-- Identity in columns, the typed shape in `spec`, which serde owns: a new field needs no migration.
-- One SQL text for SQLite and PostgreSQL: text and bigint only, moments in milliseconds since 1970.

create table gateway_groups (
    name text primary key,
    description text not null
);

insert into gateway_groups (name, description) values ('default', 'The gateway group of a fresh installation');

create table objects (
    -- Random. Sealed values inside `spec` are bound to it.
    id text primary key,
    group_name text not null references gateway_groups (name),
    kind text not null,
    -- The consumer of a credential, the service of a route.
    parent text references objects (id) on delete cascade,
    -- `parent`, or empty: null would never collide in a unique constraint.
    scope text not null,
    -- Unique in its scope: `vault/my-vault`, `Alice`, `key-auth/primary-key`, a service's name.
    name text not null,
    revision bigint not null,
    spec text not null,
    updated_at bigint not null,
    constraint objects_name unique (group_name, kind, scope, name)
);

create index objects_parent on objects (parent);

-- What an object looked like at each of its last revisions, secrets masked: to tell an operator what
-- someone else changed.
create table history (
    object_id text not null references objects (id) on delete cascade,
    revision bigint not null,
    masked text not null,
    constraint history_key primary key (object_id, revision)
);

-- Facts about this database itself.
create table facts (
    name text primary key,
    value text not null
);
