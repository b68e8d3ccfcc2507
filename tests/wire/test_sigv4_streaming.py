"""Bodies in aws-chunked frames come out whole, or not at all. The signed ones are AWS's own published examples."""

from __future__ import annotations

import io
from typing import Final

import pytest
from botocore.httpchecksum import AwsChunkedWrapper
from hypothesis import given
from hypothesis import strategies as st

from lambent.wire.messages import Request
from lambent.wire.sigv4 import Verifier
from lambent.wire.sigv4_claim import Claim, claimed
from lambent.wire.sigv4_refusals import SignatureRefused
from lambent.wire.sigv4_streaming import BadFraming, is_streamed, unframed
from tests.wire.signing import ACCESS_KEY, SECRET

MAY_24_2013: Final = 1369353600.0
DATA: Final = b"a" * 66560

# "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks", S3 API reference
SEED: Final = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
CHUNKS: Final = (
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)
# "... (chunked uploads) with trailing headers", the same place
TRAILED_SEED: Final = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
TRAILED_CHUNKS: Final = (
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
)
TRAILER: Final = (
    "x-amz-checksum-crc32c:sOO8/Q==\r\n"
    "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
)


def framed(signatures: tuple[str, ...], end: str = "\r\n") -> bytes:
    parts = (DATA[:65536], DATA[65536:])
    chunks = [
        b"%x;chunk-signature=%s\r\n%s\r\n" % (len(part), signature.encode(), part)
        for part, signature in zip(parts, signatures, strict=False)
    ]
    return b"".join(chunks) + f"0;chunk-signature={signatures[2]}\r\n{end}".encode()


def example(*, trailed: bool) -> Request:
    payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailed else "")
    headers = {
        "content-encoding": "aws-chunked",
        "content-length": "66824",
        "host": "s3.amazonaws.com",
        "x-amz-content-sha256": payload,
        "x-amz-date": "20130524T000000Z",
        "x-amz-decoded-content-length": "66560",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
    }
    if trailed:
        del headers["content-length"]
        headers["x-amz-trailer"] = "x-amz-checksum-crc32c"
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={';'.join(sorted(headers))},Signature={TRAILED_SEED if trailed else SEED}"
    )
    return Request(
        method="PUT",
        path="/examplebucket/chunkObject.txt",
        query="",
        headers=headers,
        body=framed(TRAILED_CHUNKS, TRAILER) if trailed else framed(CHUNKS),
        peer="",
    )


def opened(request: Request):
    claim = claimed(request, MAY_24_2013)
    assert claim is not None
    assert is_streamed(claim)
    return unframed(request, claim, Verifier().verify(claim, request, SECRET))


def test_the_published_example_of_signed_chunks_is_accepted():
    assert opened(example(trailed=False)).body == DATA


def test_the_published_example_with_a_signed_trailer_is_accepted():
    result = opened(example(trailed=True))
    assert result.body == DATA
    assert result.trailers == {"x-amz-checksum-crc32c": "sOO8/Q=="}


@pytest.mark.parametrize("trailed", [False, True])
@pytest.mark.parametrize("where", [100, 65700, 66660])
def test_an_octet_changed_in_any_chunk_is_noticed(trailed: bool, where: int):
    request = example(trailed=trailed)
    request.body = request.body[:where] + b"b" + request.body[where + 1 :]
    with pytest.raises((SignatureRefused, BadFraming)):
        opened(request)


def test_a_changed_trailer_is_noticed():
    request = example(trailed=True)
    request.body = request.body.replace(b"sOO8", b"sOO9")
    with pytest.raises(SignatureRefused):
        opened(request)


@pytest.mark.parametrize("cut", [1, 50, 90, 100, 1000, 66000])
def test_a_truncated_stream_is_refused(cut: int):
    request = example(trailed=True)
    request.body = request.body[:-cut] if cut > 1 else b""
    with pytest.raises((SignatureRefused, BadFraming)):
        opened(request)


def unsigned(body: bytes, **headers: str) -> tuple[Request, Claim]:
    claim = Claim(
        access_key_id=ACCESS_KEY,
        scope="",
        date="",
        region="",
        service="s3",
        timestamp="",
        signed_headers="",
        signature="",
        session_token=None,
        payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    )
    return Request(method="PUT", path="/", query="", headers=headers, body=body, peer=""), claim


@given(data=st.binary(max_size=40_000), chunk=st.sampled_from([8192, 10_000, 1 << 20]))
def test_what_botocore_frames_comes_out_whole(data: bytes, chunk: int):
    request, claim = unsigned(AwsChunkedWrapper(io.BytesIO(data), chunk_size=chunk).read())
    assert unframed(request, claim, b"").body == data


def test_a_length_that_was_declared_otherwise_is_refused():
    request, claim = unsigned(b"3\r\nabc\r\n0\r\n\r\n", **{"x-amz-decoded-content-length": "4"})
    with pytest.raises(BadFraming, match="number of bytes"):
        unframed(request, claim, b"")


def test_many_small_chunks_are_refused_at_the_second():
    request, claim = unsigned(b"1\r\na\r\n" * 1000 + b"0\r\n\r\n")
    with pytest.raises(BadFraming, match="Only the last chunk is allowed to have a size less than 8192 bytes"):
        unframed(request, claim, b"")


@given(st.binary(max_size=300))
def test_no_octets_break_the_unframing(body: bytes):
    request, claim = unsigned(body)
    try:
        unframed(request, claim, b"")
    except BadFraming:
        return
