"""How things are looked up in an opening request."""

from socklet_guest import Request


def with_headers(*fields: tuple[str, bytes]) -> Request:
    return Request(header_fields=list(fields))


def test_a_header_is_found_in_any_case_and_answers_its_first_value() -> None:
    request = with_headers(("host", b"a"), ("x-id", b"1"), ("x-id", b"2"))
    assert request.header("X-Id") == "1"
    assert request.headers("x-ID") == ["1", "2"]
    assert request.header("x") is None
    assert request.header("x", "none") == "none"
    assert request.headers("x") == []


def test_a_header_that_is_not_utf8_is_not_hidden() -> None:
    assert with_headers(("x-name", b"Andr\xe9")).header("x-name") == "Andr\ufffd"


def test_cookies_are_gathered_from_every_cookie_field() -> None:
    request = with_headers(("cookie", b"a=1; b=2"), ("x", b"a=9"), ("cookie", b"b=3"))
    assert request.cookies() == [("a", "1"), ("b", "2"), ("b", "3")]
    assert request.cookie("b") == "2"
    assert request.cookie("B", "none") == "none"


def test_values_of_cookies_are_as_they_were_sent() -> None:
    request = with_headers(("cookie", b'a=b=c;b=; c="1" ;d=%20+;flag; '))
    expected = [("a", "b=c"), ("b", ""), ("c", '"1"'), ("d", "%20+")]
    assert request.cookies() == expected


def test_a_query_is_decoded() -> None:
    request = Request(query_string="b=1&&a&b=2=3&%3D=x&c=a%20b+c&d=caf%C3%A9&")
    pairs = [("b", "1"), ("a", ""), ("b", "2=3"), ("=", "x"), ("c", "a b c"), ("d", "café")]
    assert request.query_pairs() == pairs
    assert request.query("b") == "1"
    assert request.query("a") == ""
    assert request.query("z", "none") == "none"


def test_what_decodes_to_nothing_stands_for_itself() -> None:
    request = Request(query_string="a=100%&b=%zz%41&c=a%FFb")
    assert request.query_pairs() == [("a", "100%"), ("b", "%zzA"), ("c", "a\ufffdb")]


def test_a_request_without_a_query_has_no_pairs() -> None:
    assert Request().query_pairs() == []
    assert Request(query_string="").query("") is None
