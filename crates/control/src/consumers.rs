//! Consumers: add, save, delete. What only the dashboard shows of them is read from the store.

use crate::Inner;
use crate::config::{Change, Config, Deleted, Object};
use crate::errors::{Described, internal, not_found};
use crate::row::open_row;
use crate::views::consumer_view;
use postern::consumer::Consumer;
use postern::control::{Answer, ConsumerView};
use postern::name::{ConsumerName, ObjectId};
use postern::page::{Page, PageQuery};
use std::collections::HashMap;
use std::sync::Arc;
use store::{Kind, NewRow};

impl Inner {
    /// What is shown of a page is read for its rows alone.
    pub(crate) async fn consumers(&self, query: &PageQuery) -> Answer<Page<ConsumerView>> {
        let whole = Some(self.config().consumers.len());
        let page = self.store.page(&self.group, Kind::Consumer, query, whole).await.map_err(internal)?;
        let shown: Vec<&str> = page.rows.iter().map(|row| row.id.as_str()).collect();
        let pairs = self.store.belonging(&shown, Kind::Credential).await.map_err(internal)?;
        let mut credentials: HashMap<String, Vec<ObjectId>> = HashMap::new();
        for (consumer, credential) in pairs {
            credentials.entry(consumer).or_default().push(credential.parse().map_err(internal)?);
        }
        let published = self.published();
        page.try_map(|row| {
            let credentials = credentials.remove(&row.id).unwrap_or_default();
            let consumer = Object::<Consumer>::decode(row).map_err(internal)?;
            Ok(consumer_view(&published.armed, &consumer, &credentials))
        })
    }

    pub(crate) async fn consumer(&self, name: &ConsumerName) -> Answer<ConsumerView> {
        let consumer = self.stored_consumer(name).await?;
        let credentials = self.credential_ids(&consumer).await?;
        Ok(consumer_view(&self.published().armed, &consumer, &credentials))
    }

    pub(crate) async fn add_consumer(&self, consumer: Consumer) -> Answer<ConsumerView> {
        let _changing = self.changing.lock().await;
        let new = new_row(&uuid::Uuid::new_v4().to_string(), &consumer)?;
        let row =
            self.storing(self.store.insert(&self.group, &new, self.now())).await.map_err(|e| consumer.describe(e))?;
        self.changed(Change::Saved(row)).await?;
        self.consumer(&consumer.name).await
    }

    pub(crate) async fn save_consumer(&self, revision: u64, consumer: Consumer) -> Answer<ConsumerView> {
        let _changing = self.changing.lock().await;
        let before = self.stored_consumer(&consumer.name).await?;
        let credentials = self.credential_ids(&before).await?;
        let saved = self.storing(self.store.update(&new_row(&before.row, &consumer)?, revision, self.now())).await;
        let row = self.answer_save(saved, &consumer, &before.row, revision).await?;
        self.changed(Change::SavedConsumer(row, credentials)).await?;
        self.consumer(&consumer.name).await
    }

    pub(crate) async fn delete_consumer(&self, name: &ConsumerName) -> Answer<()> {
        let _changing = self.changing.lock().await;
        let consumer = self.stored_consumer(name).await?;
        let credentials = self.credential_ids(&consumer).await?;
        self.storing(self.store.delete(&consumer.row)).await.map_err(|e| consumer.stored.object.describe(e))?;
        self.changed(Change::Deleted(Deleted::Consumer(name.clone(), credentials))).await
    }

    /// A consumer as it is stored now.
    pub(crate) async fn stored_consumer(&self, name: &ConsumerName) -> Answer<Arc<Object<Consumer>>> {
        let row = self.store.object_named(&self.group, Kind::Consumer, name.as_str()).await.map_err(internal)?;
        Object::decode(row.ok_or_else(|| not_found("consumer", name))?).map_err(internal)
    }

    /// The credentials that the consumer has now.
    async fn credential_ids(&self, consumer: &Object<Consumer>) -> Answer<Vec<ObjectId>> {
        let rows = self.store.children(&consumer.row, Kind::Credential).await.map_err(internal)?;
        rows.iter().map(|row| row.id.parse().map_err(internal)).collect()
    }
}

/// There is such a consumer in the configuration in force.
pub(crate) fn known_consumer(config: &Config, name: &ConsumerName) -> Answer<()> {
    if config.consumers.contains(name.as_str()) { Ok(()) } else { Err(not_found("consumer", name)) }
}

fn new_row(id: &str, consumer: &Consumer) -> Answer<NewRow> {
    let row = open_row(id, Kind::Consumer, None, consumer.name.to_string(), consumer)?;
    Ok(NewRow { search: Some(consumer.search_text()), ..row })
}
