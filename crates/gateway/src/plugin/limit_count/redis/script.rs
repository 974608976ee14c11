//! What Redis does for one request: one script, so that nothing comes in between.

use super::super::window::Decision;
use postern::plugin::limit_count::WindowType;
use redis::aio::ConnectionLike;
use redis::{Cmd, ErrorKind, RedisError, RedisResult, Script, ServerErrorKind, cmd};
use std::sync::LazyLock;

/// KEYS: the counter. ARGV: limit, seconds, requests. Answers count and ms left.
const FIXED: &str = "local left = redis.call('PTTL', KEYS[1])
if left <= 0 then
  redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[2])
  return {tonumber(ARGV[3]), tonumber(ARGV[2]) * 1000}
end
return {redis.call('INCRBY', KEYS[1], ARGV[3]), left}";

/// The same of a sliding window, by Redis' clock. ARGV[4] is 1 for requests that have passed already: they are
/// counted whether there is room or not. Answers whether it passes, what remains, and ms left.
const SLIDING: &str = "local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local limit, size, requests = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000, tonumber(ARGV[3])
local id = math.floor(now / size)
local held = redis.call('HMGET', KEYS[1], 'id', 'count', 'before')
local count, before = 0, 0
if held[1] then
  local age = id - tonumber(held[1])
  if age == 0 then
    count, before = tonumber(held[2]), tonumber(held[3])
  elseif age == 1 then
    before = tonumber(held[2])
  end
end
local left = size - now % size
local room = limit - count - math.min(before, limit) * left / size - requests
if room < 0 and ARGV[4] ~= '1' then
  return {0, 0, left}
end
if requests > 0 then
  redis.call('HSET', KEYS[1], 'id', id, 'count', count + requests, 'before', before)
  redis.call('PEXPIRE', KEYS[1], size * 2)
end
return {1, math.max(0, math.floor(room)), left}";

static HASHES: LazyLock<[Script; 2]> = LazyLock::new(|| [Script::new(FIXED), Script::new(SLIDING)]);

/// Requests to be counted together.
#[derive(Clone, Copy)]
pub(in super::super) struct Ask<'a> {
    pub(in super::super) key: &'a str,
    pub(in super::super) window_type: WindowType,
    pub(in super::super) limit: u64,
    pub(in super::super) seconds: u64,
    pub(in super::super) requests: Requests,
}

/// Which requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Requests {
    /// One that waits for the decision.
    One,
    /// So many that have passed already; with 0 Redis only tells what remains.
    Passed(u64),
}

/// EVALSHA; EVAL when Redis does not have the script, which a user may do who may not load scripts.
pub(super) async fn run(connection: &mut impl ConnectionLike, ask: &Ask<'_>) -> RedisResult<Decision> {
    let [fixed, sliding] = &*HASHES;
    let (script, source) = match ask.window_type {
        WindowType::Fixed => (fixed, FIXED),
        WindowType::Sliding => (sliding, SLIDING),
    };
    let answer: RedisResult<Vec<u64>> = ask.command("EVALSHA", script.get_hash()).query_async(connection).await;
    let answer = match answer {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            ask.command("EVAL", source).query_async(connection).await
        }
        answer => answer,
    };
    ask.decision(&answer?).ok_or_else(|| RedisError::from((ErrorKind::UnexpectedReturnType, "not a count")))
}

impl Ask<'_> {
    fn command(&self, name: &str, script: &str) -> Cmd {
        let (requests, have_passed) = match self.requests {
            Requests::One => (1, 0),
            Requests::Passed(requests) => (requests, 1),
        };
        let mut command = cmd(name);
        command.arg(script).arg(1).arg(self.key).arg(self.limit).arg(self.seconds).arg(requests).arg(have_passed);
        command
    }

    fn decision(&self, answer: &[u64]) -> Option<Decision> {
        match (self.window_type, answer) {
            (WindowType::Fixed, [count, left]) => Some(Decision::fixed(self.limit, *count, *left)),
            (WindowType::Sliding, [passes, remaining, left]) => {
                Some(Decision { passes: *passes == 1, remaining: *remaining, reset_ms: (*left).max(1) })
            }
            _ => None,
        }
    }
}
