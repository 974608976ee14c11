//! What is told of limit-count: its names and its fields. What the fields say of each other is in `read.rs`.

use super::policy::is_host;
use super::{LimitCountPlugin, ServerAddress};
use crate::plugin::SecretAt;
use crate::plugin::about::{About, Phase};
use crate::plugin::schema::{Field, Form, Kind};

/// What is told of it.
pub const ABOUT: About = About {
    slug: "limit-count",
    label: "Limit Count",
    summary: "Lets only so many requests pass in so much time, counted here or in Redis.",
    consequence_of_removal: "Requests are no longer limited by their number",
    priority: 1002,
    phase: Phase::Access,
    fields: FIELDS,
    metadata: super::metadata::FIELDS,
    check: |fields| LimitCountPlugin::<SecretAt>::parse(fields).err().unwrap_or_default(),
    servers: |fields| {
        LimitCountPlugin::<SecretAt>::parse(fields).map_or_else(|_| Vec::new(), |limit| limit.policy.servers())
    },
    example: "{\n  \"count\": 3,\n  \"time_window\": 60,\n  \"key_type\": \"var\",\n  \"key\": \"remote_addr\",\n  \"policy\": \"local\",\n  \"rejected_code\": 429\n}",
    ..About::BASE
};

/// A number, or a text with variables that becomes one.
const AMOUNT: Kind = Kind::Either(&[Kind::Integer { min: 1, max: super::MAX_AMOUNT as i64 }, Kind::TEXT]);

/// A name or an address; the port has a field of its own.
const SERVER: Kind = Kind::Form(&Form {
    pattern: "^[A-Za-z0-9._:-]{2,253}$",
    read: |text| {
        let is_one = text.len() > 1 && is_host(text);
        is_one.then_some(()).ok_or_else(|| {
            "This is a name or an address alone, such as redis.example.com; the port stands in a field of its own."
                .to_owned()
        })
    },
});

/// `host:port`.
const SERVER_ADDRESS: Kind = Kind::Form(&Form {
    pattern: "^([A-Za-z0-9._-]{1,253}|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$",
    read: |text| text.parse::<ServerAddress>().map(drop).map_err(|error| error.to_string()),
});

const PORT: Kind = Kind::Integer { min: 1, max: 65_535 };

/// In ms.
const TIMEOUT: Kind = Kind::Integer { min: 1, max: 60_000 };

const SENTINEL: &[Field] = &[
    Field::new("host", SERVER, "The sentinel's name or address.").needed("A sentinel has host and port."),
    Field::new("port", PORT, "The sentinel's port, often 26379.").needed("A sentinel has host and port."),
];

const RULE: &[Field] = &[
    Field::new("count", AMOUNT, "How many requests pass in one window, or a text with variables that says so.")
        .needed("A rule has count, time_window and key."),
    Field::new("time_window", AMOUNT, "How long a window is, in seconds, or a text with variables that says so.")
        .needed("A rule has count, time_window and key."),
    Field::new(
        "key",
        Kind::TEXT,
        "What has a counter of its own: a text with variables. Requests without them are not under this rule.",
    )
    .needed("A rule has count, time_window and key."),
    Field::new(
        "header_prefix",
        Kind::Text { min: 1, max: 64 },
        "Stands before RateLimit- in the headers; without it the rule's number does.",
    ),
];

