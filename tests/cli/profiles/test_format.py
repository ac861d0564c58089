import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videocli.cli.exit_codes import UsageError
from videocli.cli.profiles.format import (
    KEYS,
    NEW_FILE,
    Edit,
    Profile,
    ProfileError,
    Profiles,
    adding,
    check,
    check_name,
    parse,
    removing,
    using,
)

WORK = Profile(account_sid="AC1", api_key="SK1", api_secret="a secret of work", region="ie1")
LAB = Profile(url="ws://lab.example/signaling", identity='Zoë "Z"', token_command="mint\\x --for 'lab' | cat")
BY_HAND = """\
# mine
use = 'work'  # for now

[profile.work] # at work
api_key='SK1'
account_sid = 'AC1'

# the lab
[ profile . "lab" ]
url = "ws://lab.example/signaling"
"""


def edited(text: str, *edits: Edit) -> str:
    for edit in edits:
        text = edit(text)
    return text


class TestParse:
    def test_no_file_has_no_profile(self) -> None:
        assert parse("") == Profiles()

    def test_what_a_person_wrote(self) -> None:
        found = parse(BY_HAND)
        assert found.used == "work"
        assert found.by_name["lab"] == Profile(url="ws://lab.example/signaling")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("use = x", "it is no TOML: Invalid value (at line 1, column 7)"),
            ("\x00", "it is no TOML"),
            ("colour = 'red'", "'colour' at the top is no setting"),
            ("use = 'lab'", "'use' names 'lab', and there is no such profile"),
            ("use = []", "'use' names []"),
            ("profile = 'lab'", "'profile' is no table"),
            ("[profile]\nlab = 'x'", "'profile.lab' is no table"),
            ("[profile.lab]\nurll = 'x'", "'urll' in profile 'lab' is no setting: did you mean 'url'?"),
            ("[profile.lab]\nidentity = 7", "identity of profile 'lab' is no text: put it in quotes"),
            ("[profile.lab]\nurl = 'http://x/'", "profile 'lab': 'http://x/' is no room server's URL"),
            ("[profile.'a b']", "'a b' is no name for a profile"),
        ],
    )
    def test_what_is_wrong_is_said(self, text: str, words: str) -> None:
        with pytest.raises(ProfileError) as caught:
            parse(text)
        assert str(caught.value).startswith(words)

    def test_no_complaint_holds_a_secret(self) -> None:
        for text in (
            '[profile.lab]\napi_secret = "a secret of lab',
            "[profile.lab]\napi_secret = 'a secret of lab\x07'",
        ):
            with pytest.raises(ProfileError) as caught:
                parse(text)
            assert "a secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (Profile(identity=" "), "identity is empty"),
        (Profile(identity="a\nb"), "identity has a control character in it"),
        (Profile(identity="\u202e"), "identity has a control character in it"),
        (Profile(token_command="x" * 5000), "token_command has more than 4096 characters"),
        (Profile(account_sid="SK1"), "account_sid does not begin with AC"),
        (Profile(api_key="a secret by mistake"), "api_key does not begin with SK"),
        (Profile(region="Ireland"), "'Ireland' is no region"),
        (Profile(region="ie1", url="wss://x/"), "url and region exclude each other"),
    ],
)
def test_a_value_that_no_command_could_use_is_refused(profile: Profile, words: str) -> None:
    with pytest.raises(ProfileError) as caught:
        check(profile)
    assert str(caught.value).startswith(words)
    assert "by mistake" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "-x", ".", "a b", "a/b", "a'b", "x" * 65, "ü"])
def test_a_name_that_a_shell_might_misread_is_refused(name: str) -> None:
    with pytest.raises(ProfileError):
        check_name(name)


def test_a_profile_shows_no_secret_when_it_is_printed() -> None:
    assert "a secret of work" not in repr(Profiles({"work": WORK}))


