//! New ids of the four kinds that request-id makes. They are no secrets, and need only differ.

use http::HeaderValue;
use postern::plugin::request_id::{Algorithm, RangeId};
use postern::time::Millis;

/// nanoid's alphabet.
const URL_SAFE: &[u8; 64] = b"_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// ksuid's alphabet, in the order of its characters, so that ids sort as their numbers do.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The second that ksuids count from: 2014-05-13 16:53:20 UTC.
const KSUID_EPOCH: u64 = 1_400_000_000;

/// A new id.
pub(super) fn new(algorithm: Algorithm, range: &RangeId, now: Millis) -> HeaderValue {
    let text = match algorithm {
        Algorithm::Uuid => uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid().to_string(),
        Algorithm::Nanoid => some(21, URL_SAFE),
        Algorithm::RangeId => some(usize::from(range.length), range.char_set.as_bytes()),
        Algorithm::Ksuid => ksuid(now, fastrand::u128(..)),
    };
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("none"))
}

fn some(length: usize, of: &[u8]) -> String {
    std::iter::repeat_with(|| of[fastrand::usize(..of.len())]).take(length).map(char::from).collect()
}

/// 32 bits of seconds and 128 random ones, as 27 digits to the base of 62 (segmentio/ksuid).
fn ksuid(now: Millis, random: u128) -> String {
    let seconds = u32::try_from((now.0 / 1000).saturating_sub(KSUID_EPOCH)).unwrap_or(u32::MAX);
    let mut words = [seconds, 0, 0, 0, 0];
    for (word, bytes) in words[1..].iter_mut().zip(random.to_be_bytes().as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let mut digits = [b'0'; 27];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0;
        for word in &mut words {
            let number = (rest << 32) | u64::from(*word);
            // Less than the base times 2^32, divided by the base.
            *word = u32::try_from(number / 62).unwrap_or(u32::MAX);
            rest = number % 62;
        }
        *digit = BASE62[usize::try_from(rest).unwrap_or_default()];
    }
    digits.map(char::from).iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of segmentio/ksuid's README.
    #[test]
    fn a_ksuid_is_its_time_and_its_payload() {
        let now = Millis((KSUID_EPOCH + 107_608_047) * 1000);
        assert_eq!(ksuid(now, 0xB5A1_CD34_B5F9_9D11_54FB_6853_345C_9735), "0ujtsYcgvSTl8PAuAdqWYSMnLOv");
        assert_eq!(ksuid(Millis(0), 0), "0".repeat(27));
    }

    #[test]
    fn every_kind_has_its_form_and_no_two_are_the_same() {
        let range = RangeId { length: 8, char_set: "abcdef".to_owned() };
        let now = Millis(1_725_604_889_000);
        for (algorithm, length, of) in [
            (Algorithm::Uuid, 36, "0123456789abcdef-"),
            (Algorithm::Nanoid, 21, "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            (Algorithm::RangeId, 8, "abcdef"),
            (Algorithm::Ksuid, 27, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
        ] {
            let id = new(algorithm, &range, now);
            let text = id.to_str().unwrap();
            assert!(text.len() == length && text.chars().all(|c| of.contains(c)), "{algorithm:?}: {text}");
            if algorithm != Algorithm::RangeId {
                assert_ne!(id, new(algorithm, &range, now));
            }
        }
        let uuid = new(Algorithm::Uuid, &range, now);
        assert_eq!(&uuid.to_str().unwrap()[14..15], "4");
    }
}
