package outgoing

import (
	"fmt"

	witTypes "socklet/guest/internal/abi/types"
	types "socklet/guest/internal/bindings/wasi_http_types"
)

// Those that say nothing more.
var plain = map[uint8]error{
	types.ErrorCodeHttpRequestDenied:        ErrDenied,
	types.ErrorCodeDestinationIpProhibited:  ErrPrivateAddress,
	types.ErrorCodeConnectionLimitReached:   ErrTooMany,
	types.ErrorCodeConnectionTimeout:        ErrTimeout,
	types.ErrorCodeConnectionReadTimeout:    ErrTimeout,
	types.ErrorCodeConnectionWriteTimeout:   ErrTimeout,
	types.ErrorCodeHttpResponseTimeout:      ErrTimeout,
	types.ErrorCodeDnsTimeout:               ErrTimeout,
	types.ErrorCodeHttpRequestUriInvalid:    ErrURL,
	types.ErrorCodeHttpRequestMethodInvalid: ErrMethod,
}

// What is said of the others.
var details = map[uint8]struct {
	err  error
	text string
}{
	types.ErrorCodeHttpRequestBodySize:     {ErrTooLarge, "the request is over max-http-request-size"},
	types.ErrorCodeHttpResponseBodySize:    {ErrTooLarge, "the answer is over max-http-response-size"},
	types.ErrorCodeConnectionRefused:       {ErrConnection, "refused"},
	types.ErrorCodeConnectionTerminated:    {ErrConnection, "broken off"},
	types.ErrorCodeHttpResponseIncomplete:  {ErrConnection, "ended early"},
	types.ErrorCodeDestinationIpUnroutable: {ErrConnection, "no route"},
	types.ErrorCodeDestinationUnavailable:  {ErrConnection, "unavailable"},
	types.ErrorCodeDestinationNotFound:     {ErrConnection, "unavailable"},
	types.ErrorCodeTlsCertificateError:     {ErrTLS, "bad certificate"},
	types.ErrorCodeTlsProtocolError:        {ErrTLS, "protocol error"},
	types.ErrorCodeHttpProtocolError:       {ErrOther, "the other end does not speak HTTP/1.1"},

	types.ErrorCodeHttpRequestHeaderSectionSize:  {ErrHeader, "there are more than 32 KiB"},
	types.ErrorCodeHttpRequestHeaderSize:         {ErrHeader, "it is too long"},
	types.ErrorCodeHttpResponseHeaderSectionSize: {ErrOther, "the answer has too many headers"},
	types.ErrorCodeHttpResponseHeaderSize:        {ErrOther, "a header of the answer is too long"},
	types.ErrorCodeHttpResponseTransferCoding:    {ErrOther, "the answer is in an unknown transfer coding"},
}

func errorOf(code types.ErrorCode) error {
	if err, found := plain[code.Tag()]; found {
		return err
	}
	if detail, found := details[code.Tag()]; found {
		return fmt.Errorf("%w: %s", detail.err, detail.text)
	}
	say := func(err error, text witTypes.Option[string], otherwise string) error {
		if text.Tag() == witTypes.OptionSome {
			otherwise = text.Some()
		}
		return fmt.Errorf("%w: %s", err, otherwise)
	}
	switch code.Tag() {
	case types.ErrorCodeDnsError:
		return say(ErrName, code.DnsError().Rcode, "no such name")
	case types.ErrorCodeTlsAlertReceived:
		return say(ErrTLS, code.TlsAlertReceived().AlertMessage, "alert")
	case types.ErrorCodeInternalError:
		return say(ErrOther, code.InternalError(), "the host can't send requests")
	default:
		return fmt.Errorf("%w: wasi:http's error %d", ErrOther, code.Tag())
	}
}
