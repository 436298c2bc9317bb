"""The infra tasks as they are called, and the rooms that infra keeps to."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable
from ipaddress import IPv4Network

import pytest
from infra_stack import CONFIG, Account
from invoke import Collection, Program
from projects import Project

from infra import console
from infra.errors import InfraError
from pipeline.settings import PROJECT_ROOT

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(account: Account, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Invoke's own program in this process, where the tests' AWS is."""
    monkeypatch.setattr(console, "Clock", lambda: account.state.clock)
    monkeypatch.setattr(console, "own_address", lambda: IPv4Network("203.0.113.7/32"))
    monkeypatch.chdir(PROJECT_ROOT)
    for name in ("NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    import tasks

    def call(*arguments: str, **settings: str) -> tuple[int, str, str]:
        namespace = Collection.from_module(tasks)
        namespace.configure(CONFIG)
        code = 0
        with pytest.MonkeyPatch.context() as patch, open(os.devnull, encoding="utf-8") as nothing:
            patch.setattr("sys.stdin", nothing)
            for name, value in settings.items():
                patch.setenv(name, value)
            try:
                Program(namespace=namespace).run(["invoke", *arguments])
            except SystemExit as end:
                code = int(end.code or 0)
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return call


def commands_of(page: str) -> list[tuple[dict[str, str], list[str]]]:
    """The infra commands in a page's blocks, each with the settings before it."""
    commands, settings = [], {}
    for block in re.findall(r"```sh\n(.*?)```", (PROJECT_ROOT / page).read_text(encoding="utf-8"), re.DOTALL):
        for line in block.splitlines():
            if match := re.fullmatch(r"export (\w+)=(\S+)", line):
                settings[match[1]] = match[2]
            elif match := re.search(r"\./inv (infra\.[^)\"]+)", line):
                commands.append((dict(settings), shlex.split(match[1])))
    return commands


def test_the_commands_of_the_page_create_and_delete_everything(account: Account, run: Run) -> None:
    commands = commands_of("docs/redshift.md")
    assert {arguments[0] for _, arguments in commands} >= {"infra.plan", "infra.up", "infra.status", "infra.down"}
    for settings, arguments in commands:
        outputs = run(*arguments, **{name: value for name, value in settings.items() if name.startswith("INVOKE_")})
        assert outputs[0] == 0, (arguments, outputs[2])
        assert outputs[1], arguments
    assert account.state.everything() == []


def test_offline_needs_nothing_and_explains_everything(project: Project, tmp_path: object) -> None:
    nothing = {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_CONFIG_FILE": f"{tmp_path}/none",
        "AWS_SHARED_CREDENTIALS_FILE": f"{tmp_path}/none",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "HTTPS_PROXY": "http://127.0.0.1:1",
    }
    for mode, words in (("provisioned", ("cluster", "parameter group")), ("serverless", ("workgroup", "usage limit"))):
        done = project.invoke("infra.plan", "--offline", **nothing, INVOKE_INFRA_MODE=mode)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Amazon Redshift is a data warehouse that AWS runs" in done.stdout
        assert re.search(r"Cost: \$\d+\.\d+/h, \$\d+ a month", done.stdout)
        assert all(f"create   {word}" in done.stdout for word in words)


def test_errors_are_one_line_with_a_code_of_their_own(project: Project) -> None:
    wrong = project.invoke("infra.plan", "--offline", INVOKE_INFRA_NODE_TYPE="dc2.large")
    assert (wrong.returncode, wrong.stderr.count("\n"), "Traceback" in wrong.stderr) == (2, 1, False)
    assert "AWS no longer sells dc2" in wrong.stderr
    unreachable = project.invoke(
        "infra.status",
        AWS_ENDPOINT_URL="http://127.0.0.1:1",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106
        AWS_MAX_ATTEMPTS="1",
    )
    assert (unreachable.returncode, "Traceback" in unreachable.stderr) == (5, False)
    assert "AWS could not be reached" in unreachable.stderr


def test_up_prints_for_a_shell_and_down_asks_for_the_name(account: Account, run: Run) -> None:
    _, out, err = run("infra.up")
    assert all(re.fullmatch(r"export [A-Z_]+=\S+", line) for line in out.splitlines())
    assert "SPARKIFY_REDSHIFT_CLUSTER_ID=sparkify" in out
    assert "cluster sparkify: creating" in err
    assert "Cost: $0.381/h" in err
    assert run("infra.status", "--exports")[1] == out
    assert run("infra.status")[0] == 0

    there = account.state.everything()
    for arguments in ((), ("--name", "sparkly")):
        code, _, err = run("infra.down", *arguments)
        assert (code, "Nothing was changed" in err) == (1, True)
        assert account.state.everything() == there
    _, out, _ = run("infra.down", "--name", "sparkify", "--no-snapshot")
    assert "Nothing of the project remains" in out
    assert account.state.snapshots == []
    assert "sparkify has no resources" in run("infra.down")[1]
    assert run("infra.status")[0] == 3  # not as planned


def test_down_says_what_remains(account: Account, run: Run) -> None:
    run("infra.up")
    _, out, _ = run("infra.down", "--name", "sparkify")
    [snapshot] = account.state.snapshots
    assert f"The final snapshot is {snapshot}" in out
    assert "These resources remain" in out
    assert f"snapshot:sparkify/{snapshot}" in out


def test_pause_resume_resize_find_and_policy(account: Account, run: Run) -> None:
    run("infra.up")
    assert "you pay only for storage" in run("infra.pause")[1]
    assert "paused" in run("infra.status")[1]
    assert "Running" in run("infra.resume")[1]
    assert "Put infra.nodes: 2 into invoke.yaml" in run("infra.resize", "--nodes", "2")[1]
    assert account.state.clusters["sparkify"].record["NumberOfNodes"] == 2
    assert "--base-capacity" not in run("infra.resize", "--nodes", "4")[2]
    code, _, err = run("infra.resize", "--base-capacity", "16")
    assert (code, "A cluster has no capacity in RPU" in err) == (2, True)
    assert "The new size is missing" in run("infra.resize")[2]
    assert "in the plan" in run("infra.find")[1]
    policies = json.loads(run("infra.policy")[1])
    assert set(policies) == {"data", "network", "cluster", "serverless"}
    assert json.loads(run("infra.policy", "--account", "210987654321")[1]) != policies
    assert "12 digits" in run("infra.policy", "--account", "me")[2]


def test_public_without_a_range_lets_in_this_machine_alone(account: Account, run: Run) -> None:
    run("infra.up", INVOKE_INFRA_PUBLIC="true")
    [group] = [line for line in account.state.everything() if line.startswith("security group")]
    assert "203.0.113.7/32" in group
    assert "0.0.0.0/0" not in group


def test_replacing_data_asks_for_the_name(account: Account, run: Run) -> None:
    run("infra.up")
    assert "pass --replace" in run("infra.up", INVOKE_INFRA_DATABASE="other")[2]
    assert "Nothing was changed" in run("infra.up", "--replace", INVOKE_INFRA_DATABASE="other")[2]
    assert account.state.clusters["sparkify"].record["DBName"] == "sparkify"
    code, _, err = run("infra.up", "--replace", "--name", "sparkify", INVOKE_INFRA_DATABASE="other")
    [snapshot] = account.state.snapshots
    assert (code, f"The final snapshot of the replaced warehouse is {snapshot}" in err) == (0, True)
    assert account.state.clusters["sparkify"].record["DBName"] == "other"


def test_the_environment_is_taken_at_its_word(account: Account, run: Run) -> None:
    run("infra.up", INVOKE_INFRA_PUBLIC="false", INVOKE_INFRA_MULTI_AZ="0")
    assert account.state.clusters["sparkify"].record["PubliclyAccessible"] is False
    code, _, err = run("infra.plan", "--offline", INVOKE_INFRA_NODES="two")
    assert (code, "infra.nodes is 'two'" in err) == (2, True)


def test_an_address_that_cannot_be_found_out_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_WHO_AM_I", "http://127.0.0.1:1")
    with pytest.raises(InfraError, match="Set it, as in INVOKE_INFRA_INGRESS_CIDR"):
        console.own_address()


def test_what_aws_says_is_text(account: Account, run: Run) -> None:
    """A role's path may have brackets in it, which Rich would take for a style, and DEL."""
    settings = account.settings()
    account.aws.client("iam").create_role(
        RoleName=f"other-{settings.region}", Path=f"{settings.roles_path}[red]\x7f/", AssumeRolePolicyDocument="{}"
    )
    code, out, _ = run("infra.find")
    assert (code, f"{settings.roles_path}[red]\\x7f/other" in out) == (0, True), out
    account.state.deny = {"ec2:DescribeVpcs": "\x1b[2J[red]no\u2028\u202e"}
    code, _, error = run("infra.status")
    assert code != 0
    assert not [letter for letter in error if not letter.isprintable() and letter != "\n"]
