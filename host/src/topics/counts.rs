//! Deliveries, added up before they are counted: many follow one another that are of
//! the same handler.

use std::sync::Arc;

use crate::account::Account;
use crate::connection::Delivered;
use crate::metrics::Tally;

/// What has not been counted yet. It is when this is dropped, or another handler's
/// come.
#[derive(Default)]
pub(super) struct Counts {
    account: Option<Arc<Account>>,
    delivered: u64,
    dropped: u64,
    sent: Tally,
}

impl Counts {
    pub(super) fn add(&mut self, account: &Arc<Account>, delivered: &mut Delivered) {
        if !self.account.as_ref().is_some_and(|known| Arc::ptr_eq(known, account)) {
            self.settle();
            self.account = Some(account.clone());
        }
        self.delivered += delivered.queued;
        self.dropped += delivered.refused;
        self.sent.take(&mut delivered.sent);
    }

    fn settle(&mut self) {
        let (delivered, dropped) = (self.delivered, self.dropped);
        (self.delivered, self.dropped) = (0, 0);
        if let Some(account) = self.account.take() {
            account.metrics.topics.delivered.inc_by(delivered);
            account.metrics.topics.dropped.inc_by(dropped);
            account.metrics.sent(&mut self.sent);
        }
    }
}

impl Drop for Counts {
    fn drop(&mut self) {
        self.settle();
    }
}
