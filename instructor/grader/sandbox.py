"""Where a submission runs: a process that sees Python, and nothing of this project or the network.

Three ways, the best that the machine has: bubblewrap, `unshare` of util-linux, or a plain process
with limits. With either of the first two the answers, the other submissions and the network are
out of reach: they are not in the file system that the process has.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

CHILD = Path(__file__).with_name("child.py")
WORK = "/sandbox"  # where a submission may write, in memory, gone with it
WORK_SIZE = 64 * 2**20
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache")
ENVIRONMENT = {
    "HOME": WORK,
    "LANG": "C.UTF-8",
    "MPLBACKEND": "agg",
    "MPLCONFIGDIR": WORK,
    "OMP_NUM_THREADS": "1",  # submissions are graded side by side; and sums come out alike
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": "/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "TMPDIR": WORK,
}
# The root of the new file system is made in memory; what is to be seen is bound into it, and the
# old root is let go. In a name space of users root's powers end at its border.
SCRIPT = """
set -e
PATH=/usr/sbin:/sbin:$PATH
mount --make-rprivate /
mount -t tmpfs -o size={size} none {root}
cd {root}
mkdir -p old proc dev tmp .{work}
{binds}
for device in null zero random urandom; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mount -t proc none proc
pivot_root . old
umount -l /old
cd {work}
exec "$@"
"""  # noqa: E501 - a line of the shell


def ways():
    """Return the ways that work on this machine, best first: of bwrap, unshare, none."""
    return [way for way in ("bwrap", "unshare") if _works(way)] + ["none"]


def _works(way):
    if shutil.which(way) is None:
        return False
    try:
        command = command_for(way, ["-c", "print('here')"])
        run = subprocess.run(command, capture_output=True, timeout=30, env=dict(ENVIRONMENT))
    except (OSError, subprocess.TimeoutExpired):
        return False
    return run.returncode == 0 and run.stdout == b"here\n"


def child_command(way):
    """Return the command that starts the child in that way."""
    return command_for(way, [str(CHILD)])


def command_for(way, arguments):
    python = [_python(), "-I", "-S", *arguments]
    if way == "none":
        return python
    return (_bwrap if way == "bwrap" else _unshare)(python)


def search_path():
    """Return where the child finds packages. It starts without them (-S), so that what a package
    runs at the start of Python, such as the link to an editable install, is not run."""
    return list(dict.fromkeys(sysconfig.get_paths()[key] for key in ("purelib", "platlib")))


def _python():
    # The interpreter itself, not the link to it in the virtual environment.
    return str(Path(sys.executable).resolve())


def _visible():
    """Return the folders and files to be seen, outermost first, none inside another."""
    base = Path(sysconfig.get_paths()["stdlib"])
    paths = [Path(p) for p in SYSTEM] + [Path(sys.base_prefix).resolve(), base, CHILD]
    paths += [Path(p) for p in search_path()]
    found = []
    for path in sorted({p for p in paths if p.exists()}, key=lambda p: len(p.parts)):
        if not any(path.is_relative_to(outer) for outer in found if not outer.is_symlink()):
            found.append(path)
    return found


def _bwrap(python):
    options = ["--unshare-all", "--die-with-parent", "--new-session", "--hostname", "grader"]
    for path in _visible():
        if path.is_symlink():
            options += ["--symlink", os.readlink(path), str(path)]
        else:
            options += ["--ro-bind", str(path), str(path)]
    options += ["--proc", "/proc", "--dev", "/dev", "--dir", "/tmp"]
    options += ["--size", str(WORK_SIZE), "--tmpfs", WORK, "--chdir", WORK]
    return ["bwrap", *options, "--", *python]


def _unshare(python):
    root = "/mnt" if Path("/mnt").is_dir() else "/media"
    binds = []
    for path in _visible():
        at = shlex.quote(str(path).lstrip("/"))
        source = shlex.quote(str(path))
        above = shlex.quote(str(path.parent).lstrip("/") or ".")
        binds.append(f"mkdir -p {above}")
        if path.is_symlink():
            binds.append(f"ln -s {shlex.quote(os.readlink(path))} {at}")
        else:
            make = f"mkdir -p {at}" if path.is_dir() else f"touch {at}"
            binds.append(f"{make}; mount --rbind {source} {at}; mount -o remount,bind,ro {at}")
    script = SCRIPT.format(size=WORK_SIZE, root=root, work=WORK, binds="\n".join(binds))
    options = ["--user", "--map-root-user", "--mount", "--net", "--ipc", "--uts", "--pid"]
    return ["unshare", *options, "--fork", "--kill-child", "sh", "-c", script, "sh", *python]
