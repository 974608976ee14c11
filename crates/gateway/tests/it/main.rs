//! The gateway over real sockets, in front of an upstream server of the test's own.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod auth;
mod authz_casdoor;
mod balancing;
mod basic_auth;
mod cors;
mod echo;
mod framing;
mod hmac_auth;
mod http2_framing;
mod http2_upstream;
mod jwt_auth;
mod ldap_auth;
mod lifecycle;
mod limit_count;
mod limits;
mod observing;
mod phases;
mod proxy_rewrite;
mod proxying;
mod reasons;
mod request_id;
mod response_rewrite;
mod restrictions;
mod slow;
mod support;
mod tls;
mod upstream;
mod upstream_tls;
mod websocket;
mod wolf_rbac;
