//! The exports that a component may have beside its handler: looked for once, when it is
//! loaded, and found in each instance.

use wasmtime::Store;
use wasmtime::component::{self, ComponentExportIndex, Func, InstancePre, TypedFunc};

use super::{GateParams, GateResults, snapshot};
use crate::alarms::TimerId;
use crate::guest_state::GuestState;

/// Where they are in a component.
pub(crate) struct Optional {
    pub(super) on_messages: Option<ComponentExportIndex>,
    pub(super) on_request: Option<ComponentExportIndex>,
    pub(super) on_alarm: Option<ComponentExportIndex>,
    /// `suspend` and `resume`.
    pub(super) snapshot: Option<(ComponentExportIndex, ComponentExportIndex)>,
}

/// Those of an instance that are not called all the time.
#[derive(Default)]
pub(super) struct Rare {
    pub(super) on_request: Option<Func>,
    pub(super) on_alarm: Option<TypedFunc<(TimerId,), ()>>,
    /// `suspend` and `resume`.
    pub(super) snapshot: Option<(Func, Func)>,
}

impl Optional {
    pub(super) fn of(component: &InstancePre<GuestState>) -> Self {
        let find = |of: Option<&_>, name| component.component().get_export_index(of, name);
        let function = |interface, name| find(Some(&find(None, interface)?), name);
        let of_snapshot = |name| function("socklet:websocket/snapshot@0.1.0", name);
        Self {
            on_messages: function("socklet:websocket/message-loop@0.1.0", "on-messages"),
            on_request: function("socklet:websocket/gate@0.1.0", "on-request"),
            on_alarm: function("socklet:websocket/alarm@0.1.0", "on-alarm"),
            snapshot: of_snapshot("suspend").zip(of_snapshot("resume")),
        }
    }

    /// Those of an instance, with the right types. None where it has none of them, as
    /// most have.
    pub(super) fn rare(
        &self,
        instance: &component::Instance,
        store: &mut Store<GuestState>,
    ) -> wasmtime::Result<Option<Box<Rare>>> {
        if self.on_request.is_none() && self.on_alarm.is_none() && self.snapshot.is_none() {
            return Ok(None);
        }
        let mut rare = Rare::default();
        if let Some(export) = &self.on_request
            && let Some(on_request) = instance.get_func(&mut *store, export)
        {
            // Only to see whether its types are the right ones.
            on_request.typed::<GateParams<'_>, GateResults>(&*store)?;
            rare.on_request = Some(on_request);
        }
        if let Some(export) = &self.on_alarm {
            rare.on_alarm = Some(instance.get_typed_func(&mut *store, export)?);
        }
        if let Some((suspend, resume)) = &self.snapshot {
            rare.snapshot = snapshot::find(suspend, resume, instance, store)?;
        }
        Ok(Some(Box::new(rare)))
    }
}
