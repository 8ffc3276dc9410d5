"""The rules of a request, held against the documentation: nothing good is refused, nothing wrong is taken."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.submission.request import Request, Wrong
from tests.submission.asking import BETA, IMAGE, MODEL, a_request, read, refused
from tests.submission.documented import RATIOS, broken

BEYOND = st.sampled_from([True, False, 0, -1, 1.0, 2.5, "", "1", [], {}, ["1:1"], {"n": 1}])
"""Values of types that no parameter has, or out of every range."""

PROMPTS = st.sampled_from(
    ["a fox", "狐", "🦊", "x" * 32_000, "🦊" * 32_000, "狐" * 2001, "\x00", "\u202e"]
) | st.sampled_from(["", " ", "\n\t\u3000", "x" * 32_001, "🦊" * 32_001, "half \ud83e", "\udd8a", "\ud83e\ud83e"])
STEPS = st.integers(38, 242).map(lambda step: 16 * step) | st.integers(1, 4000)
SIZES = (
    st.sampled_from(["auto", *RATIOS])
    | st.sampled_from(["7:5", "", "1024", "1024x640", "3840x2160", "3856x2144", "3840x1264", "512x512", "2880x2896"])
    | st.builds(lambda width, height: f"{width}x{height}", STEPS, STEPS)
)
IMAGES = [
    *(
        IMAGE,
        "http://pictures.example/a.JPG",
        "https://pictures.example/a%20b.webp?x=.gif",
        "https://8.8.8.8/",
        IMAGE + "#x",
    ),
    *(
        "https://pictures.example/a.jpeg/",
        "https://pictures.example/v1.2/download",
        "https://h.example/png",
        "https://h.example/gif",
    ),
]
NO_IMAGES = [
    *(
        "fox.png",
        "ftp://h.example/a.png",
        "https://",
        "https://me:pw@h.example/a.png",
        "https://h.example/a.gif",
        7,
        None,
    ),
    *(
        "https://h.example/a.SVG?x=.png",
        "data:image/png;base64,AAAA",
        "https://h.example/a.tiff",
        "https://h.example/" + "x" * 8192,
    ),
]
URLS = st.sampled_from(IMAGES) | st.sampled_from(NO_IMAGES)
IMAGE_LISTS = (
    st.lists(st.sampled_from(IMAGES), min_size=1, max_size=16)
    | st.lists(URLS, max_size=3)
    | st.sampled_from([[IMAGE] * 16, [IMAGE] * 17, IMAGE, (), None])
)
MASKS = st.sampled_from([IMAGE, "https://h.example/mask", "https://h.example/mask.jpg", "https://h.example/mask.webp"])
CALLBACKS = st.sampled_from(
    [
        *(
            "https://shop.example/hooks?x=1#y",
            "HTTPS://shop.example:8443/",
            "https://8.8.8.8",
            "https://[2606:4700::1111]/x",
        ),
        *(
            "https://shop.example/" + "x" * 2027,
            "https://shop.example/" + "x" * 2028,
            "http://shop.example/",
            "//shop.example/",
        ),
        *(
            "https://10.0.0.1/",
            "https://localhost/",
            "https://pod/",
            "https://db.internal/",
            "https://a:b@shop.example/",
            "",
        ),
    ]
)
REQUESTS = st.fixed_dictionaries(
    {"model": st.sampled_from([MODEL, BETA])},
    optional={
        "prompt": PROMPTS | BEYOND,
        "size": SIZES | BEYOND,
        "resolution": st.sampled_from(["1K", "2K", "4K", "8K", "1k"]) | BEYOND,
        "quality": st.sampled_from(["low", "medium", "high", "auto", "hd"]) | BEYOND,
        "n": st.integers(-1, 12) | BEYOND,
        "image_urls": IMAGE_LISTS | BEYOND,
        "mask_url": MASKS | URLS | BEYOND,
        "callback_url": CALLBACKS | BEYOND,
        "seed": st.just(7) | BEYOND,
    },
)
ONE_CHANGED = st.builds(
    lambda drawn, kept: {"prompt": "a fox", **{name: drawn[name] for name in drawn if name in ("model", *kept)}},
    REQUESTS,
    st.sets(
        st.sampled_from(["prompt", "size", "resolution", "quality", "n", "image_urls", "mask_url", "callback_url"]),
        max_size=3,
    ),
)
"""Requests of which most members are as they should be, so that often exactly one is wrong."""


@settings(max_examples=400)
@given(REQUESTS | ONE_CHANGED)
def test_a_request_is_taken_exactly_when_it_obeys_every_documented_rule(fields: dict[str, Any]) -> None:
    given = {name: value for name, value in fields.items() if value is not None}
    wrong = broken(given)
    answer = read(**{"prompt": ..., **fields})
    if isinstance(answer, Wrong):
        assert answer.code == "invalid_parameters"
        assert answer.param in wrong
        assert answer.message.startswith(answer.param)
    else:
        assert wrong == set()
        assert dict(answer.document) == json.loads(json.dumps(given))


@pytest.mark.parametrize(
    ("fields", "param", "rule"),
    [
        ({"model": ...}, "model", "model is required: gpt-image-2 or gpt-image-2-beta"),
        ({"model": 7}, "model", "not 7"),
        ({"model": ""}, "model", 'not ""'),
        ({"model": ["gpt-image-2"]}, "model", "not a list"),
        ({"prompt": None}, "prompt", "prompt is required"),
        ({"prompt": "\t "}, "prompt", "prompt must not be blank"),
        ({"prompt": {"text": "a fox"}}, "prompt", "must be a string, not an object"),
        ({"prompt": "🦊" * 32_001}, "prompt", "must not exceed 32000 characters; these are 32001"),
        ({"prompt": "a \ud800"}, "prompt", "half of a surrogate pair, as it does at character 2"),
        ({"size": "7:5"}, "size", '9:21 21:9, not "7:5"'),
        ({"size": "1000x1000"}, "size", 'multiples of 16, not "1000x1000"'),
        ({"size": "512x512"}, "size", '655360 to 8294400 pixels, not "512x512"'),
        ({"size": 1024}, "size", "must be a string, not 1024"),
        ({"resolution": "2K"}, "resolution", 'needs a size that is a ratio, not "auto"'),
        ({"size": "1024x1024", "resolution": "1K"}, "resolution", 'needs a size that is a ratio, not "1024x1024"'),
        ({"size": "1:1", "resolution": "8K"}, "resolution", 'one of 1K 2K 4K, not "8K"'),
        ({"quality": "best" * 20}, "quality", "one of low medium high, not"),
        ({"model": BETA, "quality": "low"}, "quality", "is not offered for gpt-image-2-beta"),
        ({"n": 11}, "n", "a whole number from 1 to 10, not 11"),
        ({"n": True}, "n", "not true"),
        ({"n": 1.0}, "n", "not 1.0"),
        ({"n": "2"}, "n", 'not "2"'),
        ({"model": BETA, "n": 2}, "n", "must be 1 for gpt-image-2-beta, not 2"),
        ({"image_urls": IMAGE}, "image_urls", "must be a list of URLs"),
        ({"image_urls": []}, "image_urls", "must hold 1 to 16 URLs, not 0"),
        ({"image_urls": [IMAGE] * 17}, "image_urls", "must hold 1 to 16 URLs, not 17"),
        ({"image_urls": [IMAGE, 7]}, "image_urls", "at index 1 must be a string"),
        ({"image_urls": [IMAGE, "https://h.example/a.gif"]}, "image_urls", "must be .jpeg .jpg .png .webp, not .gif"),
        ({"mask_url": IMAGE}, "mask_url", "needs image_urls"),
        ({"image_urls": [IMAGE], "mask_url": "https://h.example/a.jpg"}, "mask_url", "must be .png, not .jpg"),
        ({"model": BETA, "image_urls": [IMAGE], "mask_url": IMAGE}, "mask_url", "is not offered for gpt-image-2-beta"),
        ({"callback_url": "http://shop.example/"}, "callback_url", "begins with https://"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_member_the_rule_and_what_was_given(fields: dict[str, Any], param: str, rule: str) -> None:
    wrong = refused(**fields)
    assert (wrong.param, wrong.code) == (param, "invalid_parameters")
    assert rule in wrong.message
    assert len(wrong.message) < 300
    assert wrong.message.isprintable()


def test_the_defaults_are_the_documented_ones() -> None:
    request = a_request()
    assert (request.size, request.resolution, request.quality, request.n) == ("auto", "1K", "medium", 1)
    assert (request.image_urls, request.mask_url, request.callback_url) == ((), None, None)
    assert (request.known, request.warnings, request.images) == (True, (), 1)


def test_what_is_asked_for_can_be_read() -> None:
    request = a_request(
        prompt="two foxes", size="16:9", resolution="4K", quality="high", n=3, image_urls=[IMAGE], mask_url=IMAGE,
        callback_url="https://shop.example/hooks",
    )  # fmt: skip
    assert (request.model, request.prompt, request.size, request.resolution) == (MODEL, "two foxes", "16:9", "4K")
    assert (request.quality, request.images) == ("high", 3)
    assert (request.image_urls, request.mask_url) == ((IMAGE,), IMAGE)
    assert request.callback_url == "https://shop.example/hooks"


def test_a_long_prompt_for_the_beta_model_is_a_matter_of_doubt() -> None:
    assert a_request(model=BETA, prompt="狐" * 2000).warnings == ()
    (warning,) = a_request(model=BETA, prompt="狐" * 2001).warnings
    assert "2001" in warning
    assert "2000" in warning
    assert a_request(prompt="狐" * 2001).warnings == ()


def test_a_prompt_is_kept_as_any_database_can_keep_it_and_sent_as_it_is() -> None:
    request = a_request(prompt="a\x00fox")
    assert request.prompt == "a\ufffdfox"
    assert json.loads(request.with_callback_url(None))["prompt"] == "a\x00fox"


class TestOtherModels:
    """Models whose rules are not known pass only on demand, and then nearly without a look."""

    def test_one_is_refused_and_the_way_out_is_named(self) -> None:
        wrong = refused(model="gpt-4o-image")
        assert wrong.param == "model"
        for word in (MODEL, BETA, '"gpt-4o-image"', "DARKROOM_SUBMIT__OTHER_MODELS=on"):
            assert word in wrong.message

    def test_everything_passes_where_they_are_allowed(self) -> None:
        request = a_request(
            other_models=True, model="gpt-4o-image", prompt="x" * 40_000, size="huge", resolution=[], quality=7,
            n="many", image_urls={}, mask_url=1, seed=-1,
        )  # fmt: skip
        assert not request.known
        assert (request.model, request.prompt) == ("gpt-4o-image", "x" * 40_000)
        assert (request.size, request.resolution, request.quality, request.n) == ("auto", "1K", "medium", 1)
        assert (request.image_urls, request.mask_url) == ((), None)
        assert json.loads(request.with_callback_url(None))["mask_url"] == 1

    def test_what_makes_sense_is_read_all_the_same(self) -> None:
        request = a_request(
            other_models=True, model="gpt-4o-image", size="1:1", resolution="2K", n=16, image_urls=[IMAGE]
        )
        assert (request.size, request.resolution, request.images, len(request.image_urls)) == ("1:1", "2K", 16, 1)

    @pytest.mark.parametrize("prompt", [..., None, 7, ["a fox"]])
    def test_a_prompt_that_is_no_text_is_not_read(self, prompt: object) -> None:
        assert a_request(other_models=True, model="gpt-4o-image", prompt=prompt).prompt is None

    def test_a_prompt_that_no_database_could_keep_is_kept_nearly_as_it_is(self) -> None:
        request = a_request(other_models=True, model="gpt-4o-image", prompt="a \ud800 fox")
        assert (request.prompt or "").encode().startswith(b"a ")
        assert json.loads(request.with_callback_url(None))["prompt"] == "a \ud800 fox"

    @pytest.mark.parametrize("url", ["http://shop.example/", "https://localhost/", 7])
    def test_the_callback_url_is_judged_all_the_same(self, url: object) -> None:
        assert refused(other_models=True, model="gpt-4o-image", callback_url=url).param == "callback_url"

    @pytest.mark.parametrize("model", ["", " ", " gpt-4o", "gpt-4o ", "a\x00b", "a\nb", "\ud800", "x" * 201, 7, ["x"]])
    def test_what_cannot_be_the_name_of_a_model_is_refused(self, model: object) -> None:
        assert refused(other_models=True, model=model).param == "model"

    def test_the_known_models_keep_their_rules(self) -> None:
        assert refused(other_models=True, model=BETA, n=2).param == "n"


class TestSending:
    """What is sent is what was asked for, but for the callback URL."""

    MEMBERS: dict[str, Any] = {"n": 1, "seed": 12345678901234567890, "deep": {"é": [1.5, None, "🦊"]}, "style": None}  # noqa: RUF012

    @pytest.mark.parametrize("own", [..., None, "https://shop.example/hooks"])
    def test_the_callback_url_is_put_in_or_replaced(self, own: object) -> None:
        sent = json.loads(a_request(**self.MEMBERS, callback_url=own).with_callback_url("https://ours.example/x"))
        expected = {"model": MODEL, "prompt": "a fox", **self.MEMBERS, "callback_url": "https://ours.example/x"}
        assert sent == {name: value for name, value in expected.items() if name != "style"}

    def test_or_taken_out(self) -> None:
        content = a_request(callback_url="https://shop.example/hooks", prompt="🦊").with_callback_url(None)
        assert json.loads(content) == {"model": MODEL, "prompt": "🦊"}
        assert content.isascii()

    def test_equal_requests_have_one_fingerprint_and_others_another(self) -> None:
        one = a_request(n=1, size="1:1").fingerprint
        assert one == a_request(size="1:1", n=1, quality=None).fingerprint
        assert len(one) == 64
        others = [a_request(n=2, size="1:1"), a_request(size="1:1"), a_request(n=1, size="1:1", seed=1)]
        others += [a_request(n=1, size="1:1", callback_url=f"https://shop.example/{n}") for n in range(2)]
        assert len({one, *(other.fingerprint for other in others)}) == 6
        assert all(isinstance(other, Request) for other in others)
