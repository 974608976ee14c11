//! Consumers: add, save, delete.

use crate::Inner;
use crate::config::{Config, Object};
use crate::errors::{Described, not_found};
use crate::row::open_row;
use postern::consumer::Consumer;
use postern::control::{Answer, ConsumerView};
use postern::name::{ConsumerName, GroupName};
use store::{Kind, NewRow};

impl Inner {
    pub(crate) fn consumers(&self, group: &GroupName) -> Answer<Vec<ConsumerView>> {
        self.check_group(group)?;
        let config = self.config();
        Ok(config.consumers.values().map(|object| self.consumer_view(&config, object)).collect())
    }

    pub(crate) fn consumer(&self, group: &GroupName, name: &ConsumerName) -> Answer<ConsumerView> {
        self.check_group(group)?;
        let config = self.config();
        Ok(self.consumer_view(&config, stored_consumer(&config, name)?))
    }

    pub(crate) async fn add_consumer(&self, group: &GroupName, consumer: Consumer) -> Answer<ConsumerView> {
        self.check_group(group)?;
        let _changing = self.changing.lock().await;
        let new = new_row(&uuid::Uuid::new_v4().to_string(), &consumer)?;
        self.store.insert(group, &new, self.now()).await.map_err(|e| consumer.describe(e))?;
        self.changed().await?;
        self.consumer(group, &consumer.name)
    }

    pub(crate) async fn save_consumer(
        &self,
        group: &GroupName,
        revision: u64,
        consumer: Consumer,
    ) -> Answer<ConsumerView> {
        self.check_group(group)?;
        let _changing = self.changing.lock().await;
        let config = self.config();
        let row = &stored_consumer(&config, &consumer.name)?.row;
        let saved = self.store.update(&new_row(row, &consumer)?, revision, self.now()).await;
        self.answer_save(saved, &consumer, row, revision).await?;
        self.changed().await?;
        self.consumer(group, &consumer.name)
    }

    pub(crate) async fn delete_consumer(&self, group: &GroupName, name: &ConsumerName) -> Answer<()> {
        self.check_group(group)?;
        let _changing = self.changing.lock().await;
        let config = self.config();
        let object = stored_consumer(&config, name)?;
        self.store.delete(&object.row).await.map_err(|e| object.stored.object.describe(e))?;
        self.changed().await
    }
}

pub(crate) fn stored_consumer<'a>(config: &'a Config, name: &ConsumerName) -> Answer<&'a Object<Consumer>> {
    config.consumers.get(name).ok_or_else(|| not_found("consumer", name))
}

fn new_row(id: &str, consumer: &Consumer) -> Answer<NewRow> {
    open_row(id, Kind::Consumer, None, consumer.name.to_string(), consumer)
}
