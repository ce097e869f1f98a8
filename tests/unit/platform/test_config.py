import stat
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from config import settings_from_env
from hcrm.settings import SettingsError

KEY = "k" * 32
SERVER = {"DATABASE_URL": "postgresql://hcrm:secret@db.example:5432/hcrm", "SECRET_KEY": KEY}


TWILIO = {
    "SMS_PROVIDER": "twilio",
    "TWILIO_ACCOUNT_SID": f"AC{'1' * 32}",
    "TWILIO_AUTH_TOKEN": "secret",
    "PUBLIC_BASE_URL": "https://followup.hospital.example",
}


def problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings_from_env(environment)
    return caught.value.problems


def test_an_empty_environment_works_with_the_embedded_database(tmp_path):
    settings = settings_from_env({"HCRM_INSTANCE_DIR": str(tmp_path / "new")})
    assert settings.database_url is None
    assert settings.port == 8000
    assert settings.public_base_url == "http://127.0.0.1:8000"


def test_a_secret_key_is_made_once_and_kept_where_only_its_owner_reads_it(tmp_path):
    environment = {"HCRM_INSTANCE_DIR": str(tmp_path)}
    first = settings_from_env(environment).secret_key
    assert len(first) >= 32
    assert settings_from_env(environment).secret_key == first
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_processes_that_start_at_the_same_moment_agree_on_the_secret_key(tmp_path):
    keys: list[str] = []

    def start() -> None:
        keys.append(settings_from_env({"HCRM_INSTANCE_DIR": str(tmp_path)}).secret_key)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1


def test_the_secret_key_and_the_database_password_are_not_shown(tmp_path):
    shown = repr(settings_from_env(SERVER | {"HCRM_INSTANCE_DIR": str(tmp_path)}))
    assert KEY not in shown
    assert "secret@" not in shown


