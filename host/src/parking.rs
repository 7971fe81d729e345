//! An instance's state while there is no instance: what is left of it in the host, and
//! how another one comes to take it up.

use std::sync::Arc;
use std::time::Duration;

use crate::account::Account;
use crate::failure::Failure;
use crate::generation::{Generation, Hold};
use crate::imports::Connections;
use crate::instance::Instance;
use crate::instances::{InstanceSlot, Instances};
use crate::metrics::Counted;
use crate::snapshot::{Saved, Stays};
use crate::source::Source;

/// How long an instance has no event before it counts as at rest, while there are enough of
/// them.
pub(crate) const QUIET: Duration = Duration::from_secs(1);

/// The state of an instance that is gone.
pub(crate) struct Parked {
    saved: Arc<Saved>,
    /// Those that it has: one, or the members of a room.
    connections: Connections,
    /// The generation that the state is from.
    from: Arc<Generation>,
    _hold: Hold,
    _memory: Charged,
    _counted: Counted,
}

/// What has become of it.
pub(crate) struct Woken {
    pub(crate) instance: Instance,
    /// The generation whose instance that is.
    pub(crate) generation: Arc<Generation>,
    pub(crate) slot: InstanceSlot,
    /// Why it is not the one that it was to be.
    pub(crate) stays: Option<Stays>,
}

/// Part of what the handler's instances may have of memory.
struct Charged {
    account: Arc<Account>,
    bytes: usize,
}

impl Parked {
    /// The error is the name of the limit for which there is no room for it.
    pub(crate) fn new(
        saved: Saved,
        connections: Connections,
        from: Arc<Generation>,
    ) -> Result<Self, &'static str> {
        let account = from.account.clone();
        let bytes = saved.state.len();
        account.memory.take(bytes)?;
        let _counted = Counted::new(&account.metrics.parked);
        let _memory = Charged { account, bytes };
        let _hold = Hold::new(&from);
        Ok(Self { saved: Arc::new(saved), connections, from, _hold, _memory, _counted })
    }

    /// Has an instance take it up, of the generation that it belongs to by now, or else of
    /// the one that it is from. There may have to be room for one first.
    pub(crate) async fn wake(
        self,
        home: Arc<Generation>,
        instances: &Instances,
        source: Source,
    ) -> Result<Woken, Failure> {
        // It waits like an event whose call of the host takes so long.
        let limit = home.settings.limits.event_wall_time;
        let slot = instances.reserve_within(limit, &home.account).await;
        let slot = slot.map_err(|full| lost(Stays::Full(full)))?;
        let resume = |of: &Arc<Generation>| {
            let (of, source) = (of.clone(), source.clone());
            let (saved, connections) = (self.saved.clone(), self.connections.clone());
            async move { of.resume(instances, saved, connections, source).await }
        };
        let why = match resume(&home).await {
            Ok(instance) => return Ok(Woken { instance, generation: home, slot, stays: None }),
            Err(why) if Arc::ptr_eq(&home, &self.from) => return Err(lost(why)),
            Err(why) => why,
        };
        let instance = resume(&self.from).await.map_err(lost)?;
        Ok(Woken { instance, generation: self.from.clone(), slot, stays: Some(why) })
    }
}

/// Nobody has taken it up.
fn lost(why: Stays) -> Failure {
    Failure::Lost(Box::new(why))
}

impl Drop for Charged {
    fn drop(&mut self) {
        self.account.memory.give_back(self.bytes);
    }
}
