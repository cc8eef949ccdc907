"""Every way in which fetching a data file can go wrong ends in a clear error or a good file."""

import concurrent.futures
import contextlib
import errno
import functools
import gzip
import hashlib
import http.server
import io
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
import zipfile

import pytest
import tqdm.auto

from gdutils import _files
from gdutils._registry import Record

GOOD = bytes(range(256)) * 40  # 10,240 bytes
GZIPPED = gzip.compress(GOOD, mtime=0)

# A child reads the toy record as a chapter would: arguments are cache, URL, SHA-256.
CHILD = """
import sys, pooch
from pathlib import Path
from gdutils import _files
from gdutils._registry import Record

cache, url, digest = sys.argv[1:]
pooch.os_cache = lambda project: Path(cache)
content = _files.read(Record("toy.dat", "toy", {digest: 10240}, (url,)))
print(len(content))
"""


def toy(*mirrors, contents=(GOOD,)):
    digests = {hashlib.sha256(content).hexdigest(): len(content) for content in contents}
    return Record("toy.dat", "toy", digests, mirrors)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of this test's own; no GDUTILS_DATA."""
    monkeypatch.delenv("GDUTILS_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def server(monkeypatch):
    """A mirror on this machine: `server.routes[path]` is what it sends, or a function that sends.

    `server.asked` lists the paths in the order of the requests.
    """
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            answer = routes.get(self.path)
            if answer is None:
                self.send_error(404)
            elif callable(answer):
                answer(self)
            else:
                send(self, answer)

        def log_message(self, *args):
            pass

    routes, asked = {}, []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.daemon_threads = True
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        httpd.routes, httpd.asked = routes, asked
        httpd.url = f"http://127.0.0.1:{httpd.server_port}"
        yield httpd
        httpd.shutdown()


def send(handler, body, declared=None):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body) if declared is None else declared))
    handler.end_headers()
    handler.wfile.write(body)
    handler.wfile.flush()


def start_child(cache, url):
    arguments = [str(cache), url, hashlib.sha256(GOOD).hexdigest()]
    environment = {k: v for k, v in os.environ.items() if k != "GDUTILS_DATA"}
    root = pathlib.Path(_files.__file__).resolve().parent.parent
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "PYTHONPATH": str(root)},
    )


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_download_is_kept_unpacked_and_not_fetched_again(cache, server):
    server.routes["/toy.dat.gz"] = GZIPPED
    record = toy(server.url + "/toy.dat.gz")
    assert _files.read(record) == GOOD
    assert _files.read(record) == GOOD
    assert server.asked == ["/toy.dat.gz"]
    assert (cache / "toy" / "toy.dat").read_bytes() == GOOD
    assert names(cache) == ["toy.dat"]


def test_no_network_names_every_place_every_mirror_and_three_ways_out(cache, monkeypatch):
    def no_dns(host, *rest):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_dns)
    monkeypatch.setenv("NO_PROXY", "*")
    record = toy("http://one.invalid/toy.dat", "http://two.invalid/toy.dat")
    with pytest.raises(_files.DataError) as caught:
        _files.read(record)
    message = str(caught.value)
    for part in (
        "GDUTILS_DATA: not set",
        str(cache),
        "http://one.invalid/toy.dat NameResolutionError",
        "http://two.invalid/toy.dat NameResolutionError",
        "connect to the network",
        "put toy.dat or toy.dat.gz into a folder and set GDUTILS_DATA",
        "GDUTILS_DATA=stand-in",
    ):
        assert part in message
    assert isinstance(caught.value, OSError)
    assert names(cache) == []


@pytest.mark.parametrize(
    "damaged",
    [GOOD[:5000], GOOD[:-1] + b"\0", GZIPPED[:30], GZIPPED[:-9] + b"\xff" + GZIPPED[-8:], b""],
    ids=["truncated", "altered byte", "truncated gzip", "altered gzip", "empty"],
)
def test_damaged_file_in_the_cache_is_named_set_aside_and_fetched_again(cache, server, damaged):
    server.routes["/toy.dat"] = GOOD
    path = put(cache / "toy" / "toy.dat", damaged)
    with pytest.warns(UserWarning, match="truncated or altered") as warned:
        assert _files.read(toy(server.url + "/toy.dat")) == GOOD
    assert str(path) in str(warned[0].message)
    assert (cache / "toy" / "toy.dat.bad").read_bytes() == damaged
    assert path.read_bytes() == GOOD


