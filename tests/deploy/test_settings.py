import pytest
from tpc_courses.base.places import Places
from tpc_courses.base.problems import SourceError
from tpc_courses.sources.manifest import load_courses
from tpc_hub.deploy.configure import AUTHENTICATORS, configure, set_sign_in
from tpc_hub.settings.profile import Settings, SignIn, load_settings, note_profile
from traitlets.config import Config


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("CAMPUS_PORT", "CAMPUS_HOST", "CAMPUS_SUBDOMAINS", "CAMPUS_PROFILE", "CAMPUS_DB"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("profile", ["local", "server"])
def test_shipped_profiles_are_valid(repository, profile):
    assert load_settings(repository, profile).subdomains


def test_the_environment_wins_over_the_profile(repository, monkeypatch):
    monkeypatch.setenv("CAMPUS_PORT", "9000")
    assert load_settings(repository).url == "http://hub.localhost:9000"


def test_unknown_keys_and_wrong_types_are_reported_together(tmp_path):
    profiles = tmp_path / "hub" / "profiles"
    profiles.mkdir(parents=True)
    (profiles / "odd.toml").write_text('prot = 80\nport = "many"\n')
    with pytest.raises(SourceError) as caught:
        load_settings(Places(tmp_path, tmp_path / "state"), "odd")
    assert "hub/profiles/odd.toml: prot: unknown key" in str(caught.value)
    assert "hub/profiles/odd.toml: port" in str(caught.value)


def test_an_unknown_profile_names_those_there_are(repository):
    with pytest.raises(SourceError, match="local, server"):
        load_settings(repository, "cloud")


def configured(tree, **changes) -> Config:
    c = Config()
    configure(c, Settings(**changes), load_courses(tree), tree)
    return c


def test_people_and_services_have_own_origins(tree):
    assert configured(tree).JupyterHub.subdomain_host == "http://hub.localhost:8000"
    assert Settings().campus_url == "http://campus--service.hub.localhost:8000/services/campus"


def test_single_host_mode_needs_no_subdomains(tree):
    c = configured(tree, subdomains=False)
    assert "subdomain_host" not in c.JupyterHub
    assert "/book/" in c.Proxy.extra_routes
    assert Settings(subdomains=False).campus_url == "http://hub.localhost:8000/services/campus"


def test_nobody_holds_an_admin_scope(tree):
    c = configured(tree)
    held = {scope for role in c.JupyterHub.load_roles for scope in role["scopes"]}
    scopes = {scope for scope in held if not scope.endswith("!user")}  # what is one's own
    assert not [scope for scope in scopes if scope.startswith(("admin", "access:servers", "tokens"))]
    assert not [service for service in c.JupyterHub.services if service.get("admin")]


def test_each_formgrader_opens_for_its_own_course_only(tree):
    roles = {role["name"]: role for role in configured(tree).JupyterHub.load_roles}
    assert roles["formgrade-data"]["groups"] == ["formgrade-data"]
    assert roles["formgrade-data"]["scopes"] == ["access:services!service=formgrader-data"]


def test_users_own_configuration_is_off(tree):
    assert configured(tree).Spawner.disable_user_config is True


def test_commands_use_the_profile_that_the_campus_was_started_with(tree, monkeypatch):
    monkeypatch.delenv("CAMPUS_PROFILE", raising=False)
    assert load_settings(tree).host == "hub.localhost"
    tree.state.mkdir()
    note_profile(tree, "server")
    assert load_settings(tree).host == "campus.example.org"
    assert load_settings(tree, "local").host == "hub.localhost"
    monkeypatch.setenv("CAMPUS_PROFILE", "local")
    assert load_settings(tree).host == "hub.localhost"


@pytest.mark.parametrize("method", sorted(AUTHENTICATORS))
def test_other_sign_ins_are_a_few_lines_of_a_profile(tree, tmp_path, method):
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    c = Config()
    sign_in = SignIn(method=method, options={"client_id": "campus"}, secret_file=secret)
    set_sign_in(c, Settings(sign_in=sign_in), tree)
    authenticator = c.JupyterHub.authenticator_class(config=c)
    assert getattr(authenticator, "client_secret", "s3cret") == "s3cret", (
        "LTI 1.3 knows platforms by their keys"
    )
    assert authenticator.database_url == tree.database_url
    assert authenticator.class_traits()["client_id"].metadata.get("config")
