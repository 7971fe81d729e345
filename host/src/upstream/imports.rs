//! `wasi:http` in the linker. Its types are `wasmtime-wasi-http`'s, and so is what a
//! request has to look like; where one begins is here.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler::Host as _;
use wasmtime_wasi_http::p2::bindings::http::types::{self, ErrorCode};
use wasmtime_wasi_http::p2::types::{HostFutureIncomingResponse, HostOutgoingRequest};
use wasmtime_wasi_http::{RequestOptions, WasiHttp, WasiHttpCtxView, WasiHttpView as _};

use super::fault::code_of;
use crate::guest_state::GuestState;

/// What the interfaces begin with that need a grant.
pub(crate) const WASI_HTTP: &str = "wasi:http/";

type Handled = Result<Resource<HostFutureIncomingResponse>, ErrorCode>;

pub(crate) fn link(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let options = types::LinkOptions::default();
    types::add_to_linker::<_, WasiHttp>(linker, &options, GuestState::http)?;
    linker.allow_shadowing(true);
    // What is generated knows no errors of bodies.
    linker.instance("wasi:http/types@0.2.12")?.func_wrap(
        "http-error-code",
        |mut store: StoreContextMut<'_, GuestState>, (error,): (Resource<types::IoError>,)| {
            let error = store.data_mut().http().table.get(&error)?;
            let of_body = error.downcast_ref::<wasmtime_wasi_http::Error>().map(code_of);
            Ok((of_body.or_else(|| error.downcast_ref::<ErrorCode>().cloned()),))
        },
    )?;
    linker.allow_shadowing(false);
    linker.instance("wasi:http/outgoing-handler@0.2.12")?.func_wrap(
        "handle",
        |mut store: StoreContextMut<'_, GuestState>, (request, options)| {
            Ok((handle(store.data_mut(), request, options)?,))
        },
    )
}

fn handle(
    state: &mut GuestState,
    request: Resource<HostOutgoingRequest>,
    options: Option<Resource<RequestOptions>>,
) -> wasmtime::Result<Handled> {
    let Some(runtime) = state.world().runtime.clone() else {
        return Ok(Err(ErrorCode::InternalError(None)));
    };
    // The guest may be in overtime, where no sockets are watched.
    let _entered = runtime.enter();
    let mut view = state.http();
    if let Err(code) = complete(&mut view, &request)? {
        view.table.delete(request)?;
        return Ok(Err(code));
    }
    let options = options.map(|options| options.rep());
    let handled = view.handle(request, options.map(Resource::new_own));
    // They were the guest's to give away.
    if let Some(options) = options {
        view.table.delete(Resource::<RequestOptions>::new_own(options))?;
    }
    match handled {
        Ok(response) => Ok(Ok(response)),
        Err(error) => error.downcast().map(Err),
    }
}

/// Fills in the path, and refuses what has no host.
fn complete(
    view: &mut WasiHttpCtxView<'_>,
    request: &Resource<HostOutgoingRequest>,
) -> wasmtime::Result<Result<(), ErrorCode>> {
    let request = view.table.get_mut(request)?;
    if request.authority.as_ref().is_none_or(String::is_empty) {
        return Ok(Err(ErrorCode::HttpRequestUriInvalid));
    }
    let path = request.path_with_query.get_or_insert_default();
    if !path.starts_with('/') {
        path.insert(0, '/');
    }
    Ok(Ok(()))
}
