//! What is done when all that is held for connections, to be sent, to be handled or
//! for its rest to come, reaches its bound: who has the most of it is let go, so that
//! everybody else goes on as before.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::account::Budget;
use crate::connection::Connection;
use crate::registry::Registry;

/// Connections take a moment to end, and are not looked at again before that.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs until dropped.
pub(crate) async fn shed(registry: Arc<Registry>) {
    loop {
        registry.totals().pressure.notified().await;
        let handlers = registry.handlers();
        for handler in &handlers {
            end_the_longest(&handler.account.queued, || handler.connections());
        }
        let all = || handlers.iter().flat_map(|handler| handler.connections()).collect();
        end_the_longest(&registry.totals().queued, all);
        sleep(PAUSE).await;
    }
}

/// Brings what is held back to three quarters of its bound, if that is reached.
fn end_the_longest(budget: &Budget, connections: impl FnOnce() -> Vec<Arc<Connection>>) {
    let Some(mut surplus) = budget.surplus() else { return };
    let connections = connections().into_iter();
    let mut held: Vec<_> = connections.map(|each| (each.charged(), each)).collect();
    held.sort_unstable_by_key(|(bytes, _)| Reverse(*bytes));
    for (bytes, connection) in held.into_iter().take_while(|(bytes, _)| *bytes > 0) {
        // What is on its way counts: otherwise one more would be ended for it, and one
        // more, as long as a busy host has not come to do it.
        if connection.shed(budget.name()) {
            surplus = surplus.saturating_sub(bytes);
        }
        if surplus == 0 {
            return;
        }
    }
}