@pytest.mark.parametrize("damaged", [GOOD[:5000], GOOD[:-1] + b"\0"], ids=["truncated", "altered"])
def test_damaged_file_in_the_users_folder_is_named_left_alone_and_passed_over(
    cache, server, tmp_path, monkeypatch, damaged
):
    server.routes["/toy.dat"] = GOOD
    path = put(tmp_path / "mine" / "toy.dat", damaged)
    monkeypatch.setenv("GDUTILS_DATA", str(tmp_path / "mine"))
    with pytest.warns(UserWarning, match="left where it is"):
        assert _files.read(toy(server.url + "/toy.dat")) == GOOD
    assert path.read_bytes() == damaged
    assert names(tmp_path / "mine") == ["toy.dat"]


def test_damaged_file_without_network_is_an_error_that_says_what_is_wrong_with_it(
    cache, tmp_path, monkeypatch
):
    put(tmp_path / "mine" / "toy.dat", GOOD[:5000])
    monkeypatch.setenv("GDUTILS_DATA", str(tmp_path / "mine"))
    with pytest.warns(UserWarning), pytest.raises(_files.DataError, match="5,000 bytes with SHA"):
        _files.read(toy())


def test_wrong_content_from_the_first_mirror_leads_to_the_second(cache, server):
    server.routes["/first"] = b"<html>please sign in</html>"
    server.routes["/second"] = GZIPPED
    assert _files.read(toy(server.url + "/first", server.url + "/second")) == GOOD
    assert server.asked == ["/first", "/second"]


def test_wrong_content_from_every_mirror_is_an_error_and_leaves_nothing(cache, server):
    server.routes["/first"] = b"<html>please sign in</html>"
    with pytest.raises(_files.DataError) as caught:
        _files.read(toy(server.url + "/first", server.url + "/missing"))
    assert "27 bytes" in str(caught.value) and "404" in str(caught.value)
    assert names(cache) == []


def test_download_that_breaks_off_leads_to_the_next_mirror(cache, server):
    server.routes["/first"] = lambda handler: send(handler, GOOD[:5000], declared=len(GOOD))
    server.routes["/second"] = GOOD
    assert _files.read(toy(server.url + "/first", server.url + "/second")) == GOOD
    assert names(cache) == ["toy.dat"]


def test_download_that_breaks_off_everywhere_leaves_nothing(cache, server):
    server.routes["/first"] = lambda handler: send(handler, GOOD[:5000], declared=len(GOOD))
    with pytest.raises(_files.DataError, match="IncompleteRead"):
        _files.read(toy(server.url + "/first"))
    assert names(cache) == []


def test_either_kind_of_line_end_is_accepted(cache, server):
    crlf, lf = b"1\t2\r\n3\t4\r\n", b"1\t2\n3\t4\n"
    server.routes["/crlf"], server.routes["/lf"] = crlf, lf
    for path, content in (("/crlf", crlf), ("/lf", lf)):
        assert _files.read(toy(server.url + path, contents=(crlf, lf))) == content
        (cache / "toy" / "toy.dat").unlink()


