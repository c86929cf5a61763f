"""Make the project's environment from its hashed lock; needs nothing but a Python and, the first time, a network.

Usage: python3 scripts/environment.py VENV LOCK

Runs on whatever `python3` is, so it uses no syntax newer than Python 3.6 and hands over to a newer one if need be.
"""

import os
import shutil
import subprocess
import sys

LEAST = (3, 11)
NEWEST_FIRST = ["python3.14", "python3.13", "python3.12", "python3.11"]
APT = ["python3-venv", "libpango-1.0-0", "libpangoft2-1.0-0"]
BREW = ["pango"]


def main(venv, lock):
    """Create VENV if need be, install LOCK into it, then the project itself, then WeasyPrint's libraries."""
    if sys.version_info < LEAST:
        hand_over()
    binaries = os.path.join(venv, "bin")
    python = os.path.join(binaries, "python")
    if not os.path.exists(os.path.join(binaries, "pip")):
        create(venv)
    say("installing {} (hashes checked) …".format(lock))
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run([*pip, "--require-hashes", "--requirement", lock])
    run([*pip, "--no-deps", "--no-build-isolation", "--no-index", "--editable", "."])
    if not loads_weasyprint(python):
        install_libraries()
        if not loads_weasyprint(python):
            fail(
                "WeasyPrint cannot load its libraries; see https://doc.courtbouillon.org/weasyprint/stable/first_steps.html"
            )


def hand_over():
    """Run this script again on the newest Python there is; end with advice where there is none."""
    for name in NEWEST_FIRST:
        found = shutil.which(name)
        if found:
            os.execv(found, [found, *sys.argv])
    fail("trainer needs Python {}.{} or newer; python3 is {}.{}".format(*LEAST, *sys.version_info[:2]))


def create(venv):
    """Make the virtual environment, installing Debian's missing piece of Python where that is possible."""
    if subprocess.call([sys.executable, "-m", "venv", venv]) == 0:
        return
    install_libraries()
    run([sys.executable, "-m", "venv", "--clear", venv])


def loads_weasyprint(python):
    """Whether WeasyPrint finds the shared libraries it draws with."""
    code = "import weasyprint"
    return subprocess.call([python, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def install_libraries():
    """Install the system packages, or name the command that does and end."""
    command = library_command()
    if command is None:
        fail("install Pango (WeasyPrint draws PDFs with it), then run make again")
    say("installing system libraries: {}".format(" ".join(command)))
    if command[0] == "sudo" and subprocess.call(["sudo", "-n", "true"]) != 0:
        fail("WeasyPrint needs system libraries; run:\n  {}\nthen run make again".format(" ".join(command)))
    if "apt-get" in command:
        prefix = command[: command.index("apt-get")]
        subprocess.call([*prefix, "apt-get", "update", "-qq"])
    run(command)


def library_command():
    """The command that installs the system packages here; None where neither apt-get nor Homebrew is found."""
    if shutil.which("apt-get"):
        sudo = [] if os.geteuid() == 0 else ["sudo"]
        return [*sudo, "apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *APT]
    if shutil.which("brew"):
        return ["brew", "install", *BREW]
    return None


def run(command):
    """Run a command; end with its own code where it fails."""
    code = subprocess.call(command)
    if code:
        fail("failed: {}".format(" ".join(command)), code)


def say(message):
    """Tell on stderr."""
    print(message, file=sys.stderr, flush=True)


def fail(message, code=1):
    """Tell on stderr and end."""
    say("error: " + message)
    sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
