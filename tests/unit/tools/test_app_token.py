from tools.app_token import APP_TOKEN, with_app_token


def test_each_run_has_a_token_of_its_own_that_cannot_be_guessed():
    tokens = {with_app_token({})[APP_TOKEN] for _ in range(3)}
    assert len(tokens) == 3
    assert all(len(token) >= 40 for token in tokens)


def test_a_token_of_the_environment_is_kept():
    env = {APP_TOKEN: "mine", "PATH": "/bin"}
    assert with_app_token(env) == env


def test_an_empty_one_is_none():
    assert with_app_token({APP_TOKEN: ""})[APP_TOKEN]
