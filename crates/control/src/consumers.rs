//! Consumers: add, save, delete.

use crate::Inner;
use crate::config::{Change, Config, Deleted, Object};
use crate::errors::{Described, not_found};
use crate::row::open_row;
use postern::consumer::Consumer;
use postern::control::{Answer, ConsumerView};
use postern::name::ConsumerName;
use std::sync::Arc;
use store::{Kind, NewRow};

impl Inner {
    pub(crate) fn consumers(&self) -> Answer<Vec<ConsumerView>> {
        let config = self.config();
        Ok(config.consumers.values().map(|object| self.consumer_view(&config, object)).collect())
    }

    pub(crate) fn consumer(&self, name: &ConsumerName) -> Answer<ConsumerView> {
        let config = self.config();
        Ok(self.consumer_view(&config, stored_consumer(&config, name)?))
    }

    pub(crate) async fn add_consumer(&self, consumer: Consumer) -> Answer<ConsumerView> {
        let _changing = self.changing.lock().await;
        let new = new_row(&uuid::Uuid::new_v4().to_string(), &consumer)?;
        let row =
            self.storing(self.store.insert(&self.group, &new, self.now())).await.map_err(|e| consumer.describe(e))?;
        self.changed(Change::Saved(row)).await?;
        self.consumer(&consumer.name)
    }

    pub(crate) async fn save_consumer(&self, revision: u64, consumer: Consumer) -> Answer<ConsumerView> {
        let _changing = self.changing.lock().await;
        let config = self.config();
        let row = &stored_consumer(&config, &consumer.name)?.row;
        let saved = self.storing(self.store.update(&new_row(row, &consumer)?, revision, self.now())).await;
        let row = self.answer_save(saved, &consumer, row, revision).await?;
        self.changed(Change::Saved(row)).await?;
        self.consumer(&consumer.name)
    }

    pub(crate) async fn delete_consumer(&self, name: &ConsumerName) -> Answer<()> {
        let _changing = self.changing.lock().await;
        let config = self.config();
        let object = stored_consumer(&config, name)?;
        self.storing(self.store.delete(&object.row)).await.map_err(|e| object.stored.object.describe(e))?;
        self.changed(Change::Deleted(Deleted::Consumer(name.clone()))).await
    }
}

pub(crate) fn stored_consumer<'a>(config: &'a Config, name: &ConsumerName) -> Answer<&'a Object<Consumer>> {
    config.consumers.get(name).map(Arc::as_ref).ok_or_else(|| not_found("consumer", name))
}

fn new_row(id: &str, consumer: &Consumer) -> Answer<NewRow> {
    open_row(id, Kind::Consumer, None, consumer.name.to_string(), consumer)
}
