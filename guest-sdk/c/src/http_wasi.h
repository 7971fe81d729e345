// What the parts of the client over wasi:http share.
#ifndef SOCKLET_HTTP_WASI
#define SOCKLET_HTTP_WASI

#include "../bindings/socklet_http_raw.h"
#include "http_host.h"

// Fails with that code, which is freed. `request` is NULL where it was sent already.
void http_fail_with(socklet_http_response *response, const socklet_http_request *request,
                    wasi_http_types_error_code_t *code);

// Waits, and drops what was waited for.
void http_wait_for(wasi_io_poll_own_pollable_t pollable);

// Waits for the head of an answer, and drops the future.
void http_await_head(wasi_http_types_own_future_incoming_response_t future,
                     const socklet_http_request *request, socklet_http_response *response);

#endif
