-- Lists of a great many objects: pages in order of name, and a search, none of which reads the whole list.
--
-- The table is made anew, with a number for each object: the search names what it finds by number, and numbers that
-- are no column of their own may change when a database is copied or vacuumed. This file is for SQLite: FTS5 is its
-- own, as `nocase` is.

create table numbered_objects (
    -- In the order in which they were added.
    number integer primary key,
    -- Random. Sealed values inside `spec` are bound to it.
    id text not null,
    group_name text not null references gateway_groups (name),
    kind text not null,
    -- The consumer of a credential, the service of a route.
    parent text references numbered_objects (id) on delete cascade,
    -- `parent`, or empty: null would never collide in a unique constraint.
    scope text not null,
    -- Unique in its scope: `vault/my-vault`, `Alice`, `key-auth/primary-key`, a service's name.
    name text not null,
    revision bigint not null,
    spec text not null,
    updated_at bigint not null,
    -- What its list is searched for besides the name. None: there is no list of that kind that is searched.
    search text,
    constraint objects_id unique (id),
    constraint objects_name unique (group_name, kind, scope, name)
);

-- A consumer's description and labels, which the program writes from now on.
insert into numbered_objects (id, group_name, kind, parent, scope, name, revision, spec, updated_at, search)
select id, group_name, kind, parent, scope, name, revision, spec, updated_at,
    case kind when 'consumer' then
        coalesce(spec ->> '$.description', '')
        || coalesce((select char(10) || group_concat(key || '=' || value, char(10)) from json_each(spec, '$.labels')), '')
    end
from objects
order by rowid;

create table numbered_history (
    object_id text not null references numbered_objects (id) on delete cascade,
    revision bigint not null,
    masked text not null,
    constraint history_key primary key (object_id, revision)
);

insert into numbered_history (object_id, revision, masked) select object_id, revision, masked from history;

drop table history;
drop table objects;
alter table numbered_objects rename to objects;
alter table numbered_history rename to history;

create index objects_parent on objects (parent);

-- The order of lists: as a person sorts, and where that makes no difference as the computer does.
create index objects_listed on objects (group_name, kind, name collate nocase, name) where search is not null;

create view searched_objects as select number, name, search from objects where search is not null;

-- Every three characters in a row, and where they stand. Holds nothing else: `rebuild` makes it anew of the view.
create virtual table object_words using fts5 (
    name, search, content = 'searched_objects', content_rowid = 'number', tokenize = 'trigram'
);

insert into object_words (object_words) values ('rebuild');

create trigger objects_added after insert on objects when new.search is not null begin
    insert into object_words (rowid, name, search) values (new.number, new.name, new.search);
end;

create trigger objects_changed after update of name, search on objects
when old.search is not null and (old.name, old.search) is not (new.name, new.search) begin
    insert into object_words (object_words, rowid, name, search) values ('delete', old.number, old.name, old.search);
    insert into object_words (rowid, name, search) values (new.number, new.name, new.search);
end;

create trigger objects_deleted after delete on objects when old.search is not null begin
    insert into object_words (object_words, rowid, name, search) values ('delete', old.number, old.name, old.search);
end;
