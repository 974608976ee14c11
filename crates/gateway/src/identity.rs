//! Who a request comes from.

use crate::headers;
use http::{HeaderMap, HeaderValue};
use postern::name::ObjectId;
use postern::snapshot::{KeyCredential, SnapshotConsumer};
use std::sync::Arc;

/// Who a request comes from. It shares its texts with the snapshot: what the gateway keeps for a consumer is there once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) consumer: Arc<SnapshotConsumer>,
    /// Absent for the anonymous consumer, and for one known by a plugin of its own.
    pub(crate) credential: Option<ObjectId>,
    /// Whether the request has proved nothing.
    pub(crate) is_anonymous: bool,
}

impl Identity {
    pub(crate) fn of(found: &KeyCredential) -> Self {
        Self { credential: Some(found.credential.clone()), ..Self::of_plugin(found) }
    }

    /// The identity of a consumer that is known by a plugin of its own.
    pub(crate) fn of_plugin(found: &KeyCredential) -> Self {
        Self { consumer: Arc::clone(&found.consumer), credential: None, is_anonymous: false }
    }

    /// The identity of requests that show no credential and count as `consumer`'s.
    pub(crate) fn anonymous(consumer: &SnapshotConsumer) -> Self {
        Self { consumer: Arc::new(consumer.clone()), credential: None, is_anonymous: true }
    }

    /// Tells the upstream server. A label that no header can have is left out.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let told = [
            (&headers::CONSUMER, Some(self.consumer.name.as_str())),
            (&headers::CREDENTIAL, self.credential.as_ref().map(ObjectId::as_str)),
            (&headers::CUSTOM_ID, self.consumer.custom_id.as_deref()),
        ];
        for (name, text) in told {
            if let Some(value) = text.and_then(|text| HeaderValue::from_str(text).ok()) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_no_header_can_have_is_left_out() {
        for (label, sent) in [(None, None), (Some("42"), Some("42")), (Some("4\n2"), None)] {
            let consumer = SnapshotConsumer { name: "alice".parse().unwrap(), custom_id: label.map(Into::into) };
            let mut headers = HeaderMap::new();
            Identity::anonymous(&consumer).tell(&mut headers);
            assert_eq!(headers.get(&headers::CONSUMER).unwrap(), "alice");
            assert_eq!(headers.get(&headers::CUSTOM_ID).map(HeaderValue::as_bytes), sent.map(str::as_bytes));
            assert!(!headers.contains_key(&headers::CREDENTIAL));
        }
    }
}