def test_with_a_server_of_the_hospitals_own_the_secret_key_must_be_given():
    (problem,) = problems({"DATABASE_URL": SERVER["DATABASE_URL"]})
    assert problem.startswith("SECRET_KEY is missing")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_the_usual_spellings_of_the_database_address_are_taken(scheme):
    settings = settings_from_env(SERVER | {"DATABASE_URL": f"{scheme}://u@h/d"})
    assert settings.database_url == "postgresql+psycopg://u@h/d"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://u@h/d"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgresql://u@h"),
        ("HCRM_PORT", "0"),
        ("HCRM_PORT", "eighty"),
        ("HCRM_PORT", "٨٠"),
        ("SECRET_KEY", "short"),
        ("PUBLIC_BASE_URL", "hospital.example"),
        ("PUBLIC_BASE_URL", "https://hospital.example/path"),
        ("PUBLIC_BASE_URL", "https://hospital.example:port"),
        ("HOSPITAL_TIMEZONE", "Mars/Base"),
        ("SMS_PROVIDER", "pigeon"),
        ("HCRM_DEMO", "perhaps"),
        ("HCRM_TRUSTED_PROXIES", "-1"),
        ("HCRM_SESSION_IDLE_MINUTES", "0"),
        ("HCRM_LOG_LEVEL", "chatty"),
        ("HCRM_LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_setting(name, value):
    (problem,) = problems(SERVER | {name: value})
    assert problem.startswith(name)
    assert problem.endswith(".")


def test_all_problems_are_told_together():
    assert len(problems({"HCRM_PORT": "x", "SMS_PROVIDER": "y", "DATABASE_URL": "z"})) == 3


def test_settings_that_contradict_each_other_are_refused():
    (problem,) = problems(SERVER | {"HCRM_SESSION_IDLE_MINUTES": "60", "HCRM_SESSION_LIFETIME_MINUTES": "30"})
    assert "HCRM_SESSION_IDLE_MINUTES" in problem
    assert "HCRM_SESSION_LIFETIME_MINUTES" in problem


def test_a_file_where_the_instance_folder_should_be_is_refused(tmp_path):
    file = tmp_path / "file"
    file.touch()
    (problem,) = problems({"HCRM_INSTANCE_DIR": str(file)})
    assert problem.startswith("HCRM_INSTANCE_DIR")


def test_an_instance_folder_that_cannot_be_made_is_refused():
    (problem,) = problems({"HCRM_INSTANCE_DIR": "/proc/hcrm"})
    assert "HCRM_INSTANCE_DIR" in problem


def test_an_empty_value_counts_as_absent(tmp_path):
    environment = {"HCRM_INSTANCE_DIR": str(tmp_path), "DATABASE_URL": "", "HCRM_PORT": " "}
    assert settings_from_env(environment).port == 8000


def test_the_public_address_loses_its_last_slash_and_decides_about_cookies():
    settings = settings_from_env(SERVER | {"PUBLIC_BASE_URL": "https://f.example/"})
    assert settings.public_base_url == "https://f.example"
    assert settings.secure_cookies


def test_times_of_sessions_are_minutes():
    settings = settings_from_env(SERVER | {"HCRM_SESSION_IDLE_MINUTES": "15"})
    assert settings.session_idle == timedelta(minutes=15)


def test_twilio_is_set_up_with_its_account_and_our_address(tmp_path):
    settings = settings_from_env(
        {"HCRM_INSTANCE_DIR": str(tmp_path), **TWILIO, "SMS_PROVIDER_BY_COUNTRY": "cn=console"}
    )
    assert settings.sms_providers == {"twilio", "console"}
    assert settings.sms_provider_by_country == {"CN": "console"}
    assert settings.twilio_api_base_url == "https://api.twilio.com"
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"TWILIO_AUTH_TOKEN": ""}, "TWILIO_AUTH_TOKEN"),
        ({"TWILIO_ACCOUNT_SID": ""}, "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_ACCOUNT_SID": "AC12"}, "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_MESSAGING_SERVICE_SID": "SM1"}, "TWILIO_MESSAGING_SERVICE_SID"),
        ({"PUBLIC_BASE_URL": ""}, "PUBLIC_BASE_URL"),
        ({"TWILIO_API_BASE_URL": "http://api.elsewhere.example"}, "TWILIO_API_BASE_URL"),
        ({"SMS_PROVIDER_BY_COUNTRY": "China=console"}, "SMS_PROVIDER_BY_COUNTRY"),
        ({"SMS_PER_SECOND_PER_NUMBER": "0"}, "SMS_PER_SECOND_PER_NUMBER"),
        ({"SMS_PER_SECOND_PER_FACILITY": "-1"}, "SMS_PER_SECOND_PER_FACILITY"),
        ({"SMS_PROVIDER": "pigeon"}, "SMS_PROVIDER"),
    ],
)
def test_what_is_wrong_about_twilio_is_named(tmp_path, changes, named):
    with pytest.raises(SettingsError) as problem:
        settings_from_env({"HCRM_INSTANCE_DIR": str(tmp_path), **TWILIO, **changes})
    assert any(sentence.startswith(named) for sentence in problem.value.problems)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"DATABASE_URL": "postgresql://u@h/d"}, "DATABASE_URL"),
        (TWILIO, "SMS_PROVIDER"),
        (TWILIO | {"SMS_PROVIDER": "console", "SMS_PROVIDER_BY_COUNTRY": "GB=twilio"}, "SMS_PROVIDER"),
    ],
)
def test_a_demonstration_has_no_database_and_no_phones_that_could_be_real(tmp_path, changes, named):
    environment = {"HCRM_INSTANCE_DIR": str(tmp_path), "SECRET_KEY": "x" * 32} | changes
    assert not settings_from_env(environment).demo
    (problem,) = problems(environment | {"HCRM_DEMO": "1"})
    assert problem.startswith(named)


def test_a_process_does_without_the_readings_of_chinese_phrases():
    loaded = "import sys, hcrm.cli, hcrm.patients.domain; print('pypinyin.phrases_dict' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
