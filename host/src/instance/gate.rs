//! The export `gate`: an event before the handshake is answered.

use std::sync::Arc;

use super::{GateParams, GateResults, Instance};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::gate::{Decision, Question};

impl Instance {
    /// What the gate decides about a handshake; none where there is no gate.
    pub(crate) async fn on_request(
        &mut self,
        connection: &Arc<Connection>,
    ) -> Result<Option<Decision>, Failure> {
        let Some(on_request) = self.rare().and_then(|rare| rare.on_request) else {
            return Ok(None);
        };
        let Some(request) = connection.shared().mailbox.lend_request() else { return Ok(None) };
        let (meter, id) = (self.meter(), connection.id());
        let store = &mut self.store;
        store.data_mut().begin_gate(connection);
        let decided = {
            let headers = request.headers();
            let address = request.remote_address.to_string();
            let param = request.param(&headers, &address);
            let event = async {
                let on_request = on_request.typed::<GateParams<'_>, GateResults>(&mut *store)?;
                Ok(on_request.call_async(&mut *store, (id, param)).await?.0)
            };
            Box::pin(meter.event(self.limits.event_wall_time, &self.account.turns, event)).await
        };
        connection.shared().mailbox.return_request(request);
        let state = store.data_mut();
        state.end_event(|metrics| &metrics.on_request);
        state.end_gate(id);
        decided.map(Some).map_err(|failure| state.memory.explain(failure))
    }

    /// Answers a handshake that waits for it, if it still does.
    pub(super) async fn answer(&mut self, question: Question) -> Result<(), Failure> {
        let Question { connection, answer } = question;
        if answer.is_closed() {
            return Ok(());
        }
        // Nobody waits any more where the peer has gone meanwhile.
        match self.on_request(&connection).await {
            Ok(None) => {}
            Ok(Some(decision)) => drop(answer.send(Ok(decision))),
            Err(failure) => {
                let _ = answer.send(Err((&failure).into()));
                return Err(failure);
            }
        }
        Ok(())
    }
}