/// Field names and defaults as in APISIX 3.18.
const FIELDS: &[Field] = &[
    Field::new(
        "count",
        AMOUNT,
        "How many requests pass in one window, or a text with variables such as \"$http_x_limit\".",
    ),
    Field::new("time_window", AMOUNT, "How long a window is, in seconds, or a text with variables that says so."),
    Field::new("window_type", Kind::OneOf(&["fixed", "sliding"]), "Whether windows follow each other, or slide.")
        .or("\"fixed\""),
    Field::new(
        "rules",
        Kind::some(&Kind::Object(RULE)),
        "Several limits that hold together, in place of count and time_window.",
    ),
    Field::new(
        "key_type",
        Kind::OneOf(&["var", "var_combination", "constant"]),
        "How key is read: as one variable, as a text with variables, or as it stands.",
    )
    .or("\"var\""),
    Field::new("key", Kind::TEXT, "What has a counter of its own: remote_addr, consumer_name, http_x_tenant.")
        .or("\"remote_addr\""),
    Field::new(
        "group",
        Kind::TEXT,
        "Services and routes with the same group share one counter; all their fields must be the same.",
    ),
    Field::new(
        "policy",
        Kind::OneOf(&["local", "redis", "redis-cluster", "redis-sentinel"]),
        "Where the counters are: in this gateway's memory, or in a Redis for all gateways that share it.",
    )
    .or("\"local\"")
    .server(),
    Field::new("rejected_code", Kind::Integer { min: 200, max: 599 }, "The status of a refused request.").or("503"),
    Field::new("rejected_msg", Kind::TEXT, "The error_msg of a refused request; without it the body is empty."),
    Field::new("allow_degradation", Kind::Boolean, "Whether requests pass while the counters cannot be reached.")
        .or("false"),
    Field::new(
        "show_limit_quota_header",
        Kind::Boolean,
        "Whether answers carry X-RateLimit-Limit, -Remaining and -Reset.",
    )
    .or("true"),
    Field::new(
        "sync_interval",
        Kind::Number { min: -1.0, max: 86_400.0 },
        "Requests are counted here, and Redis is told so often, in seconds; -1 asks Redis at every request.",
    ),
    Field::new("redis_host", SERVER, "The Redis server's name or address, for the policy redis.").server(),
    Field::new("redis_port", PORT, "The Redis server's port, for the policy redis: 6379 when it is left out.").server(),
    Field::new("redis_username", Kind::TEXT, "The Redis ACL user; sent only with a password.").secret(),
    Field::new("redis_password", Kind::TEXT, "The Redis password.").secret(),
    Field::new(
        "redis_database",
        Kind::Integer { min: 0, max: 65_535 },
        "The number of the Redis database: 0 when it is left out. A cluster has one database.",
    ),
    Field::new(
        "redis_timeout",
        TIMEOUT,
        "How long connecting and each answer may take, in ms, for the policies redis and redis-cluster: 1000 when it is left out.",
    ),
    Field::new(
        "redis_ssl",
        Kind::Boolean,
        "Whether Redis is spoken to over TLS, for the policy redis: false when it is left out.",
    )
    .server(),
    Field::new(
        "redis_ssl_verify",
        Kind::Boolean,
        "Whether the Redis server's certificate is verified: false when it is left out.",
    )
    .server(),
    Field::new(
        "redis_keepalive_timeout",
        Kind::Integer { min: 1, max: 3_600_000 },
        "How long an unused connection is kept, in ms: 10000 when it is left out, 60000 with redis-sentinel.",
    ),
    Field::new(
        "redis_keepalive_pool",
        Kind::Integer { min: 1, max: 100_000 },
        "How many unused connections are kept: 100 when it is left out.",
    ),
    Field::new(
        "redis_cluster_nodes",
        Kind::some(&SERVER_ADDRESS),
        "Some servers of the cluster, which name the others, each as host:port, for the policy redis-cluster.",
    )
    .server(),
    Field::new("redis_cluster_name", Kind::TEXT, "What the cluster is called, for the policy redis-cluster."),
    Field::new(
        "redis_cluster_ssl",
        Kind::Boolean,
        "Whether the cluster is spoken to over TLS: false when it is left out.",
    )
    .server(),
    Field::new(
        "redis_cluster_ssl_verify",
        Kind::Boolean,
        "Whether the certificates of the cluster's servers are verified: false when it is left out.",
    )
    .server(),
    Field::new(
        "redis_sentinels",
        Kind::some(&Kind::Object(SENTINEL)),
        "The sentinels that know which server is the master, for the policy redis-sentinel.",
    )
    .server(),
    Field::new("redis_master_name", Kind::TEXT, "The name under which the sentinels watch the master.").server(),
    Field::new(
        "redis_role",
        Kind::OneOf(&["master", "slave"]),
        "Whether the master is counted in, or a replica that may be written to: master when it is left out.",
    ),
    Field::new("sentinel_username", Kind::TEXT, "The sentinels' own ACL user; sent only with a password.").secret(),
    Field::new("sentinel_password", Kind::TEXT, "The sentinels' own password.").secret(),
    Field::new(
        "redis_connect_timeout",
        TIMEOUT,
        "How long each connection may take, in ms, for the policy redis-sentinel: 1000 when it is left out.",
    ),
    Field::new(
        "redis_read_timeout",
        TIMEOUT,
        "How long each answer may take, in ms, for the policy redis-sentinel: 1000 when it is left out.",
    ),
];