def zipped(content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.txt", "not this one")
        archive.writestr("toy.dat", content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "packed",
    [GOOD, gzip.compress(GOOD, 1), gzip.compress(GOOD, 9, mtime=7), zipped(GOOD)],
    ids=["plain", "fastest gzip", "smallest gzip with a date", "zip"],
)
def test_any_packing_of_the_right_content_is_accepted(cache, tmp_path, monkeypatch, packed):
    monkeypatch.setenv("GDUTILS_DATA", str(tmp_path / "mine"))
    put(tmp_path / "mine" / "toy.dat.gz", packed)
    assert _files.read(toy()) == GOOD


@pytest.mark.parametrize("place", ["toy/toy.dat", "toy/toy.dat.gz", "toy.dat", "toy.dat.gz"])
def test_files_may_lie_flat_or_in_the_sub_folder(cache, tmp_path, monkeypatch, place):
    monkeypatch.setenv("GDUTILS_DATA", str(tmp_path / "mine"))
    put(tmp_path / "mine" / place, GZIPPED if place.endswith(".gz") else GOOD)
    assert _files.read(toy()) == GOOD


def test_places_are_asked_in_order_and_a_good_copy_ends_the_search(
    cache, server, tmp_path, monkeypatch
):
    """The four places hold different accepted contents, so the answer tells where it is from."""
    mine, project, cached, remote = (GOOD + bytes([i]) for i in range(4))
    record = toy(server.url + "/toy.dat", contents=(mine, project, cached, remote))
    server.routes["/toy.dat"] = remote
    put(tmp_path / "checkout" / "pyproject.toml", b"")
    monkeypatch.setattr(_files, "__file__", str(tmp_path / "checkout" / "gdutils" / "_files.py"))
    monkeypatch.setenv("GDUTILS_DATA", str(tmp_path / "mine"))
    paths = [
        put(tmp_path / "mine" / "toy.dat", mine),
        put(tmp_path / "checkout" / "data" / "toy.dat", project),
        put(cache / "toy" / "toy.dat", cached),
    ]
    for content, path in zip((mine, project, cached), paths, strict=True):
        assert _files.read(record) == content
        path.unlink()
    assert server.asked == []
    assert _files.read(record) == remote


def test_data_folder_beside_an_installed_package_is_not_the_projects(cache, tmp_path, monkeypatch):
    put(tmp_path / "site-packages" / "data" / "toy.dat", GOOD)
    where = tmp_path / "site-packages" / "gdutils" / "_files.py"
    monkeypatch.setattr(_files, "__file__", str(where))
    with pytest.raises(_files.DataError):
        _files.read(toy())


@pytest.mark.parametrize("value", ["/no/such/folder", "standin", "~nobody-of-that-name/data"])
def test_gdutils_data_that_is_no_folder_is_named(cache, monkeypatch, value):
    monkeypatch.setenv("GDUTILS_DATA", value)
    with pytest.raises(ValueError, match="GDUTILS_DATA must be a folder") as caught:
        _files.read(toy())
    assert repr(value) in str(caught.value)


def test_empty_gdutils_data_counts_as_not_set(cache, server, tmp_path, monkeypatch):
    """It does not mean the current folder."""
    server.routes["/toy.dat"] = GOOD
    monkeypatch.setenv("GDUTILS_DATA", "")
    monkeypatch.chdir(put(tmp_path / "here" / "toy.dat", GOOD[:100]).parent)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # reading the damaged file here would warn
        assert _files.read(toy(server.url + "/toy.dat")) == GOOD


def test_file_in_the_way_of_the_cache_is_an_error_before_any_download(cache, server):
    server.routes["/toy.dat"] = GOOD
    cache.write_bytes(b"not a folder")
    with pytest.raises(_files.DataError, match="cannot store"):
        _files.read(toy(server.url + "/toy.dat"))
    assert server.asked == []


def read_only(*args):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def test_read_only_cache_is_an_error_before_any_download(cache, server, monkeypatch):
    server.routes["/toy.dat"] = GOOD
    monkeypatch.setattr(tempfile, "mkstemp", read_only)
    with pytest.raises(_files.DataError, match=r"cannot store .*toy\.dat: Read-only") as caught:
        _files.read(toy(server.url + "/toy.dat"))
    assert caught.value.errno == errno.EROFS
    assert "XDG_CACHE_HOME" in str(caught.value)
    assert server.asked == []


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="mode bits do not bind this user"
)
def test_cache_without_write_permission_is_an_error(cache, server):
    server.routes["/toy.dat"] = GOOD
    cache.mkdir()
    cache.chmod(0o500)
    try:
        with pytest.raises(_files.DataError, match="cannot store") as caught:
            _files.read(toy(server.url + "/toy.dat"))
    finally:
        cache.chmod(0o700)
    assert caught.value.errno == errno.EACCES


def test_read_only_cache_with_a_good_file_is_read(cache, monkeypatch):
    put(cache / "toy" / "toy.dat", GOOD)
    monkeypatch.setattr(tempfile, "mkstemp", read_only)
    assert _files.read(toy()) == GOOD


def test_read_only_cache_with_a_damaged_file_is_an_error(cache, server, monkeypatch):
    server.routes["/toy.dat"] = GOOD
    put(cache / "toy" / "toy.dat", GOOD[:100])
    monkeypatch.setattr(tempfile, "mkstemp", read_only)
    monkeypatch.setattr(os, "replace", read_only)
    with (
        pytest.warns(UserWarning, match="cannot be set aside"),
        pytest.raises(_files.DataError, match="Read-only"),
    ):
        _files.read(toy(server.url + "/toy.dat"))


def test_disk_that_fills_up_is_an_error_and_leaves_nothing(cache, server, monkeypatch):
    server.routes["/toy.dat"] = GOOD

    def fill_up(path, content):
        with path.open("wb") as file:
            file.write(content[:5000])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(pathlib.Path, "write_bytes", fill_up)
        with pytest.raises(_files.DataError, match="No space left") as caught:
            _files.read(toy(server.url + "/toy.dat"))
    assert caught.value.errno == errno.ENOSPC
    assert names(cache) == []
    assert _files.read(toy(server.url + "/toy.dat")) == GOOD


