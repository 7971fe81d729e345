//! The export `snapshot`: what an instance knows, given to another one.

use wasmtime::Store;
use wasmtime::component::{self, ComponentExportIndex, Func};

use super::Instance;
use crate::connection::ConnectionId;
use crate::failure::Failure;
use crate::guest_state::GuestState;
use crate::imports::Connections;
use crate::snapshot::{Saved, SnapshotError, Stays};
use crate::source::Source;

type SuspendResults = (Result<Saved, SnapshotError>,);
type ResumeParams<'a> = (&'a [ConnectionId], &'a Saved);
type ResumeResults = (Result<(), SnapshotError>,);

/// `suspend` and `resume`, with the right types.
pub(super) fn find(
    suspend: &ComponentExportIndex,
    resume: &ComponentExportIndex,
    instance: &component::Instance,
    store: &mut Store<GuestState>,
) -> wasmtime::Result<Option<(Func, Func)>> {
    let (suspend, resume) =
        (instance.get_func(&mut *store, suspend), instance.get_func(&mut *store, resume));
    let Some((suspend, resume)) = suspend.zip(resume) else { return Ok(None) };
    suspend.typed::<(), SuspendResults>(&*store)?;
    resume.typed::<ResumeParams<'_>, ResumeResults>(&*store)?;
    Ok(Some((suspend, resume)))
}

impl Instance {
    /// Asks for its state. It goes on as it was, whether that is given or not.
    pub(super) async fn suspend(&mut self) -> Result<Result<Saved, Stays>, Failure> {
        let Some((suspend, _)) = self.rare().and_then(|rare| rare.snapshot) else {
            let why = SnapshotError::Failed("there is no such export".into());
            return Ok(Err(Stays::NotSuspended(why)));
        };
        let meter = self.meter();
        let store = &mut self.store;
        // A state that is too large is refused below, and is no reason to fail.
        let fuel = store.hostcall_fuel();
        store.set_hostcall_fuel(usize::MAX);
        let event = async {
            let suspend = suspend.typed::<(), SuspendResults>(&*store)?;
            Ok(suspend.call_async(&mut *store, ()).await?.0)
        };
        let saved =
            Box::pin(meter.event(self.limits.event_wall_time, &self.account.turns, event)).await;
        store.set_hostcall_fuel(fuel);
        let state = store.data_mut();
        state.end_event(|metrics| &metrics.suspend);
        let saved = saved.map_err(|failure| state.memory.explain(failure))?;
        let max = self.limits.max_snapshot;
        Ok(match saved {
            Ok(saved) if saved.state.len() > max => Err(Stays::TooLarge(saved.state.len(), max)),
            Ok(saved) => Ok(saved),
            Err(why) => Err(Stays::NotSuspended(why)),
        })
    }

    /// Takes up the state of another instance, whose connections are its own from now on.
    pub(crate) async fn resume(
        &mut self,
        saved: &Saved,
        connections: Connections,
        source: Source,
    ) -> Result<(), Stays> {
        let Some((_, resume)) = self.rare().and_then(|rare| rare.snapshot) else {
            let why = SnapshotError::Failed("there is no such export".into());
            return Err(Stays::NotResumed(why));
        };
        let meter = self.meter();
        let ids: Vec<_> = connections.keys().copied().collect();
        // Those of the instance that the state is from, which goes on where this one fails.
        let timers = source.timers();
        let store = &mut self.store;
        store.data_mut().begin_resume(connections, source.clone());
        let event = async {
            let resume = resume.typed::<ResumeParams<'_>, ResumeResults>(&*store)?;
            Ok(resume.call_async(&mut *store, (&ids, saved)).await?.0)
        };
        let resumed =
            Box::pin(meter.event(self.limits.event_wall_time, &self.account.turns, event)).await;
        let state = store.data_mut();
        state.end_event(|metrics| &metrics.resume);
        let resumed = match resumed {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(Stays::NotResumed(why)),
            Err(failure) => Err(Stays::ResumeFailed(state.memory.explain(failure))),
        };
        if resumed.is_err() {
            source.restore_timers(timers);
        }
        resumed
    }

    /// The connections that know it, and that it knows.
    pub(crate) fn connections(&self) -> &Connections {
        self.store.data().connections()
    }
}