class TestEdits:
    def test_a_new_file_says_what_it_is(self) -> None:
        assert edited("", adding("work", WORK), using("work")) == (
            f"{NEW_FILE}"
            'use = "work"\n\n[profile.work]\nregion = "ie1"\naccount_sid = "AC1"\napi_key = "SK1"\n'
            'api_secret = "a secret of work"\n'
        )

    def test_another_one_is_appended(self) -> None:
        assert edited(BY_HAND, adding("new.1", Profile(identity="x"))) == (
            f'{BY_HAND}\n[profile."new.1"]\nidentity = "x"\n'
        )

    def test_a_file_without_an_end_of_line_gets_one(self) -> None:
        text = edited("[profile.a]\nidentity = 'a'", adding("b", LAB))
        assert parse(text).by_name == {"a": Profile(identity="a"), "b": LAB}

    def test_an_existing_one_is_replaced_only_if_asked_to(self) -> None:
        with pytest.raises(UsageError, match="there is a profile 'work' already"):
            edited(BY_HAND, adding("work", LAB))
        text = edited(BY_HAND, adding("work", LAB, replaces=True))
        assert parse(text) == Profiles({"lab": parse(BY_HAND).by_name["lab"], "work": LAB}, "work")

    def test_removing_keeps_all_else_to_the_letter(self) -> None:
        assert edited(BY_HAND, removing("lab")) == (
            "# mine\nuse = 'work'  # for now\n\n"
            "[profile.work] # at work\napi_key='SK1'\naccount_sid = 'AC1'\n\n# the lab\n"
        )

    def test_removing_the_one_in_use_leaves_none_in_use(self) -> None:
        assert edited(BY_HAND, removing("work")) == (
            '# mine\n\n# the lab\n[ profile . "lab" ]\nurl = "ws://lab.example/signaling"\n'
        )

    @pytest.mark.parametrize("edit", [removing("wrok"), using("wrok")])
    def test_a_name_that_is_not_there_is_answered_with_the_one_that_is_meant(self, edit: Edit) -> None:
        with pytest.raises(UsageError) as caught:
            edit(BY_HAND)
        assert (caught.value.problem, caught.value.remedy) == (
            "there is no profile 'wrok'",
            "Did you mean 'work'?",
        )

    def test_using_changes_one_line(self) -> None:
        assert edited(BY_HAND, using("lab")) == BY_HAND.replace("use = 'work'  # for now", 'use = "lab"')
        assert edited(BY_HAND, using(None)) == BY_HAND.replace("use = 'work'  # for now\n", "")

    @pytest.mark.parametrize(
        "text",
        [
            '[profile.lab]\nidentity = """x\\\n[profile.work] # \\\n"""\n[profile.work]\nurl = "ws://x/"\n',
            "profile.work.identity = 'x'\n",
            "profile = {work = {identity = 'x'}}\n",
        ],
    )
    def test_an_unusual_lay_out_is_refused_and_not_damaged(self, text: str) -> None:
        assert "work" in parse(text).by_name
        with pytest.raises(ProfileError, match="nothing is changed"):
            edited(text, removing("work"))

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["a", "b", "c.d"]),
                st.dictionaries(
                    st.sampled_from(["identity", "token_command", "api_secret"]),
                    st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(str.strip),
                ),
            ),
            max_size=6,
        )
    )
    def test_what_was_written_is_what_is_read(self, added: list[tuple[str, dict[str, str]]]) -> None:
        text = ""
        expected: dict[str, Profile] = {}
        for name, values in added:
            text = adding(name, Profile(**values), replaces=True)(text)
            expected[name] = Profile(**values)
        assert parse(text).by_name == expected
        for name in list(expected):
            text = removing(name)(text)
        assert parse(text) == Profiles()


def test_every_key_is_written_as_it_is_called() -> None:
    values = dict.fromkeys(KEYS, "x") | {"account_sid": "AC", "api_key": "SK", "url": "ws://x/"}
    del values["region"]
    content = tomllib.loads(edited("", adding("all", Profile(**values))))
    assert content == {"profile": {"all": values}}
