//! The engine against real OpenBao servers, against AWS's API as moto serves it, and against a few faults that no real server shows.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "helpers of tests; clippy allows it in tests only"
)]

mod access;
mod aws;
mod aws_identity;
mod broken;
mod broken_aws;
mod diagnose;
mod engine;
mod environment;
mod extensions;
mod faults;
mod kept;
mod kubernetes;
mod login;
mod names;
mod outage;
mod read;
mod support;
mod tls;
mod token_file;
mod vectors;
mod versions;
