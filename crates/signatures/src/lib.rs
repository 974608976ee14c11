#![doc = include_str!("../README.md")]

mod hmac;
mod jwt;

pub use hmac::http_signature_keys;
pub use jwt::jwt_key;
