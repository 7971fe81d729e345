// Which error is which code of wasi:http, and a word that says more.
#include "http_wasi.h"

#define CODE(code, error, word) [WASI_HTTP_TYPES_ERROR_CODE_##code] = {SOCKLET_HTTP_##error, word}
#define LARGE "the request or the answer"

static const struct {
  socklet_http_error error;
  const char *word;
} CODES[] = {
    CODE(DNS_TIMEOUT, TIMEOUT, ""),
    CODE(DNS_ERROR, NAME, "no such name"),
    CODE(DESTINATION_NOT_FOUND, CONNECTION, "unavailable"),
    CODE(DESTINATION_UNAVAILABLE, CONNECTION, "unavailable"),
    CODE(DESTINATION_IP_PROHIBITED, PRIVATE_ADDRESS, ""),
    CODE(DESTINATION_IP_UNROUTABLE, CONNECTION, "no route"),
    CODE(CONNECTION_REFUSED, CONNECTION, "refused"),
    CODE(CONNECTION_TERMINATED, CONNECTION, "broken off"),
    CODE(CONNECTION_TIMEOUT, TIMEOUT, ""),
    CODE(CONNECTION_READ_TIMEOUT, TIMEOUT, ""),
    CODE(CONNECTION_WRITE_TIMEOUT, TIMEOUT, ""),
    CODE(CONNECTION_LIMIT_REACHED, TOO_MANY, ""),
    CODE(TLS_PROTOCOL_ERROR, TLS, "protocol error"),
    CODE(TLS_CERTIFICATE_ERROR, TLS, "bad certificate"),
    CODE(TLS_ALERT_RECEIVED, TLS, "alert"),
    CODE(HTTP_REQUEST_DENIED, DENIED, ""),
    CODE(HTTP_REQUEST_LENGTH_REQUIRED, OTHER, "HTTP-request-length-required"),
    CODE(HTTP_REQUEST_BODY_SIZE, TOO_LARGE, LARGE),
    CODE(HTTP_REQUEST_METHOD_INVALID, METHOD, ""),
    CODE(HTTP_REQUEST_URI_INVALID, URL, ""),
    CODE(HTTP_REQUEST_URI_TOO_LONG, OTHER, "HTTP-request-URI-too-long"),
    CODE(HTTP_REQUEST_HEADER_SECTION_SIZE, OTHER, "HTTP-request-header-section-size"),
    CODE(HTTP_REQUEST_HEADER_SIZE, OTHER, "HTTP-request-header-size"),
    CODE(HTTP_REQUEST_TRAILER_SECTION_SIZE, OTHER, "HTTP-request-trailer-section-size"),
    CODE(HTTP_REQUEST_TRAILER_SIZE, OTHER, "HTTP-request-trailer-size"),
    CODE(HTTP_RESPONSE_INCOMPLETE, CONNECTION, "ended early"),
    CODE(HTTP_RESPONSE_HEADER_SECTION_SIZE, OTHER, "HTTP-response-header-section-size"),
    CODE(HTTP_RESPONSE_HEADER_SIZE, OTHER, "HTTP-response-header-size"),
    CODE(HTTP_RESPONSE_BODY_SIZE, TOO_LARGE, LARGE),
    CODE(HTTP_RESPONSE_TRAILER_SECTION_SIZE, OTHER, "HTTP-response-trailer-section-size"),
    CODE(HTTP_RESPONSE_TRAILER_SIZE, OTHER, "HTTP-response-trailer-size"),
    CODE(HTTP_RESPONSE_TRANSFER_CODING, OTHER, "HTTP-response-transfer-coding"),
    CODE(HTTP_RESPONSE_CONTENT_CODING, OTHER, "HTTP-response-content-coding"),
    CODE(HTTP_RESPONSE_TIMEOUT, TIMEOUT, ""),
    CODE(HTTP_UPGRADE_FAILED, OTHER, "HTTP-upgrade-failed"),
    CODE(HTTP_PROTOCOL_ERROR, OTHER, "HTTP-protocol-error"),
    CODE(LOOP_DETECTED, OTHER, "loop-detected"),
    CODE(CONFIGURATION_ERROR, OTHER, "configuration-error"),
    CODE(INTERNAL_ERROR, OTHER, "internal-error"),
};

static socklet_string word_of(const socklet_http_raw_option_string_t *text, const char *without) {
  if (!text->is_some) {
    return socklet_string_of(without);
  }
  return (socklet_string){(const char *) text->val.ptr, text->val.len};
}

void http_fail_with(socklet_http_response *response, const socklet_http_request *request,
                    wasi_http_types_error_code_t *code) {
  socklet_http_error error = CODES[code->tag].error;
  const char *word = CODES[code->tag].word;
  socklet_string what = socklet_string_of(word);
  switch (code->tag) {
    case WASI_HTTP_TYPES_ERROR_CODE_DNS_ERROR:
      what = word_of(&code->val.dns_error.rcode, word);
      break;
    case WASI_HTTP_TYPES_ERROR_CODE_TLS_ALERT_RECEIVED:
      what = word_of(&code->val.tls_alert_received.alert_message, word);
      break;
    case WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR:
      what = word_of(&code->val.internal_error, word);
      break;
    // The host does not repeat what it was given.
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_URI_INVALID:
      what = socklet_string_of(request == NULL ? "" : request->url);
      break;
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_METHOD_INVALID:
      what = socklet_string_of(request == NULL || request->method == NULL ? "" : request->method);
      break;
    default: break;
  }
  http_fail(response, error, what);
  wasi_http_types_error_code_free(code);
}
