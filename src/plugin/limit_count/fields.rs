//! What is told of limit-count: its names and its fields. What the fields say of each other is in `read.rs`.

use super::LimitCountPlugin;
use crate::plugin::SecretAt;
use crate::plugin::about::{About, Phase};
use crate::plugin::schema::{Field, Kind};

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
    example: "{\n  \"count\": 3,\n  \"time_window\": 60,\n  \"key_type\": \"var\",\n  \"key\": \"remote_addr\",\n  \"policy\": \"local\",\n  \"rejected_code\": 429\n}",
    ..About::BASE
};

/// A number, or a text with variables that becomes one.
const AMOUNT: Kind = Kind::Either(&[Kind::Integer { min: 1, max: super::MAX_AMOUNT as i64 }, Kind::TEXT]);

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
        Kind::OneOf(&["local", "redis"]),
        "Where the counters are: in this gateway's memory, or in one Redis for all gateways that share it.",
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
        "How often counters are brought to Redis, in seconds; -1 asks Redis at every request.",
    ),
    Field::new(
        "redis_host",
        Kind::Text { min: 2, max: 253 },
        "The Redis server's name or address, for the policy redis.",
    )
    .server(),
    Field::new(
        "redis_port",
        Kind::Integer { min: 1, max: 65_535 },
        "The Redis server's port: 6379 when it is left out.",
    )
    .server(),
    Field::new("redis_username", Kind::TEXT, "The Redis ACL user; sent only with a password.").secret(),
    Field::new("redis_password", Kind::TEXT, "The Redis password.").secret(),
    Field::new(
        "redis_database",
        Kind::Integer { min: 0, max: 65_535 },
        "The number of the Redis database: 0 when it is left out.",
    ),
    Field::new(
        "redis_timeout",
        Kind::Integer { min: 1, max: 60_000 },
        "How long connecting and each answer may take, in ms: 1000 when it is left out.",
    ),
    Field::new("redis_ssl", Kind::Boolean, "Whether Redis is spoken to over TLS: false when it is left out.").server(),
    Field::new(
        "redis_ssl_verify",
        Kind::Boolean,
        "Whether the Redis server's certificate is verified: false when it is left out.",
    )
    .server(),
    Field::new(
        "redis_keepalive_timeout",
        Kind::Integer { min: 1000, max: 3_600_000 },
        "How long an unused connection is kept, in ms: 10000 when it is left out.",
    ),
    Field::new(
        "redis_keepalive_pool",
        Kind::Integer { min: 1, max: 100_000 },
        "How many unused connections are kept: 100 when it is left out.",
    ),
];