def test_write_that_the_system_cuts_off_is_an_error_and_leaves_nothing(cache, server):
    """The limit on file size makes a real write fail half-way, as a full disk does."""
    resource = pytest.importorskip("resource", reason="no limits on file size on this system")
    server.routes["/toy.dat"] = GOOD
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(_files.DataError, match="cannot store") as caught:
            _files.read(toy(server.url + "/toy.dat"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert names(cache) == []


def test_two_processes_at_once_both_succeed_and_leave_one_good_file(cache, server):
    both = threading.Barrier(2, timeout=30)

    def send_half_when_both_are_here(handler):
        both.wait()  # neither gets its answer before the other has asked
        send(handler, GOOD[:5000], declared=len(GOOD))
        both.wait()
        handler.wfile.write(GOOD[5000:])

    server.routes["/toy.dat"] = send_half_when_both_are_here
    children = [start_child(cache, server.url + "/toy.dat") for _ in range(2)]
    for child in children:
        out, err = child.communicate(timeout=60)
        assert (child.returncode, out.strip()) == (0, "10240"), err
    assert len(server.asked) == 2
    assert (cache / "toy" / "toy.dat").read_bytes() == GOOD
    assert names(cache) == ["toy.dat"]


def test_two_writers_at_the_same_moment_do_not_share_a_partial_file(cache, server, monkeypatch):
    server.routes["/toy.dat"] = GOOD
    written, write_bytes = threading.Barrier(2, timeout=30), pathlib.Path.write_bytes

    def write_and_wait(path, content):
        write_bytes(path, content)
        written.wait()  # both have written, neither has renamed

    monkeypatch.setattr(pathlib.Path, "write_bytes", write_and_wait)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        record = toy(server.url + "/toy.dat")
        assert list(pool.map(_files.read, [record, record])) == [GOOD, GOOD]
    assert names(cache) == ["toy.dat"]


def test_process_killed_while_downloading_leaves_no_file_and_the_next_one_succeeds(cache, server):
    half_sent, end = threading.Event(), threading.Event()

    def send_half_and_wait(handler):
        send(handler, GOOD[:5000], declared=len(GOOD))
        half_sent.set()
        end.wait(60)

    server.routes["/toy.dat"] = send_half_and_wait
    child = start_child(cache, server.url + "/toy.dat")
    try:
        assert half_sent.wait(60), child.communicate(timeout=1)
        wait_until(lambda: names(cache))
        child.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        child.communicate(timeout=60)
    finally:
        end.set()
        child.kill()
    (leftover,) = [path for path in cache.rglob("*") if path.is_file()]
    assert leftover.suffix == ".part"

    server.routes["/toy.dat"] = GOOD
    assert _files.read(toy(server.url + "/toy.dat")) == GOOD
    assert leftover.exists()  # it is young: its owner might be alive

    (cache / "toy" / "toy.dat").unlink()
    os.utime(leftover, (0, 0))
    assert _files.read(toy(server.url + "/toy.dat")) == GOOD
    assert names(cache) == ["toy.dat"]


def test_interrupted_download_leaves_nothing(cache, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("pooch.HTTPDownloader", interrupt)
    with pytest.raises(KeyboardInterrupt):
        _files.read(toy("http://127.0.0.1/toy.dat"))
    assert names(cache) == []


def test_half_written_file_of_another_process_is_never_read(cache, server):
    put(cache / "toy" / ".toy.dat.abc.part", GOOD[:5000])
    server.routes["/toy.dat"] = GOOD
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _files.read(toy(server.url + "/toy.dat")) == GOOD


def test_unset_home_still_finds_the_cache_of_xdg_cache_home(tmp_path, monkeypatch):
    if not sys.platform.startswith("linux"):
        pytest.skip("XDG_CACHE_HOME is the custom of Linux")
    monkeypatch.delenv("GDUTILS_DATA", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    put(tmp_path / "gdutils" / "toy" / "toy.dat", GOOD)
    assert _files.read(toy()) == GOOD


def test_account_without_a_home_is_an_error_that_names_the_way_out(monkeypatch):
    monkeypatch.delenv("GDUTILS_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda project: pathlib.Path("~no-such-user/.cache"))
    with pytest.raises(_files.DataError, match="Set XDG_CACHE_HOME"):
        _files.read(toy())


def test_progress_bar_is_shown_only_to_somebody_who_watches(cache, server, monkeypatch, capsys):
    server.routes["/toy.dat"] = GOOD
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    _files.read(toy(server.url + "/toy.dat"))
    assert capsys.readouterr().err == ""

    (cache / "toy" / "toy.dat").unlink()
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    # The test run turns bars off (TQDM_DISABLE), which tqdm reads when it is imported.
    monkeypatch.setattr("tqdm.auto.tqdm", functools.partial(tqdm.auto.tqdm, disable=False))
    with contextlib.redirect_stderr(terminal):
        _files.read(toy(server.url + "/toy.dat"))
    assert "toy.dat: 100%" in terminal.getvalue()
