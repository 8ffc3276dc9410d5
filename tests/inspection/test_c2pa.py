"""Embedded C2PA manifests are detected in each container, and never believed."""

import pytest

from service.domain.image import ImageFormat
from tests.inspection.images import AI, app11, chunk, itxt, jpeg, manifest_store, png, riff, told, webp, xmp

CLAIM: dict[str, object] = {"claim_generator": "OpenAI-API 1.0", "instanceID": "xmp:iid:1"}
STORE = manifest_store(CLAIM, AI)
EVERYWHERE = [
    pytest.param(png(chunk(b"caBX", STORE)), ImageFormat.PNG, "caBX", id="png"),
    pytest.param(jpeg(*app11(STORE)), ImageFormat.JPEG, "APP11", id="jpeg"),
    pytest.param(webp(riff(b"C2PA", STORE)), ImageFormat.WEBP, "C2PA", id="webp"),
]


@pytest.mark.parametrize(("data", "image_format", "where"), EVERYWHERE)
def test_a_manifest_is_detected_with_what_it_says(data: bytes, image_format: ImageFormat, where: str) -> None:
    assert told(data, image_format)["c2pa"] == {
        "detected": True,
        "where": where,
        "bytes": len(STORE),
        "claim_generator": "OpenAI-API 1.0",
        "digital_source_types": [AI],
        "remote_manifest": None,
    }


def test_a_manifest_that_is_spread_over_many_segments_is_put_together() -> None:
    store = manifest_store(CLAIM, AI, padding=200_000)
    other = app11(manifest_store({"claim_generator": "of another box"}, label=b"other"), number=7)
    found = told(jpeg(*other, *app11(store, most=60_000)), ImageFormat.JPEG)["c2pa"]
    assert (found["where"], found["bytes"], found["claim_generator"]) == ("APP11", len(store), "OpenAI-API 1.0")
    assert found["digital_source_types"] == [AI]


def test_the_generator_of_newer_claims_is_found_in_its_map() -> None:
    store = manifest_store({"claim_generator_info": {"name": "gpt-image", "version": "2"}}, AI, "http://other", AI)
    found = told(png(chunk(b"caBX", store)), ImageFormat.PNG)["c2pa"]
    assert (found["claim_generator"], found["digital_source_types"]) == ("gpt-image", [AI, "http://other"])


def test_assertions_in_json_are_read_too() -> None:
    store = manifest_store({"claim_generator": "x", "embedded": f'{{"digitalSourceType": "{AI}"}}'})
    assert told(png(chunk(b"caBX", store)), ImageFormat.PNG)["c2pa"]["digital_source_types"] == [AI]


@pytest.mark.parametrize(
    "store",
    [b"", b"not a box", STORE[:30], manifest_store(CLAIM, AI, label=b"something"), STORE[:4] + b"free" + STORE[8:]],
)
def test_what_is_no_manifest_store_is_not_detected(store: bytes) -> None:
    assert told(png(chunk(b"caBX", store)), ImageFormat.PNG)["c2pa"] == {"detected": False}


def test_a_manifest_elsewhere_is_told_by_its_link() -> None:
    packet = xmp(attributes='dcterms:provenance="https://example.com/manifest.c2pa"')
    alone = told(png(itxt("XML:com.adobe.xmp", packet)), ImageFormat.PNG)["c2pa"]
    assert (alone["detected"], alone["where"], alone["bytes"]) == (True, "remote", 0)
    assert alone["remote_manifest"] == "https://example.com/manifest.c2pa"
    both = told(png(itxt("XML:com.adobe.xmp", packet), chunk(b"caBX", STORE)), ImageFormat.PNG)["c2pa"]
    assert (both["where"], both["remote_manifest"]) == ("caBX", "https://example.com/manifest.c2pa")
